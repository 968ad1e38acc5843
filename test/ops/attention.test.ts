import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Attributes } from "../../src/graph/types.ts";
import { splitsOf } from "../support/close.ts";
import { expectClose, putEpilogue, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const floats = (shape: readonly number[], seed: number): TestInput => ({
  dataType: "float32",
  shape,
  data: randomFloats(
    shape.reduce((a, b) => a * b, 1),
    seed,
  ).map((value) => value * 3),
});
/** The same numbers in a type that no kernel takes, so that TypeScript computes. */
const asDouble = (input: TestInput): TestInput => ({ ...input, dataType: "float64", data: Float64Array.from(input.data as Float32Array) });

const size = fc.constantFrom(1, 2, 3, 5, 7, 8, 15, 17, 31, 33, 61);
const attentions = fc.record({
  layout: fc.constantFrom("heads first", "heads last", "batch", "matrix"),
  batch: fc.constantFrom(1, 2, 3),
  heads: fc.constantFrom(1, 2, 3),
  rows: size,
  keys: size,
  depth: fc.constantFrom(1, 3, 4, 8, 9),
  valueDepth: fc.constantFrom(1, 4, 8, 11),
  /** Axes of the mask that are the scores' own; the others are 1, or, before the first, absent. */
  mask: fc.constantFrom("none", "keys", "rows", "batch", "heads", "all"),
});
type Case = typeof attentions extends fc.Arbitrary<infer T> ? T : never;

function shapesOf({ layout, batch, heads, rows, keys, depth, valueDepth, mask }: Case) {
  const operand = (length: number, width: number): number[] =>
    ({
      "heads first": [batch, heads, length, width],
      "heads last": [batch, length, heads, width],
      batch: [batch, length, width],
      matrix: [length, width],
    })[layout];
  const scores = { "heads first": [batch, heads], "heads last": [batch, heads], batch: [batch], matrix: [] }[layout];
  const added = {
    none: undefined,
    keys: [keys],
    rows: [rows, keys],
    batch: [...scores.map((dim, i) => (i === 0 ? dim : 1)), 1, keys],
    heads: [...scores.map((dim, i) => (i === 1 ? dim : 1)), rows, keys],
    all: [...scores, rows, keys],
  }[mask];
  return { operands: [operand(rows, depth), operand(keys, depth), operand(keys, valueDepth)], mask: added };
}

/** Products and softmax by the operators of those names, in TypeScript. */
function composed(inputs: readonly TestInput[], attributes: Attributes): Float64Array {
  const toFront = (x: TestInput): TestInput => {
    if (attributes.headsFirst === true || x.shape.length < 4) return x;
    const [y] = runOp("transpose", { perm: [0, 2, 1, 3] }, [x]);
    return { dataType: "float64", shape: y!.shape, data: y!.data };
  };
  const [q, k, v] = inputs.slice(0, 3).map((input) => toFront(asDouble(input)));
  const run = (op: string, options: Attributes, ...operands: TestInput[]): TestInput => {
    const [y] = runOp(op, options, operands);
    return { dataType: "float64", shape: y!.shape, data: y!.data };
  };
  let scores = run("matmul", { transposeB: true, alpha: attributes.scale! }, q!, k!);
  if (inputs[3]) scores = run("add", {}, scores, asDouble(inputs[3]));
  return toFront(run("matmul", {}, run("softmax", {}, scores), v!)).data as Float64Array;
}

describe.each(TIERS)("attention, %s", (tier) => {
  test("is two products with a softmax between them, by kernels and in TypeScript", () => {
    const property = fc.property(attentions, (shape) => {
      const { operands, mask } = shapesOf(shape);
      const inputs = [...operands, ...(mask ? [mask] : [])].map((dims, i) => floats(dims, i + 1));
      const attributes = { headsFirst: shape.layout === "heads first", scale: 0.3 };
      const expected = composed(inputs, attributes);
      const [y] = runOp("attention", attributes, inputs, { tier });
      expect(y!.shape).toEqual(operands[0]!.with(-1, shape.valueDepth));
      expectClose(y!.data as Float32Array, expected);
      const [inTypeScript] = runOp("attention", attributes, inputs.map(asDouble), { tier });
      expectClose(inTypeScript!.data as Float64Array, expected, 1e-12);
    });
    fc.assert(property, { numRuns: 80 });
  });

  test("gives the same bits for any split, and writes nothing beside its rows", () => {
    const bench = new KernelBench(tier, 4 << 20);
    const [batch, heads, rows, keys, depth, blockRows] = [2, 2, 17, 11, 5, 6];
    const operand = (length: number, seed: number) => bench.put(randomFloats(batch * length * heads * depth, seed));
    const [q, k, v] = [operand(rows, 1), operand(keys, 2), operand(keys, 3)];
    const strides = (length: number) => [length * heads * depth, depth, heads * depth];
    const scale = new Int32Array(Float32Array.of(0.5).buffer)[0]!;
    const words = [heads, rows, keys, depth, depth, blockRows, scale, ...strides(rows), ...strides(rows), ...strides(keys)];
    const shape = bench.put(Int32Array.of(...words, ...strides(keys), 0, 0, 0));
    const epilogue = putEpilogue(bench);
    const scratch = bench.alloc((2 * 8 * (depth + 1) + 8 * (keys + 1) + blockRows * keys) * 4);
    const [whole, parts] = [operand(rows, 4), operand(rows, 4)];
    const units = batch * heads * Math.ceil(rows / blockRows);
    bench.kernels.f32_attention(whole, q, k, v, 0, epilogue, shape, scratch, 0, units);
    for (const [begin, end] of splitsOf(units).toReversed())
      bench.kernels.f32_attention(parts, q, k, v, 0, epilogue, shape, scratch, begin, end);
    bench.checkGuards();
    const length = batch * rows * heads * depth;
    expect(bench.f32(parts, length)).toEqual(bench.f32(whole, length));
    bench.kernels.f32_attention(q, q, k, v, 0, epilogue, shape, scratch, 0, units);
    expect(bench.f32(q, length)).toEqual(bench.f32(whole, length));
  });
});

test("attention says what does not fit", () => {
  const run = (...shapes: number[][]) => runOp("attention", {}, shapes.map(floats));
  expect(() => run([2, 3, 4], [2, 5, 4], [2, 6, 4])).toThrow("q, k and v must have one batch");
  expect(() => run([3, 4], [5, 4], [5, 4], [3, 1])).toThrow("a mask [3,1] cannot be added to scores [1,1,3,5]");
  expect(() => run([4], [4], [4])).toThrow("2 to 4 axes, found 1");
});
