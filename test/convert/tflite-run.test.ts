// Operators that become several nodes, run: they compute what the format says of the one.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importTflite } from "../../src/convert/tflite/index.ts";
import { BUILTIN_OPERATORS } from "../../src/convert/tflite/schema.ts";
import { type DataType, isDataType, type TypedArray } from "../../src/graph/types.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { modelOf } from "../support/run-op.ts";
import { type OperatorSpec, type TensorSpec, writeTflite } from "../support/tflite.ts";

const i32 = (...values: number[]): TensorSpec => ({ type: "int32", shape: [values.length], data: Int32Array.from(values) });
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
/** 1, 2, 3 … */
const counting = (shape: readonly number[]): Float32Array => Float32Array.from({ length: count(shape) }, (_, i) => i + 1);

/** Runs one operator on inputs 1, 2, 3 …, or on what `feed` has for them. */
function run(
  name: string,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  options?: OperatorSpec["options"],
  feed: readonly (TypedArray | undefined)[] = [],
): Tensor[] {
  const tensors = [
    ...inputs.map((tensor, i) => ({ name: `x${i}`, ...tensor })),
    ...outputs.map((tensor, i) => ({ name: `y${i}`, ...tensor })),
  ];
  const indices = tensors.map((_, i) => i);
  const op = BUILTIN_OPERATORS.indexOf(name);
  const [from, to] = [indices.slice(0, inputs.length), indices.slice(inputs.length)];
  const operators = [{ op, inputs: from, outputs: to, ...(options && { options }) }];
  const model = modelOf(importTflite(writeTflite({ tensors, operators, inputs: from.filter((i) => !tensors[i]!.data), outputs: to })));
  const tensorOf = ({ type = "float32", shape = [] }: TensorSpec, i: number) =>
    new Tensor(isDataType(type) ? (type satisfies DataType) : "float32", shape, feed[i] ?? counting(shape));
  const given = Object.fromEntries(inputs.flatMap((tensor, i) => (tensor.data ? [] : [[`x${i}`, tensorOf(tensor, i)]])));
  return Object.values(model.runSync(given));
}

const values = (tensor: Tensor | undefined): number[] => Array.from(tensor!.data as ArrayLike<number>, Number);

describe("blocks of space and batch", () => {
  const sizes = fc.record({
    blocks: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    cells: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    pads: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
    batch: fc.integer({ min: 1, max: 3 }),
    channels: fc.constantFrom(1, 3, 5),
  });

  test("SPACE_TO_BATCH_ND takes every block's cells apart, BATCH_TO_SPACE_ND puts them together", () => {
    fc.assert(
      fc.property(sizes, ({ blocks: [bh, bw], cells: [h, w], pads, batch, channels }) => {
        const [height, width] = [h * bh - pads[0] - pads[1], w * bw - pads[2] - pads[3]];
        fc.pre(height > 0 && width > 0);
        const shape = [batch, height, width, channels];
        const x = counting(shape);
        const expected: number[] = [];
        for (let cell = 0; cell < bh * bw; cell++)
          for (let n = 0; n < batch; n++)
            for (let row = 0; row < h; row++)
              for (let column = 0; column < w; column++)
                for (let c = 0; c < channels; c++) {
                  const [i, j] = [row * bh + Math.floor(cell / bw) - pads[0], column * bw + (cell % bw) - pads[2]];
                  const inside = i >= 0 && i < height && j >= 0 && j < width;
                  expected.push(inside ? x[((n * height + i) * width + j) * channels + c]! : 0);
                }
        const block = i32(bh, bw);
        const edges = { ...i32(...pads), shape: [2, 2] };
        const apart = [batch * bh * bw, h, w, channels];
        const [split] = run("SPACE_TO_BATCH_ND", [{ shape }, block, edges], [{ shape: apart }]);
        expect(split!.shape).toEqual(apart);
        expect(values(split)).toEqual(expected);
        const [joined] = run("BATCH_TO_SPACE_ND", [{ shape: apart }, block, edges], [{ shape }], undefined, [Float32Array.from(expected)]);
        expect(joined!.shape).toEqual(shape);
        expect(values(joined)).toEqual(Array.from(x));
      }),
      { numRuns: 60 },
    );
  });
});

