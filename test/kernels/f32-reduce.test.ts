import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReduceCode } from "../../src/ops/codes.ts";
import { expectClose, numbers, splitsOf } from "../support/close.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

type Name = keyof typeof ReduceCode;

const total = (xs: number[]) => xs.reduce((sum, x) => sum + x, 0);
const REFERENCE: { readonly [N in Name]: (xs: number[]) => number } = {
  sum: total,
  mean: (xs) => total(xs) / xs.length,
  max: (xs) => Math.max(...xs),
  min: (xs) => Math.min(...xs),
  prod: (xs) => xs.reduce((product, x) => product * x, 1),
  l1: (xs) => total(xs.map(Math.abs)),
  l2: (xs) => Math.sqrt(total(xs.map((x) => x * x))),
  sumSquare: (xs) => total(xs.map((x) => x * x)),
  logSum: (xs) => Math.log(total(xs)),
  logSumExp: (xs) => Math.max(...xs) + Math.log(total(xs.map((x) => Math.exp(x - Math.max(...xs))))),
};
const NAMES = Object.keys(REFERENCE) as Name[];

const shape = fc.record({
  outer: fc.constantFrom(1, 2, 3, 5),
  axis: fc.constantFrom(1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 65),
  inner: fc.constantFrom(1, 2, 3, 4, 5, 7, 9, 17, 33, 37),
});

/** The elements that are reduced into output (outer, column). */
const elements = (x: Float32Array, axis: number, inner: number, outer: number, column: number) =>
  Array.from({ length: axis }, (_, k) => x[(outer * axis + k) * inner + column]!);

describe.each(TIERS)("reductions, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);

  function reduce(name: Name, x: Float32Array, axis: number, inner: number, count: number): Float32Array {
    bench.reset();
    const [px, y, whole] = [bench.put(x), bench.alloc(count * 4), bench.alloc(count * 4)];
    for (const [begin, end] of splitsOf(count)) bench.kernels.f32_reduce(y, px, ReduceCode[name], axis, inner, begin, end);
    bench.kernels.f32_reduce(whole, px, ReduceCode[name], axis, inner, 0, count);
    bench.checkGuards();
    expect(bench.i32(whole, count)).toEqual(bench.i32(y, count));
    return bench.f32(y, count).slice();
  }

  it.each(NAMES)("%s over any axis", (name) => {
    fc.assert(
      fc.property(shape, ({ outer, axis, inner }) => {
        const x = numbers(outer * axis * inner).map((v) => (name === "logSum" ? Math.abs(v) + 0.1 : name === "prod" ? v / 3 : v));
        const y = reduce(name, x, axis, inner, outer * inner);
        const expected = Array.from(y, (_, i) => REFERENCE[name](elements(x, axis, inner, Math.floor(i / inner), i % inner)));
        expectClose(y, expected, { ulp: name === "prod" ? axis : 8, absolute: 2e-5 });
      }),
      { numRuns: 60 },
    );
  });

  it("sums of many like elements keep their precision", () => {
    const x = new Float32Array(1 << 18).fill(0.1);
    const exact = Math.fround(0.1) * x.length;
    expectClose(reduce("sum", x, x.length, 1, 1), [exact], { ulp: 80 });
    expectClose(reduce("mean", x, x.length >> 2, 4, 4), Array(4).fill(Math.fround(0.1)), { ulp: 80 });
  });

  it("max and min keep a NaN, logSumExp takes infinities", () => {
    const x = numbers(40);
    x[17] = NaN;
    expect(reduce("max", x, 40, 1, 1)[0]).toBeNaN();
    expect(reduce("min", x, 40, 1, 1)[0]).toBeNaN();
    expect([...reduce("logSumExp", Float32Array.of(-Infinity, 1, -Infinity, Infinity), 2, 2, 2)]).toEqual([-Infinity, Infinity]);
  });

  it("arg max and arg min, first or last, int32 or int64, of floats and bytes", () => {
    fc.assert(
      fc.property(shape, fc.boolean(), fc.boolean(), fc.boolean(), ({ outer, axis, inner }, smallest, last, wide) => {
        const x = numbers(outer * axis * inner).map(Math.round);
        const count = outer * inner;
        bench.reset();
        const [px, y] = [bench.put(x), bench.alloc(count * (wide ? 8 : 4))];
        const bytes = bench.put(Int8Array.from(x));
        const kernel = wide ? bench.kernels.f32_arg_max : bench.kernels.i8_arg_max;
        for (const [begin, end] of splitsOf(count))
          kernel(y, wide ? px : bytes, axis, inner, smallest ? -1 : 1, last ? 1 : 0, wide ? 1 : 0, begin, end);
        bench.checkGuards();
        const got = bench.i32(y, wide ? count * 2 : count).filter((_, i) => !wide || i % 2 === 0);
        const expected = Array.from({ length: count }, (_, i) => {
          const xs = elements(x, axis, inner, Math.floor(i / inner), i % inner);
          const best = smallest ? Math.min(...xs) : Math.max(...xs);
          return last ? xs.lastIndexOf(best) : xs.indexOf(best);
        });
        expect([...got]).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
