import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roundHalfEven } from "../../src/ops/host-elements.ts";
import { averageShapeWords } from "../../src/ops/quantized/pool-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { clampTo, random, randomInt8 } from "../support/quantized.ts";

const f32 = Math.fround;

const caseOf = fc.record({
  height: fc.constantFrom(1, 2, 3, 5, 7),
  width: fc.constantFrom(1, 2, 3, 5, 7),
  channels: fc.constantFrom(1, 3, 5, 7, 8, 15, 17),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 2 }),
  pad: fc.integer({ min: 0, max: 2 }),
  countsPadding: fc.boolean(),
  xScale: fc.constantFrom(0.02, 0.11475596576929092),
  yScale: fc.constantFrom(0.02, 0.11475596576929092),
  xZero: fc.integer({ min: -128, max: 127 }),
  yZero: fc.integer({ min: -128, max: 127 }),
  seed: fc.integer(),
});
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

/** Taps of window `index` along an axis. */
function tapsOf(c: Case, input: number, index: number): { inside: number[]; counted: number } {
  const taps = Array.from({ length: c.kernel }, (_, tap) => index * c.stride - c.pad + tap);
  const inside = taps.filter((at) => at >= 0 && at < input);
  return { inside, counted: c.countsPadding ? taps.filter((at) => at < input + c.pad).length : inside.length };
}

/** The average of columns of dequantized elements, each step of it rounded to float32. */
function average(c: Case, columns: number[][], counted: number): number {
  const dequantized = (step: number) => f32((step - c.xZero) * f32(c.xScale));
  const sum = columns.reduce((all, column) => f32(all + column.reduce((part, step) => f32(part + dequantized(step)), 0)), 0);
  return clampTo(roundHalfEven(f32(f32(sum / Math.max(counted, 1)) / f32(c.yScale))) + c.yZero, -128, 127);
}

function check(bench: KernelBench, c: Case): void {
  bench.reset();
  const sizeOf = (input: number) => Math.floor((input + 2 * c.pad - c.kernel) / c.stride) + 1;
  const [rows, cols] = [sizeOf(c.height), sizeOf(c.width)];
  const x = randomInt8(random(c.seed), c.height * c.width * c.channels);
  const expected: number[] = [];
  for (let i = 0; i < rows * cols * c.channels; i++) {
    const pixel = Math.floor(i / c.channels);
    const [vertical, horizontal] = [tapsOf(c, c.height, Math.floor(pixel / cols)), tapsOf(c, c.width, pixel % cols)];
    const columns = horizontal.inside.map((col) => vertical.inside.map((row) => x[(row * c.width + col) * c.channels + (i % c.channels)]!));
    expected.push(average(c, columns, vertical.counted * horizontal.counted));
  }
  const axis = (input: number, output: number) =>
    Int32Array.of(input, output, c.kernel, c.stride, 1, c.pad, c.countsPadding ? -c.pad : 0, input + (c.countsPadding ? c.pad : 0));
  const shape = averageShapeWords(c.channels, { scale: c.xScale, zero: c.xZero }, { scale: c.yScale, zero: c.yZero }, -128, 127);
  const [y, px] = [bench.put(new Int8Array(expected.length)), bench.put(x)];
  const tables = [shape, axis(c.height, rows), axis(c.width, cols)].map((words) => bench.put(words)) as [number, number, number];
  bench.kernels.qs8_average(y, px, ...tables, 0, rows >> 1);
  bench.kernels.qs8_average(y, px, ...tables, rows >> 1, rows);
  expect(Array.from(bench.i8(y, expected.length))).toEqual(expected.map((value) => value + 0));
  bench.checkGuards();
}

describe.each(TIERS)("qs8_average, %s", (tier) => {
  const bench = new KernelBench(tier);
  it("equals the float32 average, bit for bit", () => {
    const possible = (c: Case) => c.pad < c.kernel && c.height + 2 * c.pad >= c.kernel && c.width + 2 * c.pad >= c.kernel;
    fc.assert(
      fc.property(caseOf.filter(possible), (c) => check(bench, c)),
      { numRuns: 200 },
    );
  });
});
