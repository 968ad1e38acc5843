import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectClose, numbers, splitsOf } from "../support/close.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

interface Axis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly counted: readonly [number, number];
}

const axis = fc
  .record({
    input: fc.constantFrom(1, 2, 3, 5, 7, 8),
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    before: fc.integer({ min: 0, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
    ceil: fc.boolean(),
    countPad: fc.boolean(),
  })
  .map(({ input, kernel, stride, dilation, before, after, ceil, countPad }): Axis => {
    const room = input + before + after - (kernel - 1) * dilation - 1;
    const steps = ceil ? Math.ceil(room / stride) : Math.floor(room / stride);
    const counted = countPad ? ([-before, input + after] as const) : ([0, input] as const);
    return { input, output: steps + 1, kernel, stride, dilation, before, counted };
  })
  .filter(({ output }) => output >= 1);

/** Positions of the taps of window `index`. */
const taps = ({ stride, before, kernel, dilation }: Axis, index: number) =>
  Array.from({ length: kernel }, (_, k) => index * stride - before + k * dilation);
const within = (positions: number[], from: number, to: number) => positions.filter((p) => p >= from && p < to);

describe.each(TIERS)("pooling, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);
  const words = (a: Axis) => Int32Array.of(a.input, a.output, a.kernel, a.stride, a.dilation, a.before, ...a.counted);

  it("windows of any size, stride, dilation and padding", () => {
    fc.assert(
      fc.property(
        axis,
        axis,
        fc.constantFrom(1, 2),
        fc.constantFrom(1, 3, 4, 5, 8, 15, 17),
        fc.boolean(),
        (rows, cols, samples, channels, average) => {
          const x = numbers(samples * rows.input * cols.input * channels);
          const count = samples * rows.output * cols.output * channels;
          bench.reset();
          const [px, y, v, h] = [bench.put(x), bench.alloc(count * 4), bench.put(words(rows)), bench.put(words(cols))];
          const kernel = average ? bench.kernels.f32_average_pool : bench.kernels.f32_max_pool;
          for (const [begin, end] of splitsOf(samples * rows.output)) kernel(y, px, v, h, channels, -3, 3, begin, end);
          const whole = bench.alloc(count * 4);
          kernel(whole, px, v, h, channels, -3, 3, 0, samples * rows.output);
          bench.checkGuards();
          expect(bench.i32(whole, count)).toEqual(bench.i32(y, count));

          const expected = new Float64Array(count);
          for (let i = 0; i < count; i++) {
            const channel = i % channels;
            const col = Math.floor(i / channels) % cols.output;
            const row = Math.floor(i / channels / cols.output) % rows.output;
            const n = Math.floor(i / channels / cols.output / rows.output);
            const [ys, xs] = [taps(rows, row), taps(cols, col)];
            const window = within(ys, 0, rows.input).flatMap((py) =>
              within(xs, 0, cols.input).map((px) => x[((n * rows.input + py) * cols.input + px) * channels + channel]!),
            );
            const counted = within(ys, ...rows.counted).length * within(xs, ...cols.counted).length;
            const value = average ? window.reduce((sum, w) => sum + w, 0) / Math.max(counted, 1) : Math.max(...window);
            expected[i] = Math.min(3, Math.max(-3, value));
          }
          expectClose(bench.f32(y, count), expected, { ulp: 1, absolute: 1e-6 });
        },
      ),
      { numRuns: 300 },
    );
  });
});
