// Products with mirrored weights: found, folded, and the same as without.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Mirror, mirrorOf } from "../../src/ops/mirror.ts";
import { expectClose, randomFloats } from "../support/f32-matrix.ts";
import { TIERS } from "../support/kernels.ts";
import { graphOf, modelOf, runOp, type TestInput } from "../support/run-op.ts";

/** Filters [2 · bins, points]: cosines, then sines, of `points` points, times a Hann window of `width` in the middle. */
function fourier(points: number, bins: number, width = points, period = points): Float32Array {
  const window = (i: number) => {
    const at = i - (points - width) / 2;
    return at < 0 || at >= width ? 0 : (1 - Math.cos((2 * Math.PI * at) / width)) / 2;
  };
  return Float32Array.from({ length: 2 * bins * points }, (_, at) => {
    const [bin, i] = [Math.floor(at / points), at % points];
    const angle = (2 * Math.PI * (bin % bins) * i) / period;
    return (period > points ? 1 : window(i)) * (bin < bins ? Math.cos(angle) : Math.sin(angle));
  });
}

const find = (data: Float32Array, n: number, k: number) => mirrorOf({ data, n, k, rowStride: 1, colStride: k });

test("cosines and sines are mirrored", () => {
  const parts = [
    // The sine of nothing is zeros, which fit both.
    { first: 0, count: 34, isOdd: false },
    { first: 34, count: 32, isOdd: true },
  ];
  // The window is 0 at its first point.
  expect(find(fourier(64, 33), 66, 64)).toEqual({ first: 1, last: 63, pairs: 31, single: 64, singles: 0, middle: true, parts });
  expect(find(fourier(64, 33, 40), 66, 64)).toMatchObject({ first: 13, last: 51, pairs: 19, singles: 0 });
  // 60 of 64 points: the first four have no partner.
  expect(find(fourier(60, 33, 60, 64), 66, 60)).toMatchObject({ first: 5, last: 59, pairs: 27, single: 0, singles: 5, middle: true });
});

test("what is nearly mirrored is not", () => {
  for (const at of [3, 40, 64 * 50 + 7]) {
    const weights = fourier(64, 33);
    weights[at]! += 1e-4;
    expect(find(weights, 66, 64)).toBeUndefined();
  }
  expect(find(randomFloats(66 * 64), 66, 64)).toBeUndefined();
  expect(find(fourier(64, 33).fill(Number.NaN, 5, 6), 66, 64)).toBeUndefined();
  expect(find(fourier(16, 33), 66, 16)).toBeUndefined();
});

interface Case {
  readonly pairs: number;
  readonly middle: boolean;
  readonly before: number;
  readonly after: number;
  readonly parts: readonly Mirror["parts"][number]["count"][];
  readonly startsOdd: boolean;
}

/** B[k, n] that is mirrored as `Case` says; columns of every other part have the other sign. */
function mirrored({ pairs, middle, before, after, parts, startsOdd }: Case): {
  readonly data: Float32Array;
  readonly n: number;
  readonly k: number;
} {
  const length = 2 * pairs + (middle ? 1 : 0);
  const [n, k] = [parts.reduce((a, b) => a + b, 0), before + length + after];
  const data = randomFloats(n * k, 3);
  let first = 0;
  for (const [index, count] of parts.entries()) {
    const sign = (index % 2 === 1) !== startsOdd ? -1 : 1;
    for (let j = first; j < first + count; j++)
      for (let i = 0; i <= length >> 1; i++) {
        const [near, far] = [(before + i) * n + j, (before + length - 1 - i) * n + j];
        if (near === far) data[near]! *= sign === 1 ? 1 : 0;
        else if (i < pairs) data[far] = sign * data[near]!;
      }
    first += count;
  }
  return { data, n, k };
}

const cases = fc
  .record({
    pairs: fc.integer({ min: 20, max: 40 }),
    middle: fc.boolean(),
    single: fc.nat(7),
    isBefore: fc.boolean(),
    parts: fc.array(fc.constantFrom(24, 33, 41), { minLength: 1, maxLength: 3 }),
    startsOdd: fc.boolean(),
  })
  .map(({ single, isBefore, ...rest }): Case => ({ ...rest, before: isBefore ? single : 0, after: isBefore ? 0 : single }));

const floats = (shape: readonly number[], data: Float32Array, constant = false): TestInput => ({
  dataType: "float32",
  shape,
  data,
  constant,
});
const asDouble = (input: TestInput | null): TestInput | null =>
  input && { ...input, dataType: "float64", data: Float64Array.from(input.data as Float32Array) };

describe.each(TIERS)("%s", (tier) => {
  test("a product with mirrored weights is folded, and agrees with TypeScript", () => {
    const property = fc.property(
      cases,
      fc.constantFrom(3, 4, 7, 40),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (mirror, m, transposeB, withBias, withResidual) => {
        const { data, n, k } = mirrored(mirror);
        const columns = Float32Array.from({ length: n * k }, (_, at) => data[(at % k) * n + Math.floor(at / k)]!);
        const inputs = [
          floats([m, k], randomFloats(m * k, 5)),
          transposeB ? floats([n, k], columns, true) : floats([k, n], data, true),
          withBias ? floats([n], randomFloats(n, 6), true) : null,
          withResidual ? floats([m, n], randomFloats(m * n, 7)) : null,
        ];
        const attributes = { transposeB, alpha: 0.5, min: -0.7 };
        const kernels = modelOf(graphOf("matmul", attributes, inputs), tier)
          .plan()
          .steps.map(({ kernel }) => kernel);
        expect(kernels[0]).toBe("f32_fold");
        const [got] = runOp("matmul", attributes, inputs, { tier });
        const [expected] = runOp("matmul", attributes, inputs.map(asDouble));
        expectClose(got!.data as Float32Array, expected!.data as Float64Array, 1e-5);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  test("a convolution of a signal with cosines and sines is folded", () => {
    const signal = floats([1, 1, 640, 1], randomFloats(640, 8));
    const inputs = [signal, floats([66, 1, 64, 1], fourier(64, 33), true), floats([66], randomFloats(66, 9), true)];
    const attributes = { strides: [1, 16], activation: "square" };
    const [got] = runOp("conv2d", attributes, inputs, { tier });
    const [expected] = runOp("conv2d", attributes, inputs.map(asDouble));
    expectClose(got!.data as Float32Array, expected!.data as Float64Array, 1e-5);
    const { steps } = modelOf(graphOf("conv2d", attributes, inputs), tier).plan();
    expect(steps.map(({ kernel }) => kernel)).toEqual(["f32_fold", "f32_gemm", "f32_fold", "f32_gemm"]);
  });
});
