import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8 } from "../support/quantized.ts";

describe.each(TIERS)("int8 softmax and resizing, %s", (tier) => {
  const bench = new KernelBench(tier, 1 << 20);

  it("takes the softmax of rows", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 5, 17, 1001),
        fc.constantFrom(1, 3),
        fc.constantFrom(0.004, 0.1, 0.3),
        fc.integer(),
        (cols, rows, scale, seed) => {
          bench.reset();
          const x = randomInt8(random(seed), rows * cols);
          const table = Float32Array.from({ length: 256 }, (_, i) => Math.exp((i - 255) * scale));
          const y = bench.put(new Int8Array(rows * cols));
          bench.kernels.qs8_softmax(y, bench.put(x), bench.put(table), cols, 1 / 256, -128, 0, rows);
          for (let row = 0; row < rows; row++) {
            const values = Array.from(x.subarray(row * cols, (row + 1) * cols)),
              most = Math.max(...values);
            const exponentials = values.map((value) => Math.exp((value - most) * scale));
            const sum = exponentials.reduce((total, value) => total + value, 0);
            exponentials.forEach((value, col) => {
              const steps = (value / sum) * 256 - 128,
                found = bench.i8(y, rows * cols)[row * cols + col]!;
              expect(Math.abs(found - Math.min(steps, 127))).toBeLessThanOrEqual(0.5001);
            });
          }
          bench.checkGuards();
        },
      ),
    );
  });

  it("resizes in fixed point", () => {
    const side = fc.constantFrom(1, 2, 3, 5, 7);
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        fc.constantFrom(1, 3, 8, 9, 16, 17),
        fc.integer(),
        (inHeight, inWidth, outHeight, outWidth, channels, seed) => {
          bench.reset();
          const next = random(seed),
            images = 2;
          const x = randomInt8(next, images * inHeight * inWidth * channels);
          const entries = (size: number, input: number) =>
            Int32Array.from({ length: size * 3 }, (_, i) => Math.floor(next() * (i % 3 === 2 ? 2049 : input)));
          const rows = entries(outHeight, inHeight),
            cols = entries(outWidth, inWidth);
          const size = images * outHeight * outWidth * channels;
          const expected = Array.from({ length: size }, (_, i) => {
            const channel = i % channels,
              col = Math.floor(i / channels) % outWidth,
              unit = Math.floor(i / channels / outWidth);
            const image = Math.floor(unit / outHeight),
              row = unit % outHeight;
            const at = (y: number, xAt: number) => x[((image * inHeight + y) * inWidth + xAt) * channels + channel]!;
            const [y0, y1, low] = rows.subarray(row * 3) as unknown as [number, number, number];
            const [x0, x1, right] = cols.subarray(col * 3) as unknown as [number, number, number];
            const line = (y: number) => at(y, x0) * 2048 + (at(y, x1) - at(y, x0)) * right;
            return (line(y0) * 2048 + (line(y1) - line(y0)) * low + 2 ** 21) >> 22;
          });
          const y = bench.put(new Int8Array(size)),
            units = images * outHeight;
          const args = [y, bench.put(x), bench.put(rows), bench.put(cols), inHeight, inWidth, outHeight, outWidth, channels] as const;
          bench.kernels.qs8_resize_linear(...args, 0, units >> 1);
          bench.kernels.qs8_resize_linear(...args, units >> 1, units);
          expect(Array.from(bench.i8(y, size))).toEqual(expected);
          bench.checkGuards();
        },
      ),
      { numRuns: 200 },
    );
  });
});