describe("slices", () => {
  test("SLICE from where a run says, to the end", () => {
    const begin: TensorSpec = { type: "int32", shape: [2] };
    const [y] = run("SLICE", [{ shape: [3, 4] }, begin, i32(2, -1)], [{ shape: [0, 0], signature: [-1, -1] }], undefined, [
      undefined,
      Int32Array.of(1, 2),
    ]);
    expect(y!.shape).toEqual([2, 2]);
    expect(values(y)).toEqual([7, 8, 11, 12]);
  });

  test("STRIDED_SLICE by masks, with an axis that goes away", () => {
    const inputs = [{ shape: [3, 4] }, i32(-1, 3), i32(0, 0), i32(1, -2)];
    const [y] = run("STRIDED_SLICE", inputs, [{ shape: [2] }], [32, [1, "int", 2], [4, "int", 1]]);
    expect(y!.shape).toEqual([2]);
    expect(values(y)).toEqual([12, 10]);
  });

  test("REVERSE_V2", () => {
    const [y] = run("REVERSE_V2", [{ shape: [2, 3] }, i32(1)], [{ shape: [2, 3] }]);
    expect(values(y)).toEqual([3, 2, 1, 6, 5, 4]);
  });
});

describe("parts", () => {
  test("PACK puts a new axis last, UNPACK takes the first away", () => {
    const [packed] = run("PACK", [{ shape: [3] }, { shape: [3] }], [{ shape: [3, 2] }], [59, [0, "int", 2], [1, "int", -1]]);
    expect(packed!.shape).toEqual([3, 2]);
    expect(values(packed)).toEqual([1, 1, 2, 2, 3, 3]);
    const parts = run("UNPACK", [{ shape: [2, 3] }], [{ shape: [3] }, { shape: [3] }], [64, [0, "int", 2]]);
    expect(parts.map(({ shape }) => shape)).toEqual([[3], [3]]);
    expect(parts.map(values)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test("SELECT chooses whole rows", () => {
    const inputs: TensorSpec[] = [{ type: "bool", shape: [2] }, { shape: [2, 3] }, { shape: [2, 3], data: new Float32Array(6) }];
    const [y] = run("SELECT", inputs, [{ shape: [2, 3] }], undefined, [Uint8Array.of(0, 1)]);
    expect(values(y)).toEqual([0, 0, 0, 4, 5, 6]);
  });

  test("SCATTER_ND adds what falls on one place", () => {
    const [y] = run("SCATTER_ND", [{ ...i32(2, 0, 2), shape: [3, 1] }, { shape: [3] }, i32(4)], [{ shape: [4] }]);
    expect(values(y)).toEqual([2, 0, 4, 0]);
  });

  test("ONE_HOT has its off value where the index is not", () => {
    const scalar = (value: number): TensorSpec => ({ shape: [], data: Float32Array.of(value) });
    const depth: TensorSpec = { type: "int32", shape: [], data: Int32Array.of(3) };
    const [y] = run("ONE_HOT", [i32(2, 0), depth, scalar(5), scalar(-1)], [{ shape: [2, 3] }], [61, [0, "int", -1]]);
    expect(values(y)).toEqual([-1, -1, 5, 5, -1, -1]);
  });

  test("WHERE lists indices by rows", () => {
    const [y] = run("WHERE", [{ type: "bool", shape: [2, 2] }], [{ type: "int64", shape: [0, 2], signature: [-1, 2] }], undefined, [
      Uint8Array.of(0, 1, 1, 1),
    ]);
    expect(y!.dataType).toBe("int64");
    expect(y!.shape).toEqual([3, 2]);
    expect(values(y)).toEqual([0, 1, 1, 0, 1, 1]);
  });
});

test("a quantized layer on a constant gives what it gives at run time", () => {
  const steps = (shape: number[], scale: number): TensorSpec => ({ type: "int8", shape, scale: [scale], zeroPoint: [3] });
  const x = Int8Array.from({ length: 12 }, (_, i) => i * 9 - 50);
  const weight: TensorSpec = { type: "int8", shape: [2, 6], data: Int8Array.from(x).reverse(), scale: [0.02, 0.03], zeroPoint: [0, 0] };
  const bias: TensorSpec = { type: "int32", shape: [2], data: Int32Array.of(900, -1200) };
  const layer = (data?: Int8Array) => {
    const input = { ...steps([2, 6], 0.1), ...(data && { data }) };
    return values(run("FULLY_CONNECTED", [input, weight, bias], [steps([2, 2], 0.25)], undefined, [x])[0]);
  };
  expect(layer(x)).toEqual(layer());
});

test("an optional tensor is absent by its number, −1", () => {
  const shape = [1, 3];
  const tensors: TensorSpec[] = [
    { name: "x", shape },
    { name: "w", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { name: "y", shape: [1, 2] },
  ];
  const operators = [{ op: BUILTIN_OPERATORS.indexOf("FULLY_CONNECTED"), inputs: [0, 1, -1], outputs: [2] }];
  const model = modelOf(importTflite(writeTflite({ tensors, operators, inputs: [0], outputs: [2] })));
  expect(values(model.runSync({ x: new Tensor("float32", shape, counting(shape)) }).y)).toEqual([14, 32]);
});
