import fc from "fast-check";
import { describe, it } from "vitest";
import { expectClose, numbers, splitsOf } from "../support/close.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

const EPSILON = 1e-3;

/** Mean and 1 / √(variance + epsilon). */
function moments(xs: readonly number[], centred = true): [number, number] {
  const mean = centred ? xs.reduce((sum, x) => sum + x, 0) / xs.length : 0;
  const variance = xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / xs.length;
  return [mean, 1 / Math.sqrt(variance + Math.fround(EPSILON))];
}

describe.each(TIERS)("normalization, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);

  it("layer norm and RMS norm of rows, in place", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 5),
        fc.constantFrom(1, 2, 3, 4, 5, 7, 15, 17, 33, 384, 1030),
        fc.boolean(),
        (rows, cols, centred) => {
          const x = numbers(rows * cols).map((v) => v + 30);
          const [scale, bias] = [numbers(cols, 2), numbers(cols, 3)];
          bench.reset();
          const [y, s, b] = [bench.put(x), bench.put(scale), bench.put(bias)];
          for (const [begin, end] of splitsOf(rows)) bench.kernels.f32_layer_norm(y, y, s, b, cols, EPSILON, centred ? 1 : 0, begin, end);
          bench.checkGuards();
          const expected = x.map((_, i) => {
            const row = i - (i % cols);
            const [mean, factor] = moments([...x.subarray(row, row + cols)], centred);
            return (x[i]! - mean) * factor * scale[i % cols]! + bias[i % cols]!;
          });
          expectClose(bench.f32(y, x.length), expected, { ulp: 4, absolute: 1e-4 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("group norm and instance norm over pixels, in place", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3),
        fc.constantFrom(1, 2, 3, 7, 63, 65, 130),
        fc.constantFrom(1, 2, 3, 5),
        fc.constantFrom(1, 2, 3, 4, 5, 11, 17),
        (samples, spatial, groups, size) => {
          const channels = groups * size;
          const x = numbers(samples * spatial * channels);
          const [scale, bias] = [numbers(channels, 2), numbers(channels, 3)];
          bench.reset();
          const [y, s, b] = [bench.put(x), bench.put(scale), bench.put(bias)];
          const scratch = bench.alloc(samples * channels * 8);
          for (const [begin, end] of splitsOf(samples * Math.ceil(channels / 16)))
            bench.kernels.f32_channel_moments(scratch, y, spatial, channels, begin, end);
          bench.kernels.f32_group_factors(scratch, s, samples, channels, size, EPSILON);
          for (const [begin, end] of splitsOf(samples * spatial))
            bench.kernels.f32_normalize_channels(y, y, scratch, b, spatial, channels, begin, end);
          bench.checkGuards();

          const expected = new Float64Array(x.length);
          for (let n = 0; n < samples; n++)
            for (let group = 0; group < groups; group++) {
              const indices = Array.from(
                { length: spatial * size },
                (_, i) => (n * spatial + Math.floor(i / size)) * channels + group * size + (i % size),
              );
              const [mean, factor] = moments(indices.map((i) => x[i]!));
              for (const i of indices) expected[i] = (x[i]! - mean) * factor * scale[i % channels]! + bias[i % channels]!;
            }
          expectClose(bench.f32(y, x.length), expected, { ulp: 4, absolute: 1e-4 });
        },
      ),
      { numRuns: 60 },
    );
  });
});
