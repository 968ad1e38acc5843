import { describe, expect, it } from "vitest";
import { expectClose, numbers } from "../support/close.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const f32 = (shape: readonly number[], data: ArrayLike<number>): TestInput => ({
  dataType: "float32",
  shape,
  data: Float32Array.from(data),
});
const list = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);
const resize = (attributes: object, x: TestInput, ...rest: (TestInput | null)[]) => runOp("resize", attributes as never, [x, ...rest])[0]!;

/** Linear interpolation between clamped neighbours. */
const lerp = (row: readonly number[], at: number) => {
  const left = Math.floor(at);
  const of = (i: number) => row[Math.min(Math.max(i, 0), row.length - 1)]!;
  return of(left) + (of(left + 1) - of(left)) * (at - left);
};

const ROW = [1, 4, 2, 8];
/** Where output x of `out` lies on an axis of 4. */
const COORDINATES: { readonly [name: string]: (x: number, out: number) => number } = {
  half_pixel: (x, out) => ((x + 0.5) * 4) / out - 0.5,
  pytorch_half_pixel: (x, out) => (out === 1 ? -0.5 : ((x + 0.5) * 4) / out - 0.5),
  asymmetric: (x, out) => (x * 4) / out,
  align_corners: (x, out) => (out === 1 ? 0 : (x * 3) / (out - 1)),
  tf_half_pixel_for_nn: (x, out) => ((x + 0.5) * 4) / out,
  half_pixel_symmetric: (x, out) => ((x + 0.5) * 4) / out - 0.5,
};

