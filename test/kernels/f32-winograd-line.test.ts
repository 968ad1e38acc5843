import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  lineShapeWords,
  linesOf,
  packWinogradLine,
  winogradLineFloats,
  winogradLineScratchBytes,
} from "../../src/ops/winograd-line-weights.ts";
import { expectClose, putEpilogue, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { type Conv, convolutions, naiveConv, outSize } from "../support/naive-conv.ts";

const STILL = { groups: 1, strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1 };

/** Convolutions over columns, or over rows. */
const lines = fc
  .record({
    taps: fc.integer({ min: 2, max: 7 }),
    pads: fc.tuple(fc.nat(3), fc.nat(3)),
    isAcross: fc.boolean(),
    inChannels: fc.constantFrom(1, 3, 4, 5, 8, 17, 32),
    outChannels: fc.constantFrom(1, 2, 4, 7, 8, 9, 33),
  })
  .chain(({ taps, pads: [before, after], isAcross, inChannels, outChannels }) =>
    convolutions({ ...STILL, inChannels, outChannels, kernelHeight: 1, kernelWidth: 1, padTop: 0, padLeft: 0 }).map((conv): Conv => {
      const [inHeight, inWidth] = isAcross ? [conv.inHeight, conv.inWidth + taps] : [conv.inHeight + taps, conv.inWidth];
      const outLength = outSize(isAcross ? inWidth : inHeight, taps, 1, 1, before + after);
      return isAcross
        ? { ...conv, inHeight, inWidth, outHeight: inHeight, outWidth: outLength, kernelWidth: taps, padLeft: before }
        : { ...conv, inHeight, inWidth, outHeight: outLength, outWidth: inWidth, kernelHeight: taps, padTop: before };
    }),
  );

describe.each(TIERS)("f32_winograd_line, %s", (tier) => {
  const bench = new KernelBench(tier, 16 << 20);

  test("agrees with the naive convolution within 1e-4 of the largest output, whatever the split", () => {
    const property = fc.property(
      lines,
      fc.constantFrom(1, 2, 7, 30),
      fc.nat(50),
      fc.boolean(),
      fc.nat(2),
      (conv, bandTiles, cut, withResidual, more) => {
        bench.reset();
        const { batch, inHeight, inWidth, inChannels: channels, outChannels: filters, outHeight, outWidth } = conv;
        const shape = linesOf(conv)!;
        const pixels = batch * outHeight * outWidth;
        const ldy = filters + more;
        const x = randomFloats(batch * inHeight * inWidth * channels, 3);
        const weights = randomFloats(filters * shape.taps * channels, 4);
        const bias = randomFloats(filters, 5);
        const residual = randomFloats(pixels * filters, 6);
        const packed = new Float32Array(winogradLineFloats(filters, channels));
        packWinogradLine(packed, weights, bias, { filters, taps: shape.taps, channels });
        const y = bench.alloc(((pixels - 1) * ldy + filters) * 4);
        const [px, pw, pr] = [bench.put(x), bench.put(packed), withResidual ? bench.put(residual) : 0];
        const words = bench.put(lineShapeWords(shape, { channels, filters, ldy, bandTiles }));
        const scratch = bench.alloc(winogradLineScratchBytes(bandTiles, channels, filters));
        const args = [y, px, pw, pr, putEpilogue(bench, { lo: -3 }), words, scratch] as const;
        const at = cut % (shape.tiles + 1);
        bench.kernels.f32_winograd_line(...args, at, shape.tiles);
        bench.kernels.f32_winograd_line(...args, 0, at);
        bench.checkGuards();
        const got = bench.f32(y, (pixels - 1) * ldy + filters).slice();
        const expected = naiveConv(x, weights, bias, conv).map((sum, i) => Math.max(sum + (withResidual ? residual[i]! : 0), -3));
        expectClose(
          expected.map((_, i) => got[Math.floor(i / filters) * ldy + (i % filters)]!),
          expected,
          1e-4,
        );
        bench.kernels.f32_winograd_line(...args, 0, shape.tiles);
        expect(bench.f32(y, got.length)).toEqual(got);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});

test("lines are what strides and dilations leave whole", () => {
  const conv = { batch: 2, inHeight: 9, inWidth: 7, inChannels: 4, outChannels: 4, padTop: 0, padLeft: 1, ...STILL };
  const across = { ...conv, kernelHeight: 1, kernelWidth: 3, outHeight: 9, outWidth: 7 };
  expect(linesOf(across)).toEqual({ outer: 18, inner: 1, inLength: 7, outLength: 7, taps: 3, pad: 1, tiles: 36 });
  const down = { ...conv, padTop: 2, padLeft: 0, kernelHeight: 5, kernelWidth: 1, outHeight: 9, outWidth: 7 };
  expect(linesOf(down)).toEqual({ outer: 2, inner: 7, inLength: 9, outLength: 9, taps: 5, pad: 2, tiles: 42 });
  for (const other of [
    { kernelHeight: 3 },
    { strideWidth: 2 },
    { dilationWidth: 2 },
    { kernelWidth: 1 },
    { kernelWidth: 8 },
    { outHeight: 11 },
  ])
    expect(linesOf({ ...across, ...other })).toBeUndefined();
});
