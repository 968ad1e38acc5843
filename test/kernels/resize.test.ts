import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectClose, numbers, splitsOf } from "../support/close.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

describe.each(TIERS)("resizing, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);
  const size = fc.constantFrom(1, 2, 3, 5, 7);

  it("nearest copies pixels of any size", () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        size,
        fc.constantFrom(1, 2, 3, 4, 8, 12, 16, 20, 33),
        (samples, inHeight, inWidth, outHeight, outWidth, pixel) => {
          const x = Uint8Array.from({ length: samples * inHeight * inWidth * pixel }, (_, i) => (i * 7) % 251);
          const rows = Int32Array.from({ length: outHeight }, (_, i) => (i * 5) % inHeight);
          const cols = Int32Array.from({ length: outWidth }, (_, i) => (i * 3) % inWidth);
          const bytes = samples * outHeight * outWidth * pixel;
          bench.reset();
          const [px, r, c, y] = [bench.put(x), bench.put(rows), bench.put(cols), bench.alloc(bytes)];
          for (const [begin, end] of splitsOf(samples * outHeight))
            bench.kernels.x8_resize_nearest(y, px, r, c, inHeight, inWidth, outHeight, outWidth, pixel, begin, end);
          bench.checkGuards();
          const expected = Array.from({ length: bytes }, (_, i) => {
            const at = Math.floor(i / pixel);
            const [n, row, col] = [Math.floor(at / outWidth / outHeight), Math.floor(at / outWidth) % outHeight, at % outWidth];
            return x[((n * inHeight + rows[row]!) * inWidth + cols[col]!) * pixel + (i % pixel)]!;
          });
          expect([...bench.u8(y, bytes)]).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("resampling weighs any number of taps", () => {
    fc.assert(
      fc.property(
        size,
        size,
        size,
        fc.constantFrom(1, 2, 3, 4, 6),
        fc.constantFrom(1, 2, 3, 4, 5, 7, 17),
        (outer, inSize, outSize, taps, inner) => {
          const x = numbers(outer * inSize * inner);
          const index = Int32Array.from({ length: outSize * taps }, (_, i) => (i * 7) % inSize);
          const weights = numbers(outSize * taps, 2);
          const count = outer * outSize * inner;
          bench.reset();
          const [px, pi, pw, y] = [bench.put(x), bench.put(index), bench.put(weights), bench.alloc(count * 4)];
          for (const [begin, end] of splitsOf(outer * outSize))
            bench.kernels.f32_resample(y, px, pi, pw, taps, inSize, outSize, inner, begin, end);
          bench.checkGuards();
          const expected = Array.from({ length: count }, (_, i) => {
            const [n, o, column] = [Math.floor(i / inner / outSize), Math.floor(i / inner) % outSize, i % inner];
            let sum = 0;
            for (let t = 0; t < taps; t++) sum += weights[o * taps + t]! * x[(n * inSize + index[o * taps + t]!) * inner + column]!;
            return sum;
          });
          expectClose(bench.f32(y, count), expected, { ulp: 2, absolute: 2e-5 });
        },
      ),
      { numRuns: 100 },
    );
  });
});
