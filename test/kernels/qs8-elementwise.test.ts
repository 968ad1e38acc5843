import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { productShape, sumShape, tableShape } from "../../src/ops/quantized/binary-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { clampTo, random, randomInt8, requantize, roundHalfEven } from "../support/quantized.ts";

const LENGTHS = [1, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100];
const zero = fc.integer({ min: -128, max: 127 });
const pairOf = fc.record({
  count: fc.constantFrom(...LENGTHS),
  aStep: fc.constantFrom(0, 1, 1),
  bStep: fc.constantFrom(0, 1, 1),
  aScale: fc.constantFrom(0.001, 0.02, 0.11, 0.5),
  bScale: fc.constantFrom(0.001, 0.02, 0.11, 0.5),
  yScale: fc.constantFrom(0.02, 0.07, 0.5),
  aZero: zero,
  bZero: zero,
  yZero: zero,
  bounds: fc.tuple(zero, zero),
  split: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer(),
});
type Pair = typeof pairOf extends fc.Arbitrary<infer T> ? T : never;

/** Runs the kernel in two parts and compares it with `expected` of every pair. */
function checkPairs(bench: KernelBench, c: Pair, words: Int32Array, expected: (a: number, b: number) => number, lut = 0): void {
  const next = random(c.seed);
  const a = randomInt8(next, c.aStep ? c.count : 1),
    b = randomInt8(next, c.bStep ? c.count : 1);
  const y = bench.put(new Int8Array(c.count)),
    pa = bench.put(a),
    pb = bench.put(b),
    shape = bench.put(words);
  const middle = Math.floor(c.split * c.count);
  bench.kernels.qs8_binary(y, pa, pb, shape, lut, c.aStep, c.bStep, 0, middle);
  bench.kernels.qs8_binary(y, pa, pb, shape, lut, c.aStep, c.bStep, middle, c.count);
  const results = Array.from({ length: c.count }, (_, i) => expected(a[i * c.aStep]!, b[i * c.bStep]!));
  expect(Array.from(bench.i8(y, c.count))).toEqual(results);
  bench.checkGuards();
}

const quantsOf = (c: Pair) => {
  const [lo, hi] = [Math.min(...c.bounds), Math.max(...c.bounds)];
  return { a: { scale: c.aScale, zero: c.aZero }, b: { scale: c.bScale, zero: c.bZero }, y: { scale: c.yScale, zero: c.yZero }, lo, hi };
};

/** A sum with both ratios as integers of at most 21 bits, halves up. */
function sumOf(c: Pair, sign: 1 | -1, a: number, b: number): number {
  const ratio = (scale: number) => Math.fround(Math.fround(scale) / Math.fround(c.yScale));
  const shift = 20 - Math.floor(Math.log2(Math.max(ratio(c.aScale), ratio(c.bScale))));
  const multiplier = (scale: number) => roundHalfEven(ratio(scale) * 2 ** shift);
  const sum = (a - c.aZero) * multiplier(c.aScale) + sign * (b - c.bZero) * multiplier(c.bScale);
  return Math.floor(sum / 2 ** shift + 0.5) + c.yZero;
}

