import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectClose, numbers, splitsOf } from "../support/close.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

function softmax(xs: readonly number[], beta: number, log: boolean): number[] {
  const top = Math.max(...xs);
  const sum = xs.reduce((total, x) => total + Math.exp(beta * (x - top)), 0);
  return xs.map((x) => (log ? beta * (x - top) - Math.log(sum) : Math.exp(beta * (x - top)) / sum));
}

/** Softmax over the middle of [outer, axis, inner]. */
function reference(x: Float32Array, axis: number, inner: number, beta: number, log: boolean): Float64Array {
  const y = new Float64Array(x.length);
  for (let outer = 0; outer < x.length / (axis * inner); outer++)
    for (let column = 0; column < inner; column++) {
      const at = (k: number) => (outer * axis + k) * inner + column;
      const xs = Array.from({ length: axis }, (_, k) => x[at(k)]!);
      softmax(xs, beta, log).forEach((value, k) => {
        y[at(k)] = value;
      });
    }
  return y;
}

describe.each(TIERS)("softmax, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);

  it("of rows and of columns, in place", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 5),
        fc.constantFrom(1, 2, 3, 4, 5, 7, 15, 17, 31, 33, 1023, 1025, 1030),
        fc.constantFrom(1, 2, 3, 4, 5, 7, 9),
        fc.constantFrom(1, 0.5),
        fc.boolean(),
        (outer, axis, inner, beta, log) => {
          const x = numbers(outer * axis * inner).map((v) => v * 10);
          bench.reset();
          const y = bench.put(x);
          const units = inner === 1 ? outer : outer * Math.ceil(inner / 4);
          for (const [begin, end] of splitsOf(units))
            if (inner === 1) bench.kernels.f32_softmax(y, y, axis, beta, log ? 1 : 0, begin, end);
            else bench.kernels.f32_softmax_columns(y, y, axis, inner, beta, log ? 1 : 0, begin, end);
          bench.checkGuards();
          const expected = reference(x, axis, inner, beta, log);
          expectClose(bench.f32(y, x.length), expected, log ? { ulp: 2, absolute: 1e-5 } : { ulp: 40, absolute: 1e-9 });
        },
      ),
      { numRuns: 80 },
    );
  });

  it("a masked element weighs nothing, a huge one everything", () => {
    bench.reset();
    const x = bench.put(Float32Array.of(-Infinity, 1, 1, -1e9, 3e38, -3e38, 0));
    bench.kernels.f32_softmax(x, x, 4, 1, 0, 0, 1);
    expect([...bench.f32(x, 4)]).toEqual([0, 0.5, 0.5, 0]);
    bench.kernels.f32_softmax(x + 16, x + 16, 3, 1, 0, 0, 1);
    expect([...bench.f32(x + 16, 3)]).toEqual([1, 0, 0]);
  });

  it("one NaN makes its row NaN", () => {
    bench.reset();
    const x = bench.put(Float32Array.of(0, NaN, 1, 2, 3, 0, 0));
    bench.kernels.f32_softmax(x, x, 5, 1, 0, 0, 1);
    expect([...bench.f32(x, 5)]).toEqual(Array(5).fill(NaN));
  });
});
