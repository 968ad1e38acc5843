// Random graphs of operators that share memory in every way the planner knows, and what they compute, done naively.
import fc from "fast-check";
import { type Graph, type Node, sizeOf, type TensorType, type Value } from "../../src/graph/types.ts";
import { defineOp, type HostTensor } from "../../src/ops/define.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import type { OpTable } from "../../src/plan/infer.ts";

const floats = (tensor: HostTensor): Float32Array => tensor.data as Float32Array;

/** Element of a tensor that a position in a broadcast result reads. */
function broadcastIndex(shape: readonly number[], result: readonly number[], flat: number): number {
  let index = 0;
  let stride = 1;
  for (let axis = result.length - 1, rest = flat; axis >= 0; axis--) {
    const at = rest % result[axis]!;
    rest = Math.floor(rest / result[axis]!);
    if (shape[axis] !== 1) index += at * stride;
    stride *= shape[axis]!;
  }
  return index;
}

/** x + 1, which may overwrite x. */
const increment = defineOp({
  name: "increment",
  infer: ({ inputs }) => [inputs[0]!],
  host: ({ inputs: [x], outputs: [y] }) => void floats(y!).set(floats(x!).map((value) => value + 1)),
  inPlace: [0],
});

/** a + b of one rank, with repeated dimensions; element by element, so it may overwrite either. */
const sum = defineOp({
  name: "sum",
  infer: ({ inputs: [a, b] }) => [{ dataType: "float32", shape: a!.shape.map((dim, i) => Math.max(dim, b!.shape[i]!)) }],
  host({ inputs: [a, b], outputs: [y] }) {
    for (let i = 0; i < y!.data.length; i++)
      floats(y!)[i] = floats(a!)[broadcastIndex(a!.shape, y!.shape, i)]! + floats(b!)[broadcastIndex(b!.shape, y!.shape, i)]!;
  },
  inPlace: [0, 1],
});

/** a + b backwards: only a may be overwritten, and not while b is the same memory. */
const addReversed = defineOp({
  name: "add_reversed",
  infer: ({ inputs }) => [inputs[0]!],
  host({ inputs: [a, b], outputs: [y] }) {
    const length = b!.data.length;
    for (let i = 0; i < y!.data.length; i++) floats(y!)[i] = floats(a!)[i]! + floats(b!)[length - 1 - (i % length)]!;
  },
  inPlace: [0],
});

/** y = x, straight into a wider tensor's rows; with a kernel, or in TypeScript. */
const copyWith = (name: string, takesKernel: boolean) =>
  defineOp({
    name,
    infer: ({ inputs }) => [inputs[0]!],
    stridedOutput: true,
    lower(ctx) {
      if (!takesKernel) return false;
      const [x, y] = [ctx.input(0), ctx.output(0)];
      const rowBytes = x.shape.at(-1)! * 4;
      ctx.emitSplit("x8_copy_rows", x.bytes / rowBytes, [y.pointer, x.pointer, rowBytes, y.rowStride * 4, rowBytes]);
      return true;
    },
    host: ({ inputs: [x], outputs: [y] }) => void floats(y!).set(floats(x!)),
  });

/** The engine's operators that move memory, and some of our own that show who overwrote whom. */
export const TEST_OPS: OpTable = {
  ...Object.fromEntries([increment, sum, addReversed, copyWith("copy", true), copyWith("copy_host", false)].map((op) => [op.name, op])),
  reshape: ALL_OPS.reshape,
  split: ALL_OPS.split,
  concat: ALL_OPS.concat,
};

type Draw = (below: number) => number;
const typeOf = (shape: readonly number[]): TensorType => ({ dataType: "float32", shape });

/** Adds a random node to a graph; `shapes` knows every value so far. */
function addNode(graph: Graph, shapes: Map<Value, readonly number[]>, draw: Draw): unknown {
  const values = [...shapes.keys()];
  const x = values[draw(values.length)]!;
  const shape = shapes.get(x)!;
  const axis = draw(shape.length);
  const add = (op: string, inputs: Value[], results: readonly (readonly number[])[], attributes: Node["attributes"] = {}) => {
    const name = `${op}${graph.nodes.length}`;
    const outputs = results.map((_, i): Value => ({ name: `${name}:${i}` }));
    graph.nodes.push({ op, name, inputs, outputs, attributes });
    for (const [i, value] of outputs.entries()) shapes.set(value, results[i]!);
  };
  const among = (fits: (other: readonly number[]) => boolean): Value => {
    const found = values.filter((value) => shapes.get(value)!.length === shape.length && fits(shapes.get(value)!));
    return found[draw(found.length)] ?? x;
  };
  switch (draw(9)) {
    case 0:
      return add("increment", [x], [shape]);
    case 1: {
      const other = among((dims) => dims.every((dim, i) => dim === shape[i] || dim === 1 || shape[i] === 1));
      return add("sum", [x, other], [shape.map((dim, i) => Math.max(dim, shapes.get(other)![i]!))]);
    }
    case 2:
      return add("add_reversed", [x, among(() => true)], [shape]);
    case 3:
      return add(draw(2) ? "copy" : "copy_host", [x], [shape]);
    case 4: {
      const to = draw(2) ? shape.toReversed() : [sizeOf(shape.slice(0, -1)), 1, shape.at(-1)!];
      return add("reshape", [x], [to], { shape: to });
    }
    case 5: {
      if (shape[axis]! < 2) return undefined;
      const first = 1 + draw(shape[axis]! - 1);
      const sizes = [first, shape[axis]! - first];
      return add(
        "split",
        [x],
        sizes.map((size) => shape.with(axis, size)),
        { axis, sizes },
      );
    }
    default: {
      const parts = Array.from({ length: 1 + draw(3) }, () => among((dims) => dims.every((dim, i) => i === axis || dim === shape[i])));
      const length = [x, ...parts].reduce((total, value) => total + shapes.get(value)![axis]!, 0);
      const result = shape.with(axis, length);
      return sizeOf(result) <= 2000 && add("concat", [x, ...parts], [result], { axis: draw(2) ? axis : axis - shape.length });
    }
  }
}