describe.each(TIERS)("int8 element by element, %s", (tier) => {
  const bench = new KernelBench(tier, 2 << 20);
  const property = (body: (c: Pair) => void) =>
    fc.assert(
      fc.property(pairOf, (c) => {
        bench.reset();
        body(c);
      }),
      { numRuns: 200 },
    );

  it("adds and subtracts", () => {
    property((c) => {
      const quants = quantsOf(c);
      checkPairs(bench, c, sumShape(quants, 1), (a, b) => clampTo(sumOf(c, 1, a, b), quants.lo, quants.hi));
      checkPairs(bench, c, sumShape(quants, -1), (a, b) => clampTo(sumOf(c, -1, a, b), quants.lo, quants.hi));
    });
  });

  it("multiplies", () => {
    property((c) => {
      const quants = quantsOf(c);
      const scale = Math.fround(Math.fround(Math.fround(c.aScale) * Math.fround(c.bScale)) / Math.fround(c.yScale));
      checkPairs(bench, c, productShape(quants), (a, b) => requantize((a - c.aZero) * (b - c.bZero), scale, c.yZero, quants.lo, quants.hi));
    });
  });

  it("looks a pair up", () => {
    property((c) => {
      const f = (a: number, b: number) => (((a * 7) ^ (b * 3)) << 24) >> 24;
      const table = Int8Array.from({ length: 65536 }, (_, i) => f((i >> 8) - 128, (i & 255) - 128));
      checkPairs(bench, c, tableShape(), f, bench.put(table));
    });
  });

  it("looks a byte up, row by row", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LENGTHS),
        fc.constantFrom(1, 3, 4),
        fc.nat(5),
        fc.nat(5),
        fc.integer(),
        (cols, rows, yGap, xGap, seed) => {
          bench.reset();
          const next = random(seed);
          const x = randomInt8(next, rows * (cols + xGap)),
            table = randomInt8(next, 256);
          const y = bench.put(new Int8Array(rows * (cols + yGap)));
          bench.kernels.x8_lut(y, bench.put(x), bench.put(table), cols, cols + yGap, cols + xGap, 0, rows);
          const expected = new Int8Array(rows * (cols + yGap));
          for (let row = 0; row < rows; row++)
            for (let col = 0; col < cols; col++) expected[row * (cols + yGap) + col] = table[x[row * (cols + xGap) + col]! & 255]!;
          expect(Array.from(bench.i8(y, expected.length))).toEqual(Array.from(expected));
          bench.checkGuards();
        },
      ),
    );
  });

  it("quantizes and dequantizes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LENGTHS),
        fc.constantFrom(0.001, 0.02, 0.5, 3),
        zero,
        fc.integer(),
        (count, scale, zeroPoint, seed) => {
          bench.reset();
          const next = random(seed);
          const x = Float32Array.from({ length: count }, () =>
            next() < 0.3 ? (Math.floor(next() * 600) - 300.5) * scale : (next() - 0.5) * scale * 700,
          );
          if (count > 4) x.set([Infinity, -Infinity, 1e30, -1e30]);
          const y = bench.put(new Int8Array(count)),
            back = bench.put(new Float32Array(count)),
            s = Math.fround(scale);
          bench.kernels.qs8_from_f32(y, bench.put(x), s, zeroPoint, 0, count);
          const steps = Array.from(x, (value) => clampTo(roundHalfEven(Math.fround(value / s)) + zeroPoint, -128, 127));
          expect(Array.from(bench.i8(y, count))).toEqual(steps);
          bench.kernels.f32_from_qs8(back, y, s, zeroPoint, 0, count);
          expect(Array.from(bench.f32(back, count))).toEqual(steps.map((step) => Math.fround((step - zeroPoint) * s) + 0));
          bench.checkGuards();
        },
      ),
    );
  });

  it("quantizes rows over their own range", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LENGTHS),
        fc.constantFrom(1, 2, 5),
        fc.constantFrom(-1, -0.5, 0, 0.5),
        fc.integer(),
        (cols, rows, shift, seed) => {
          bench.reset();
          const next = random(seed);
          const x = Float32Array.from({ length: rows * cols }, () => next() + shift);
          const y = bench.put(new Int8Array(rows * cols)),
            params = bench.alloc(rows * 8);
          bench.kernels.qs8_rows_from_f32(y, params, bench.put(x), cols, 0, rows);
          for (let i = 0; i < rows * cols; i++) {
            const row = Math.floor(i / cols);
            const scale = bench.f32(params, rows * 2)[row * 2]!,
              zeroPoint = bench.i32(params, rows * 2)[row * 2 + 1]!;
            expect(Math.abs((bench.i8(y, rows * cols)[i]! - zeroPoint) * scale - x[i]!)).toBeLessThanOrEqual(scale * 1.001);
          }
          bench.checkGuards();
        },
      ),
    );
  });
});
