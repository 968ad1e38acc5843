import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BinaryCode, CompareCode } from "../../src/ops/codes.ts";
import { BINARY, COMPARE, ulps } from "../support/functions.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

type Name = keyof typeof BinaryCode;
const NAMES = Object.keys(BINARY) as Name[];
const COMPARISONS = Object.keys(COMPARE) as (keyof typeof CompareCode)[];
const SIZES = [1, 2, 3, 4, 5, 7, 8, 15, 17, 31, 33];
const ANY: readonly number[] = [0, -0, 1, -1, 2, -2, 3, 0.5, -0.5, -3, 1e-3, 1e30, -1e30, 1e-42, NaN, Infinity, -Infinity];

/** Outer dimensions with a stride for each operand, and what a row does. */
const broadcast = fc.record({
  dims: fc.array(
    fc.record({ size: fc.integer({ min: 1, max: 4 }), a: fc.integer({ min: 0, max: 6 }), b: fc.integer({ min: 0, max: 6 }) }),
    { maxLength: 4 },
  ),
  cols: fc.constantFrom(...SIZES),
  aStep: fc.integer({ min: 0, max: 1 }),
  bStep: fc.integer({ min: 0, max: 1 }),
});

describe.each(TIERS)("binary kernels, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);
  const infinite = [-Infinity, Infinity] as const;

  it.each(NAMES)("f32_binary %s is within one step for every pair of special values", (name) => {
    const a = Float32Array.from(ANY.flatMap((x) => ANY.map(() => x)));
    const b = Float32Array.from(ANY.flatMap(() => ANY));
    bench.reset();
    const y = bench.alloc(a.byteLength);
    bench.kernels.f32_binary(y, bench.put(a), bench.put(b), BinaryCode[name], 1, 1, ...infinite, 0, a.length);
    bench.checkGuards();
    bench.f32(y, a.length).forEach((got, i) => {
      const expected = BINARY[name]!(a[i]!, b[i]!);
      expect(ulps(got, expected), `${name}(${a[i]}, ${b[i]}) = ${got}, expected ${expected}`).toBeLessThanOrEqual(1);
    });
  });

  it("f32_binary pow is within one step over dense arguments", () => {
    const a = Float32Array.from({ length: 4000 }, (_, i) => 2 ** ((i % 61) / 3 - 10) * (1 + i / 4001));
    const b = Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) / 171);
    bench.reset();
    const y = bench.alloc(a.byteLength);
    bench.kernels.f32_binary(y, bench.put(a), bench.put(b), BinaryCode.pow, 1, 1, ...infinite, 0, a.length);
    const worst = bench.f32(y, a.length).reduce((most, got, i) => Math.max(most, ulps(got, a[i]! ** b[i]!)), 0);
    expect(worst).toBeLessThan(0.6);
  });

  it("f32_binary takes scalars, clamps, splits and works in place", () => {
    for (const name of NAMES)
      for (const n of SIZES)
        for (const [aStep, bStep] of [
          [1, 1],
          [1, 0],
          [0, 1],
          [0, 0],
        ] as const) {
          const a = Float32Array.from({ length: aStep ? n : 1 }, (_, i) => ((i * 7) % 11) - 4.5);
          const b = Float32Array.from({ length: bStep ? n : 1 }, (_, i) => ((i * 5) % 7) - 2.5);
          bench.reset();
          const pa = bench.put(a);
          const pb = bench.put(b);
          const y = aStep ? pa : bStep ? pb : bench.alloc(n * 4);
          for (const [begin, end] of [
            [0, n >> 1],
            [n >> 1, n],
          ] as const)
            bench.kernels.f32_binary(y, pa, pb, BinaryCode[name], aStep, bStep, -2, 3, begin, end);
          bench.checkGuards();
          bench.f32(y, n).forEach((got, i) => {
            const exact = BINARY[name]!(a[i * aStep]!, b[i * bStep]!);
            const expected = Number.isNaN(exact) ? exact : Math.min(3, Math.max(-2, exact));
            expect(ulps(got, expected)).toBeLessThanOrEqual(1);
          });
        }
  });

  it("f32_binary_rows and f32_compare follow any strides", () => {
    fc.assert(
      fc.property(
        broadcast,
        fc.constantFrom(...NAMES.filter((name) => name !== "pow")),
        fc.constantFrom(...COMPARISONS),
        (shape, name, comparison) => {
          const { dims, cols, aStep, bStep } = shape;
          const rows = dims.reduce((product, { size }) => product * size, 1);
          const reach = (side: "a" | "b") => dims.reduce((sum, dim) => sum + (dim.size - 1) * dim[side], cols);
          const a = Float32Array.from({ length: reach("a") }, (_, i) => ((i * 13) % 17) - 8);
          const b = Float32Array.from({ length: reach("b") }, (_, i) => ((i * 11) % 13) - 6);
          bench.reset();
          const table = bench.put(Int32Array.from(dims.flatMap((dim) => [dim.size, dim.a * 4, dim.b * 4])));
          const [pa, pb, y, bytes] = [bench.put(a), bench.put(b), bench.alloc(rows * cols * 4), bench.alloc(rows * cols)];
          for (const [begin, end] of [
            [0, rows >> 1],
            [rows >> 1, rows],
          ] as const) {
            bench.kernels.f32_binary_rows(y, pa, pb, BinaryCode[name], cols, aStep, bStep, table, dims.length, ...infinite, begin, end);
            bench.kernels.f32_compare(bytes, pa, pb, CompareCode[comparison], cols, aStep, bStep, table, dims.length, begin, end);
          }
          bench.checkGuards();
          for (let row = 0; row < rows; row++) {
            const [atA, atB] = startOf(row, dims);
            for (let col = 0; col < cols; col++) {
              const [left, right] = [a[atA + col * aStep]!, b[atB + col * bStep]!];
              expect(ulps(bench.f32(y, rows * cols)[row * cols + col]!, BINARY[name]!(left, right))).toBeLessThanOrEqual(1);
              expect(bench.u8(bytes, rows * cols)[row * cols + col]).toBe(COMPARE[comparison]!(left, right) ? 1 : 0);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("f32_compare is false for NaN, but for notEqual", () => {
    bench.reset();
    const [a, b, y] = [bench.put(Float32Array.of(NaN, 1, NaN)), bench.put(Float32Array.of(NaN, NaN, 1)), bench.alloc(3)];
    for (const name of COMPARISONS) {
      bench.kernels.f32_compare(y, a, b, CompareCode[name], 3, 1, 1, 0, 0, 0, 1);
      expect([...bench.u8(y, 3)]).toEqual(Array(3).fill(name === "notEqual" ? 1 : 0));
    }
  });
});

/** Where operands a and b start at a row, by an odometer. */
function startOf(row: number, dims: readonly { size: number; a: number; b: number }[]): [number, number] {
  let [atA, atB] = [0, 0];
  for (const { size, a, b } of dims.toReversed()) {
    atA += (row % size) * a;
    atB += (row % size) * b;
    row = Math.floor(row / size);
  }
  return [atA, atB];
}