describe("resize", () => {
  it.each(Object.keys(COORDINATES))("linear with %s coordinates, along any axis", (coordinates) => {
    for (const out of [1, 2, 3, 5, 8]) {
      const expected = Array.from({ length: out }, (_, x) => lerp(ROW, COORDINATES[coordinates]!(x, out)));
      for (let axis = 0; axis < 4; axis++) {
        const shape = [1, 1, 1, 1].with(axis, 4);
        const y = resize({ mode: "linear", coordinates, sizes: [1, 1, 1, 1].with(axis, out) }, f32(shape, ROW));
        expectClose(list(y.data), expected, { absolute: 1e-5 });
      }
    }
  });

  it.each([
    ["round_prefer_floor", (at: number) => Math.ceil(at - 0.5)],
    ["round_prefer_ceil", (at: number) => Math.floor(at + 0.5)],
    ["floor", Math.floor],
    ["ceil", Math.ceil],
  ] as const)("nearest by %s, any data type", (nearest, round) => {
    for (const [name, source] of Object.entries(COORDINATES))
      for (const out of [1, 3, 5, 7, 8]) {
        const expected = Array.from({ length: out }, (_, x) => ROW[Math.min(Math.max(round(source(x, out)), 0), 3)]!);
        for (const dataType of ["float32", "int8", "int64", "float16"] as const) {
          const data = dataType === "int64" ? BigInt64Array.from(ROW, BigInt) : ROW;
          const y = resize({ coordinates: name, nearest, sizes: [1, out, 1, 2] }, { dataType, shape: [1, 4, 1, 1], data });
          expect(list(y.data)).toEqual(expected.flatMap((v) => [v, v]));
        }
      }
  });

  it("two axes at once, as rows and columns", () => {
    const x = numbers(2 * 3 * 4 * 5);
    const at = (n: number, row: number, col: number, c: number) => x[((n * 3 + row) * 4 + col) * 5 + c]!;
    const near = resize({ coordinates: "asymmetric", nearest: "floor", scales: [1, 2, 2, 1] }, f32([2, 3, 4, 5], x));
    expect(near.shape).toEqual([2, 6, 8, 5]);
    const expected = Array.from({ length: 2 * 6 * 8 * 5 }, (_, i) =>
      at(Math.floor(i / 240), Math.floor((Math.floor(i / 40) % 6) / 2), Math.floor((Math.floor(i / 5) % 8) / 2), i % 5),
    );
    expect(list(near.data)).toEqual(expected);
    const corners = resize({ mode: "linear", coordinates: "align_corners", sizes: [2, 5, 7, 5] }, f32([2, 3, 4, 5], x));
    const between = Array.from({ length: 2 * 5 * 7 * 5 }, (_, i) => {
      const [n, row, col, c] = [Math.floor(i / 175), Math.floor(i / 35) % 5, Math.floor(i / 5) % 7, i % 5];
      const lines = [0, 1, 2].map((r) =>
        lerp(
          [0, 1, 2, 3].map((q) => at(n, r, q, c)),
          col / 2,
        ),
      );
      return lerp(lines, row / 2);
    });
    expectClose(list(corners.data), between, { absolute: 1e-5 });
  });

  it("cubic", () => {
    const a = -0.75;
    const weight = (d: number) => {
      const x = Math.abs(d);
      return x <= 1 ? (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1 : x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
    };
    const expected = Array.from({ length: 8 }, (_, x) => {
      const at = (x + 0.5) / 2 - 0.5;
      let sum = 0;
      for (let i = -2; i < 7; i++) sum += ROW[Math.min(Math.max(i, 0), 3)]! * weight(at - i);
      return sum;
    });
    expectClose(list(resize({ mode: "cubic", scales: [1, 2] }, f32([1, 4], ROW)).data), expected, { absolute: 1e-5 });
    const outside = resize({ mode: "cubic", scales: [1, 2], excludeOutside: true, cubicA: -0.5 }, f32([1, 4], [3, 3, 3, 3]));
    expectClose(list(outside.data), Array(8).fill(3), { absolute: 1e-5 });
  });

  it("antialiased shrinking averages what it covers", () => {
    const y = resize({ mode: "linear", antialias: true, scales: [0.5] }, f32([8], [1, 2, 3, 4, 5, 6, 7, 8]));
    // Triangles of half-width 2 about 0.5, 2.5, …: weights 1/8, 3/8, 3/8, 1/8, the first and last folded at the edges.
    expectClose(
      list(y.data),
      [1.75, 3.5, 5.5, 7.25].map((v, i) =>
        i === 0 ? (1 * 1 + 1 * 3 + 2 * 3 + 3 * 1) / 8 : i === 3 ? (6 * 1 + 7 * 3 + 8 * 3 + 8 * 1) / 8 : v,
      ),
      { absolute: 1e-5 },
    );
  });

  it("crops, and fills what lies outside", () => {
    const attributes = { mode: "linear", coordinates: "tf_crop_and_resize", sizes: [1, 4], roi: [0, -0.5, 1, 1], axes: [0, 1] };
    const row = [0, 3, 6, 9];
    // From −1.5 to 3 in steps of 1.5: the first lies outside.
    const expected = [7, 0, 4.5, 9];
    expectClose(list(resize({ ...attributes, extrapolation: 7 }, f32([1, 4], row)).data), expected, { absolute: 1e-5 });
    expectClose(list(resize(attributes, f32([1, 4], row)).data), expected.with(0, 0), { absolute: 1e-5 });
    expectClose(list(resize({ ...attributes, mode: "nearest", extrapolation: 7 }, f32([1, 4], row)).data), [7, 0, 3, 9]);
  });

  it("keeps the aspect ratio when asked to", () => {
    const x = f32([1, 2, 4, 1], numbers(8));
    expect(resize({ sizes: [7, 8], axes: [1, 2], keepAspect: "not_larger" }, x).shape).toEqual([1, 4, 8, 1]);
    expect(resize({ sizes: [7, 8], axes: [1, 2], keepAspect: "not_smaller" }, x).shape).toEqual([1, 7, 14, 1]);
  });

  it("takes scales and sizes that come as inputs", () => {
    const scales: TestInput = { dataType: "float32", shape: [2], data: [1, 2], constant: true };
    expect(list(resize({ coordinates: "asymmetric", nearest: "floor" }, f32([1, 2], [5, 6]), null, scales).data)).toEqual([5, 5, 6, 6]);
    const sizes: TestInput = { dataType: "int64", shape: [2], data: BigInt64Array.of(1n, 4n) };
    expect(list(resize({ coordinates: "asymmetric", nearest: "floor" }, f32([1, 2], [5, 6]), null, null, sizes).data)).toEqual([
      5, 5, 6, 6,
    ]);
  });

  it("leaves a tensor of the same size alone, and linear of integers rounds", () => {
    expect(list(resize({ mode: "linear", sizes: [1, 4] }, f32([1, 4], ROW)).data)).toEqual(ROW);
    const quant = { scale: [0.5], zeroPoint: [3] };
    const x: TestInput = { dataType: "int8", shape: [1, 2], data: [10, 20], quant };
    const [y] = runOp("resize", { mode: "linear", sizes: [1, 4] } as never, [x], { outputs: [{ quant }] });
    expect(list(y!.data)).toEqual([10, 13, 17, 20]);
  });
});