/** A graph of up to about fifty nodes; the outputs are the values that nothing uses, and some that something does. */
export const sharingGraph: fc.Arbitrary<Graph> = fc
  .tuple(
    fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    fc.array(fc.nat(), { minLength: 30, maxLength: 250 }),
  )
  .map(([inputShapes, numbers]) => {
    let at = 0;
    const draw: Draw = (below) => (below > 0 ? numbers[at++ % numbers.length]! % below : 0);
    const inputs = inputShapes.map((shape, i): Value => ({ name: `x${i}`, type: typeOf(shape) }));
    const graph: Graph = { inputs, outputs: [], nodes: [] };
    const shapes = new Map(inputs.map((value) => [value, value.type!.shape]));
    while (at < numbers.length - 8) addNode(graph, shapes, draw);
    const used = new Set(graph.nodes.flatMap((node) => node.inputs));
    graph.outputs = [...shapes.keys()].filter((value) => !used.has(value) || draw(8) === 0);
    return graph;
  });

/** Every output, computed with an array of its own for each value. */
export function naiveRun(graph: Graph, inputs: ReadonlyMap<Value, HostTensor>): Float32Array[] {
  const tensors = new Map(inputs);
  for (const node of graph.nodes) {
    const from = node.inputs.map((value) => tensors.get(value!)!);
    for (const [i, tensor] of naiveNode(node, from).entries()) tensors.set(node.outputs[i]!, tensor);
  }
  return graph.outputs.map((value) => floats(tensors.get(value)!));
}

const make = (shape: readonly number[], element: (i: number) => number): HostTensor => ({
  ...typeOf(shape),
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => element(i)),
});

function naiveNode({ op, attributes }: Node, inputs: readonly HostTensor[]): HostTensor[] {
  const [x, b] = inputs as [HostTensor, HostTensor];
  const axis = ((attributes.axis as number) + x.shape.length) % x.shape.length;
  switch (op) {
    case "increment":
      return [make(x.shape, (i) => floats(x)[i]! + 1)];
    case "sum": {
      const shape = x.shape.map((dim, i) => Math.max(dim, b.shape[i]!));
      return [make(shape, (i) => floats(x)[broadcastIndex(x.shape, shape, i)]! + floats(b)[broadcastIndex(b.shape, shape, i)]!)];
    }
    case "add_reversed":
      return [make(x.shape, (i) => floats(x)[i]! + floats(b)[b.data.length - 1 - (i % b.data.length)]!)];
    case "reshape":
      return [make(attributes.shape as number[], (i) => floats(x)[i]!)];
    case "split": {
      const sizes = attributes.sizes as number[];
      return sizes.map((size, part) => slice(x, axis, part === 0 ? 0 : sizes[0]!, size));
    }
    case "concat":
      return [concatenate(inputs, axis)];
    default:
      return [make(x.shape, (i) => floats(x)[i]!)];
  }
}

function slice(x: HostTensor, axis: number, first: number, size: number): HostTensor {
  const inner = sizeOf(x.shape.slice(axis + 1));
  return make(x.shape.with(axis, size), (i) => {
    const row = Math.floor(i / (size * inner));
    return floats(x)[(row * x.shape[axis]! + first) * inner + (i % (size * inner))]!;
  });
}

function concatenate(inputs: readonly HostTensor[], axis: number): HostTensor {
  const shape = inputs[0]!.shape.with(
    axis,
    inputs.reduce((total, input) => total + input.shape[axis]!, 0),
  );
  const rows = sizeOf(shape.slice(0, axis));
  const elements = Array.from({ length: rows }, (_, row) =>
    inputs.flatMap((input) => {
      const length = input.data.length / rows;
      return [...floats(input).subarray(row * length, (row + 1) * length)];
    }),
  ).flat();
  return make(shape, (i) => elements[i]!);
}
