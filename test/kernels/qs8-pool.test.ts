import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { poolShapeWords } from "../../src/ops/quantized/pool-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { clampTo, random, randomInt8, requantize } from "../support/quantized.ts";

const axisOf = fc
  .record({
    input: fc.constantFrom(1, 2, 3, 5, 7, 9),
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.constantFrom(1, 1, 2),
    before: fc.integer({ min: 0, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
    countPad: fc.boolean(),
  })
  .map((a) => ({ ...a, output: Math.floor((a.input + a.before + a.after - (a.kernel - 1) * a.dilation - 1) / a.stride) + 1 }))
  .filter((a) => a.output > 0 && a.before < a.kernel && a.after < a.kernel);
type Axis = typeof axisOf extends fc.Arbitrary<infer T> ? T : never;

const axisWords = (a: Axis) =>
  Int32Array.of(
    a.input,
    a.output,
    a.kernel,
    a.stride,
    a.dilation,
    a.before,
    a.countPad ? -a.before : 0,
    a.input + (a.countPad ? a.after : 0),
  );

/** Positions inside the image, and how many taps count. */
function tapsOf(a: Axis, index: number): { inside: number[]; counted: number } {
  const taps = Array.from({ length: a.kernel }, (_, tap) => index * a.stride - a.before + tap * a.dilation);
  const [from, to] = a.countPad ? [-a.before, a.input + a.after] : [0, a.input];
  return { inside: taps.filter((at) => at >= 0 && at < a.input), counted: taps.filter((at) => at >= from && at < to).length };
}

const caseOf = fc.record({
  rows: axisOf,
  cols: axisOf,
  channels: fc.constantFrom(1, 3, 8, 15, 16, 17, 33),
  images: fc.constantFrom(1, 2),
  kind: fc.constantFrom("max" as const, "average" as const, "half_away" as const, "half_up" as const),
  xScale: fc.constantFrom(0.02, 0.11),
  yScale: fc.constantFrom(0.02, 0.07),
  xZero: fc.integer({ min: -128, max: 127 }),
  yZero: fc.integer({ min: -128, max: 127 }),
  bounds: fc.tuple(fc.integer({ min: -128, max: 127 }), fc.integer({ min: -128, max: 127 })),
  seed: fc.integer(),
});
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

function pooled(c: Case, values: number[], counted: number, lo: number, hi: number): number {
  if (c.kind === "max") return clampTo(Math.max(lo, ...values), lo, hi);
  const sum = values.reduce((total, value) => total + value, 0),
    count = Math.max(counted, 1);
  if (c.kind === "half_up") return clampTo(Math.floor((sum + (count >> 1)) / count), lo, hi);
  if (c.kind === "half_away") return clampTo(Math.trunc((sum + Math.sign(sum || 1) * (count >> 1)) / count), lo, hi);
  const scale = Math.fround(Math.fround(c.xScale) / Math.fround(Math.fround(c.yScale) * count));
  return requantize(sum - values.length * c.xZero, scale, c.yZero, lo, hi);
}

function check(bench: KernelBench, c: Case): void {
  bench.reset();
  const { rows, cols, channels } = c;
  const x = randomInt8(random(c.seed), c.images * rows.input * cols.input * channels);
  const [lo, hi] = [Math.min(...c.bounds), Math.max(...c.bounds)];
  const expected: number[] = [];
  for (let unit = 0; unit < c.images * rows.output; unit++) {
    const vertical = tapsOf(rows, unit % rows.output),
      image = Math.floor(unit / rows.output);
    for (let col = 0; col < cols.output; col++) {
      const horizontal = tapsOf(cols, col);
      for (let channel = 0; channel < channels; channel++) {
        const values = vertical.inside.flatMap((row) =>
          horizontal.inside.map((at) => x[((image * rows.input + row) * cols.input + at) * channels + channel]!),
        );
        expected.push(pooled(c, values, vertical.counted * horizontal.counted, lo, hi));
      }
    }
  }
  const shape = poolShapeWords(c.kind, channels, { scale: c.xScale, zero: c.xZero }, { scale: c.yScale, zero: c.yZero }, lo, hi);
  const y = bench.put(new Int8Array(expected.length)),
    px = bench.put(x);
  const tables = [shape, axisWords(rows), axisWords(cols)].map((words) => bench.put(words)) as [number, number, number];
  const units = c.images * rows.output,
    middle = units >> 1;
  bench.kernels.qs8_pool(y, px, ...tables, 0, middle);
  bench.kernels.qs8_pool(y, px, ...tables, middle, units);
  expect(Array.from(bench.i8(y, expected.length))).toEqual(expected.map((value) => value + 0));
  bench.checkGuards();
}

describe.each(TIERS)("int8 pooling, %s", (tier) => {
  const bench = new KernelBench(tier, 1 << 20);

  it("equals the naive windows bit for bit", () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, c)),
      { numRuns: 300 },
    );
  });
});
