import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  LARGE,
  packWinograd,
  SMALL,
  STRIDED,
  winogradFloats,
  winogradScratchBytes,
  winogradTiles,
} from "../../src/ops/winograd-weights.ts";
import { expectClose, putConvShape, putEpilogue, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { convolutions, naiveConv } from "../support/naive-conv.ts";

const squares = (stride: number) =>
  fc.tuple(fc.constantFrom(1, 3, 4, 5, 8, 17, 32), fc.constantFrom(1, 2, 4, 7, 8, 9, 33)).chain(([inChannels, outChannels]) =>
    convolutions({
      inChannels,
      outChannels,
      groups: 1,
      kernelHeight: 3,
      kernelWidth: 3,
      strideHeight: stride,
      strideWidth: stride,
      dilationHeight: 1,
      dilationWidth: 1,
    }),
  );

describe.each(TIERS)("f32_winograd, %s", (tier) => {
  const bench = new KernelBench(tier, 16 << 20);

  test.each([LARGE, SMALL, STRIDED])(
    "stride $stride by tiles of $pixels × $pixels pixels agrees with the naive convolution within 1e-4 of the largest output, whatever the split",
    (form) => {
      const property = fc.property(
        squares(form.stride),
        fc.constantFrom(1, 2, 7, 30),
        fc.nat(50),
        fc.boolean(),
        fc.nat(2),
        (conv, bandRows, cut, withResidual, more) => {
          bench.reset();
          const { batch, inHeight, inWidth, inChannels, outChannels, outHeight, outWidth } = conv;
          const pixels = batch * outHeight * outWidth;
          const tiles = winogradTiles(conv, form);
          const ldy = outChannels + more;
          const x = randomFloats(batch * inHeight * inWidth * inChannels, 3);
          const weights = randomFloats(outChannels * 9 * inChannels, 4);
          const bias = randomFloats(outChannels, 5);
          const residual = randomFloats(pixels * outChannels, 6);
          const packed = new Float32Array(winogradFloats(form, outChannels, inChannels));
          packWinograd(packed, weights, bias, outChannels, inChannels, form);
          const y = bench.alloc(((pixels - 1) * ldy + outChannels) * 4);
          const [px, pw, pr] = [bench.put(x), bench.put(packed), withResidual ? bench.put(residual) : 0];
          const shape = putConvShape(bench, conv, { ldy, bandRows });
          const scratch = bench.alloc(winogradScratchBytes(form, bandRows, inChannels, outChannels));
          const args = [y, px, pw, pr, putEpilogue(bench, { lo: -3 }), shape, scratch] as const;
          const at = cut % (tiles + 1);
          const kernel = form.pixels === 4 ? bench.kernels.f32_winograd_4x4 : bench.kernels.f32_winograd_2x2;
          kernel(...args, at, tiles);
          kernel(...args, 0, at);
          bench.checkGuards();
          const got = bench.f32(y, (pixels - 1) * ldy + outChannels).slice();
          const expected = naiveConv(x, weights, bias, conv).map((sum, i) => Math.max(sum + (withResidual ? residual[i]! : 0), -3));
          expectClose(
            expected.map((_, i) => got[Math.floor(i / outChannels) * ldy + (i % outChannels)]!),
            expected,
            1e-4,
          );
          kernel(...args, 0, tiles);
          expect(bench.f32(y, got.length)).toEqual(got);
        },
      );
      fc.assert(property, { numRuns: 100 });
    },
  );
});
