import { describe, expect, test } from "vitest";
import { printGraph } from "../../src/graph/print.ts";
import { type Attributes, type DataType, type Graph, sizeOf, type Value } from "../../src/graph/types.ts";
import { optimizeGraph } from "../../src/passes/index.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { modelOf } from "../support/run-op.ts";
import { GraphUnderTest } from "./support.ts";

/** A model as exporters write quantization into ONNX: every tensor goes through 8 bits and back. */
class QdqGraph extends GraphUnderTest {
  #count = 0;

  /** x through `dataType` and back. */
  qdq(x: Value, scale: number, zero = 0, dataType: DataType = "int8"): Value {
    return this.dequantized(this.quantized(x, scale, zero, dataType), scale, zero, dataType);
  }

  quantized(x: Value, scale: number, zero = 0, dataType: DataType = "int8"): Value {
    return this.node("quantize_linear", [x, ...this.#parameters([scale], zero, dataType)], { axis: 1, dataType });
  }
  dequantized(x: Value, scale: number, zero = 0, dataType: DataType = "int8"): Value {
    return this.node("dequantize_linear", [x, ...this.#parameters([scale], zero, dataType)], { axis: 1 });
  }

  #parameters(scales: readonly number[], zero: number, dataType: DataType): Value[] {
    const shape = scales.length > 1 ? [scales.length] : [];
    const id = ++this.#count;
    return [
      this.constant(`s${id}`, shape, scales),
      this.constant(
        `z${id}`,
        shape,
        scales.map(() => zero),
        { dataType },
      ),
    ];
  }

  /** Weights of 8 bits with a scale for each output. */
  weights(name: string, shape: readonly number[], axis: number, scales: readonly number[]): Value {
    const data = Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 37) % 255) - 127);
    const raw = this.constant(name, shape, data, { dataType: "int8" });
    return this.node("dequantize_linear", [raw, ...this.#parameters(scales, 0, "int8")], { axis });
  }

  bias(name: string, steps: readonly number[], scale: number): Value {
    const raw = this.constant(name, [steps.length], steps, { dataType: "int32" });
    return this.node("dequantize_linear", [raw, ...this.#parameters([scale], 0, "int32")], { axis: 0 });
  }
}

const conv = (
  g: QdqGraph,
  x: Value,
  name: string,
  [inputs, outputs, size]: readonly [number, number, number],
  attributes: Attributes = {},
): Value => {
  const scales = Array.from({ length: outputs }, (_, i) => 0.0009765625 * (i + 1));
  const pad = (size - 1) / 2;
  const inputsOfNode = [x, g.weights(name, [outputs, size, size, inputs], 0, scales)];
  return g.node("conv2d", inputsOfNode, { padding: [pad, pad, pad, pad], ...attributes });
};

/** A block with a residual add, a pool, a concat of two scales and a head: int8 but for its ends. */
function network(dataType: DataType): Graph {
  const zero = dataType === "uint8" ? 128 : 0;
  const g = new QdqGraph();
  const nhwc = (x: Value) => g.node("transpose", [x], { perm: [0, 2, 3, 1] });
  const nchw = (x: Value) => g.node("transpose", [x], { perm: [0, 3, 1, 2] });
  const x = g.qdq(g.input("x", [1, 3, 6, 6]), 1 / 64, zero, dataType);
  let y = nchw(conv(g, nhwc(x), "stem", [3, 4, 3]));
  y = g.qdq(g.node("clamp", [y], { min: 0, max: 6 }), 6 / 255, zero - 128, dataType);
  const branch = g.qdq(nchw(conv(g, nhwc(y), "branch", [4, 4, 1])), 1 / 32, zero, dataType);
  const sum = g.qdq(g.node("clamp", [g.node("add", [branch, y])], { min: 0 }), 1 / 16, zero - 128, dataType);
  const pooled = g.qdq(nchw(g.node("max_pool2d", [nhwc(sum)], { kernel: [2, 2], strides: [2, 2] })), 1 / 16, zero - 128, dataType);
  const gate = g.qdq(g.node("sigmoid", [pooled]), 1 / 256, zero - 128, dataType);
  const joined = g.qdq(g.node("concat", [pooled, gate], { axis: 1 }), 1 / 16, zero - 128, dataType);
  const mean = g.qdq(g.node("reduce_mean", [joined], { axes: [2, 3], keepDims: true }), 1 / 32, zero - 128, dataType);
  const flat = g.node("reshape", [mean], { shape: [1, 8] });
  const dense = g.node("matmul", [flat, g.weights("dense", [8, 5], 1, [1 / 64, 1 / 128, 1 / 256, 1 / 512, 1 / 1024])]);
  const logits = g.qdq(g.node("add", [dense, g.bias("bias", [10, -10, 20, -20, 30], 1 / 4096)]), 1 / 8, zero, dataType);
  return g.graph(g.qdq(g.node("softmax", [logits]), 1 / 256, zero - 128, dataType));
}

const opsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

test("a QDQ model becomes int8 from end to end", () => {
  expect(`\n${printGraph(optimizeGraph(network("int8")))}\n`).toMatchInlineSnapshot(`
    "
    input %x:f32[1,3,6,6]
    const #stem:i8[4,3,3,3] q×4
    const #branch:i8[4,1,1,4] q×4
    const #dense:i8[5,8] q×5
    const #dequantize_linear12:i32[5] q×5
    %quantize_linear1:i8[1,3,6,6] q(0.01563,0) = quantize(%x) {dataType="int8"}
    %quantize_linear1/dequantize_linear2/transpose3/int84:i8[1,6,6,3] q(0.01563,0) = transpose(%quantize_linear1) {perm=[0,2,3,1]}
    %quantize_linear2:i8[1,6,6,4] q(0.02353,-128) = conv2d(%quantize_linear1/dequantize_linear2/transpose3/int84, #stem) {padding=[1,1,1,1] min=0 max=6}
    %quantize_linear3:i8[1,6,6,4] q(0.03125,0) = conv2d(%quantize_linear2, #branch) {padding=[0,0,0,0]}
    %quantize_linear4:i8[1,6,6,4] q(0.06250,-128) = add(%quantize_linear3, %quantize_linear2) {min=0}
    %max_pool2d1/int85:i8[1,3,3,4] q(0.06250,-128) = max_pool2d(%quantize_linear4) {kernel=[2,2] strides=[2,2]}
    %quantize_linear6:i8[1,3,3,4] q(0.003906,-128) = sigmoid(%max_pool2d1/int85)
    %quantize_linear7:i8[1,3,3,8] q(0.06250,-128) = concat(%max_pool2d1/int85, %quantize_linear6) {axis=3}
    %quantize_linear8:i8[1,1,1,8] q(0.03125,-128) = reduce_mean(%quantize_linear7) {axes=[1,2] keepDims=true}
    %quantize_linear8/matmul7:i8[1,1,1,5] q(0.1250,0) = matmul(%quantize_linear8, #dense, #dequantize_linear12) {transposeB=true}
    %quantize_linear8/matmul7/softmax8:i8[1,1,1,5] q(0.003906,-128) = softmax(%quantize_linear8/matmul7) {axis=-1}
    %quantize_linear10:i8[1,5] q(0.003906,-128) = reshape(%quantize_linear8/matmul7/softmax8) {shape=[1,5]}
    %dequantize_linear14:f32[1,5] = dequantize(%quantize_linear10)
    output %dequantize_linear14 as "dequantize_linear14"
    "
  `);
});

test("uint8 makes the same operators", () => {
  expect(opsOf(optimizeGraph(network("uint8")))).toEqual(opsOf(optimizeGraph(network("int8"))));
});

test.each(["int8", "uint8"] as const)("%s: int8 arithmetic is within one step of floats between the steps", (dataType) => {
  const graph = network(dataType);
  for (let seed = 0; seed < 5; seed++) {
    const image = Float32Array.from({ length: 108 }, (_, i) => 2 * Math.sin(i * (1.3 + seed)));
    const [actual, expected] = [optimizeGraph(graph), graph].map((each) => {
      const y = Object.values(modelOf(each).runSync({ x: new Tensor("float32", [1, 3, 6, 6], image) }))[0]!;
      return Array.from(y.data as Float32Array);
    }) as [number[], number[]];
    for (const [i, value] of expected.entries()) expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(1 / 256 + 1e-6);
  }
});

type Step = (g: QdqGraph, x: Value, y: Value) => Value;

/** Operators on x and y: 1 × 4 × 6 × 3, each of them between steps of its own. */
const STEPS: { readonly [name: string]: Step } = {
  add: (g, x, y) => g.node("add", [x, y], { min: -1, max: 2 }),
  sub: (g, x, y) => g.node("sub", [x, y]),
  mul: (g, x, y) => g.node("mul", [x, y]),
  "mul by a number": (g, x) => g.node("mul", [g.number(-0.75), x]),
  max: (g, x, y) => g.node("max", [x, y]),
  min: (g, x, y) => g.node("min", [x, y]),
  "add with broadcasting": (g, x) => g.node("add", [x, g.qdq(g.node("reduce_mean", [x], { axes: [1, 2] }), 1 / 64)]),
  clamp: (g, x) => g.node("clamp", [x], { min: -0.5, max: 1 }),
  sigmoid: (g, x) => g.node("sigmoid", [x]),
  tanh: (g, x) => g.node("tanh", [x]),
  hard_swish: (g, x) => g.node("hard_swish", [x]),
  "swish as a formula": (g, x) => g.node("mul", [x, g.node("sigmoid", [x])]),
  leaky_relu: (g, x) => g.node("leaky_relu", [x], { alpha: 0.1 }),
  softmax: (g, x) => g.node("softmax", [x]),
  concat: (g, x, y) => g.node("concat", [x, y], { axis: -1 }),
  max_pool2d: (g, x) => g.node("max_pool2d", [x], { kernel: [3, 3], padding: [1, 1, 1, 1] }),
  average_pool2d: (g, x) => g.node("average_pool2d", [x], { kernel: [2, 2], strides: [2, 2] }),
  reduce_mean: (g, x) => g.node("reduce_mean", [x], { axes: [1, 2], keepDims: false }),
  "resize nearest": (g, x) => g.node("resize", [x], { scales: [1, 2, 2, 1], mode: "nearest" }),
  "resize linear": (g, x) => g.node("resize", [x], { scales: [1, 2, 2, 1], mode: "linear" }),
  pad: (g, x) => g.node("pad", [x], { pads: [0, 1, 0, 0, 0, 0, 2, 0] }),
  slice: (g, x) => g.node("slice", [x], { starts: [1], ends: [3], axes: [1] }),
  transpose: (g, x) => g.node("transpose", [x], { perm: [0, 3, 1, 2] }),
  reshape: (g, x) => g.node("reshape", [x], { shape: [4, 18] }),
  split: (g, x) => g.nodes("split", [x], 2, { axis: 2 })[1]!,
  "matmul of two activations": (g, x, y) => g.node("matmul", [x, y], { transposeB: true }),
  "conv2d with a float bias": (g, x) =>
    g.node("conv2d", [x, g.weights("w", [2, 1, 1, 3], 0, [1 / 128, 1 / 64]), g.constant("b", [2], [0.5, -0.25])]),
};

describe("one operator between its steps", () => {
  test.each(Object.entries(STEPS))("%s", (_, step) => {
    const g = new QdqGraph();
    const [x, y] = ["x", "y"].map((name, i) => g.qdq(g.input(name, [1, 4, 6, 3]), 1 / 48, 3 * i)) as [Value, Value];
    const graph = g.graph(g.qdq(step(g, x, y), 1 / 32, -5));
    const optimized = optimizeGraph(graph);
    const elements = (seed: number) => Float32Array.from({ length: 72 }, (_, i) => 2.5 * Math.sin(i * seed));
    const feed = { x: new Tensor("float32", [1, 4, 6, 3], elements(1.3)), y: new Tensor("float32", [1, 4, 6, 3], elements(0.7)) };
    const given = (each: Graph) =>
      Object.fromEntries(Object.entries(feed).filter(([name]) => each.inputs.some((input) => input.name === name)));
    const [actual, expected] = [optimized, graph].map((each) => Object.values(modelOf(each).runSync(given(each)))[0]!.data as Float32Array);
    const floats = optimized.nodes.filter(({ op, outputs }) => outputs.some((value) => value && !value.quant) && op !== "dequantize");
    expect(floats.map(({ op }) => op)).toEqual([]);
    for (const [i, value] of expected!.entries()) expect(Math.abs(actual![i]! - value)).toBeLessThanOrEqual(1 / 32 + 1e-6);
  });
});

test("data movement passes dequantize; equal scales need nothing, others a requantize", () => {
  const g = new QdqGraph();
  let x = g.dequantized(g.input("x", [2, 3, 4], { dataType: "int8" }), 0.5, 3);
  x = g.node("transpose", [x], { perm: [0, 2, 1] });
  x = g.node("pad", [x], { pads: [0, 1, 0, 0, 1, 0] });
  x = g.node("slice", [x], { starts: [1], ends: [5], axes: [1] });
  const [a, b] = g.nodes("split", [x], 2, { axis: 1 }) as [Value, Value];
  const same = g.quantized(g.node("reshape", [a], { shape: [2, 6] }), 0.5, 3);
  const other = g.quantized(b, 0.25, -1);
  expect(`\n${printGraph(optimizeGraph(g.graph(same, other)))}\n`).toMatchInlineSnapshot(`
    "
    input %x:i8[2,3,4] q(0.5000,3)
    %x/dequantize_linear2/transpose3/int84:i8[2,4,3] q(0.5000,3) = transpose(%x) {perm=[0,2,1]}
    %pad1/int85:i8[2,6,3] q(0.5000,3) = pad(%x/dequantize_linear2/transpose3/int84) {pads=[0,1,0,0,1,0]}
    %slice1/int86:i8[2,4,3] q(0.5000,3) = slice(%pad1/int85) {starts=[1] ends=[5] axes=[1]}
    %split1/int87:i8[2,2,3] q(0.5000,3), %split1.1/int88:i8[2,2,3] q(0.5000,3) = split(%slice1/int86) {axis=1}
    %quantize_linear2:i8[2,2,3] q(0.2500,-1) = requantize(%split1.1/int88)
    %reshape1/int89:i8[2,6] q(0.5000,3) = reshape(%split1/int87) {shape=[2,6]}
    output %reshape1/int89 as "quantize_linear1"
    output %quantize_linear2 as "quantize_linear2"
    "
  `);
});

test("uint8 stays what the caller sees", () => {
  const g = new QdqGraph();
  const x = g.dequantized(g.input("x", [4], { dataType: "uint8" }), 0.5, 128, "uint8");
  const y = g.quantized(g.node("add", [x, g.number(1)]), 0.25, 100, "uint8");
  expect(`\n${printGraph(optimizeGraph(g.graph(y)))}\n`).toMatchInlineSnapshot(`
    "
    input %x:u8[4]
    const #1:i8[] q(1.000,0)
    %x/recenter1:i8[4] q(0.5000,0) = recenter(%x) {dataType="int8"}
    %quantize_linear1:i8[4] q(0.2500,-28) = add(%x/recenter1, #1)
    %quantize_linear1/recenter2:u8[4] = recenter(%quantize_linear1) {dataType="uint8"}
    output %quantize_linear1/recenter2 as "quantize_linear1"
    "
  `);
});

test("weights alone in 8 bits stay small in the file, and the layer computes floats", () => {
  const g = new QdqGraph();
  const x = g.input("x", [1, 4, 4, 3]);
  const graph = optimizeGraph(g.graph(conv(g, x, "w", [3, 64, 3])));
  expect(opsOf(graph)).toEqual(["dequantize", "conv2d"]);
  expect(graph.nodes[0]!.inputs[0]!.constant!.storage).toBe("int8");
});

test("a float in between stays one: no quantization is made up", () => {
  const g = new QdqGraph();
  const x = g.qdq(g.input("x", [1, 4, 4, 3]), 0.1);
  const y = g.node("hard_swish", [conv(g, x, "w", [3, 4, 1])]);
  expect(opsOf(optimizeGraph(g.graph(g.qdq(y, 0.1))))).toEqual([
    "quantize",
    "dequantize",
    "dequantize",
    "conv2d",
    "quantize",
    "dequantize",
  ]);
});

test("weights over one dimension are quantized weights of images, their scales along the axis where it is now", () => {
  const g = new QdqGraph();
  const x = g.qdq(g.input("x", [1, 1, 9, 4]), 1 / 64);
  const weights = g.node("reshape", [g.weights("w", [3, 5, 4], 0, [1 / 64, 1 / 128, 1 / 256])], { shape: [3, 1, 5, 4] });
  const y = g.qdq(g.node("conv2d", [x, weights], { padding: [0, 2, 0, 2] }), 1 / 16);
  expect(`\n${printGraph(optimizeGraph(g.graph(y)))}\n`).toMatchInlineSnapshot(`
    "
    input %x:f32[1,1,9,4]
    const #w/reshaped1:i8[3,1,5,4] q×3
    %quantize_linear1:i8[1,1,9,4] q(0.01563,0) = quantize(%x) {dataType="int8"}
    %quantize_linear2:i8[1,1,9,3] q(0.06250,0) = conv2d(%quantize_linear1, #w/reshaped1) {padding=[0,2,0,2]}
    %dequantize_linear3:f32[1,1,9,3] = dequantize(%quantize_linear2)
    output %dequantize_linear3 as "dequantize_linear3"
    "
  `);
});

test("a shape in which the axis of the scales is gone leaves the weights floats", () => {
  const g = new QdqGraph();
  const x = g.qdq(g.input("x", [1, 3, 3, 4]), 1 / 64);
  const weights = g.node("reshape", [g.weights("w", [2, 2, 4], 1, [1 / 64, 1 / 128])], { shape: [4, 1, 1, 4] });
  const y = g.qdq(g.node("conv2d", [x, weights]), 1 / 16);
  expect(opsOf(optimizeGraph(g.graph(y)))).toContain("dequantize");
  expect(printGraph(optimizeGraph(g.graph(y)))).toContain("reshape");
});
