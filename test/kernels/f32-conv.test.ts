import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packFilters, panelFloats } from "../../src/ops/pack-f32.ts";
import { expectClose, putConvShape, putEpilogue, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { convolutions, naiveConv } from "../support/naive-conv.ts";

describe.each(TIERS)("f32_conv, %s", (tier) => {
  const bench = new KernelBench(tier, 16 << 20);

  test("agrees with the naive convolution, whatever the bands and the split", () => {
    fc.assert(
      fc.property(
        convolutions({}),
        fc.constantFrom(1, 2, 5, 30),
        fc.nat(100),
        fc.boolean(),
        fc.nat(2),
        (conv, bandRows, cut, withResidual, more) => {
          bench.reset();
          const [inGroup, outGroup] = [conv.inChannels / conv.groups, conv.outChannels / conv.groups];
          const k = conv.kernelHeight * conv.kernelWidth * inGroup;
          const pixels = conv.batch * conv.outHeight * conv.outWidth;
          const ldy = conv.outChannels + more;
          const x = randomFloats(conv.batch * conv.inHeight * conv.inWidth * conv.inChannels, 3);
          const weights = randomFloats(conv.outChannels * k, 4);
          const bias = randomFloats(conv.outChannels, 5);
          const residual = randomFloats(pixels * conv.outChannels, 6);
          const packed = new Float32Array(panelFloats(outGroup, k) * conv.groups);
          packFilters(packed, weights, bias, conv.outChannels, k, conv.groups);
          const shape = putConvShape(bench, conv, { ldy, bandRows });
          const y = bench.alloc(((pixels - 1) * ldy + conv.outChannels) * 4);
          const args = [
            y,
            bench.put(x),
            bench.put(packed),
            withResidual ? bench.put(residual) : 0,
            putEpilogue(bench, { lo: -2 }),
            shape,
          ] as const;
          const scratch = bench.alloc(bandRows * k * 4);
          const at = cut % (pixels + 1);
          bench.kernels.f32_conv(...args, scratch, at, pixels);
          bench.kernels.f32_conv(...args, scratch, 0, at);
          bench.checkGuards();
          const got = bench.f32(y, (pixels - 1) * ldy + conv.outChannels).slice();
          const expected = naiveConv(x, weights, bias, conv).map((sum, i) => Math.max(sum + (withResidual ? residual[i]! : 0), -2));
          expectClose(
            expected.map((_, i) => got[Math.floor(i / conv.outChannels) * ldy + (i % conv.outChannels)]!),
            expected,
          );
          bench.kernels.f32_conv(...args, scratch, 0, pixels);
          expect(bench.f32(y, got.length)).toEqual(got);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("gives the same bits where it reads the input in place or padded, whatever the bands and the split", () => {
    fc.assert(
      fc.property(
        convolutions({ groups: 1, dilationWidth: 1 }),
        fc.constantFrom(1, 2, 5),
        fc.nat(100),
        fc.boolean(),
        fc.nat(2),
        fc.boolean(),
        (conv, bandRows, cut, withResidual, more, padded) => {
          bench.reset();
          const { batch, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = conv;
          const k = conv.kernelHeight * conv.kernelWidth * inChannels;
          const [pixels, rows] = [batch * outHeight * outWidth, batch * outHeight];
          const ldy = outChannels + more;
          const packed = new Float32Array(panelFloats(outChannels, k));
          packFilters(packed, randomFloats(outChannels * k, 4), randomFloats(outChannels, 5), outChannels, k, 1);
          const [down, across] = [
            (count: number) => (count - 1) * conv.strideHeight + (conv.kernelHeight - 1) * conv.dilationHeight + 1,
            (outWidth - 1) * conv.strideWidth + conv.kernelWidth,
          ];
          const isInside = conv.padTop === 0 && conv.padLeft === 0 && down(outHeight) <= inHeight && across <= inWidth;
          const operands = [
            bench.put(randomFloats(batch * inHeight * inWidth * inChannels, 3)),
            bench.put(packed),
            withResidual ? bench.put(randomFloats(pixels * outChannels, 6)) : 0,
            putEpilogue(bench, { lo: -2 }),
          ] as const;
          const [y, expected] = [bench.alloc(pixels * ldy * 4), bench.alloc(pixels * ldy * 4)];
          bench.f32(y, pixels * ldy).fill(7);
          bench.f32(expected, pixels * ldy).fill(7);
          const scratch = isInside && !padded ? 0 : bench.alloc(down(bandRows) * across * inChannels * 4);
          const shape = putConvShape(bench, conv, { ldy, bandRows });
          const at = cut % (rows + 1);
          bench.kernels.f32_conv_direct(y, ...operands, shape, scratch, at, rows);
          bench.kernels.f32_conv_direct(y, ...operands, shape, scratch, 0, at);
          bench.kernels.f32_conv(expected, ...operands, shape, bench.alloc(bandRows * k * 4), 0, pixels);
          bench.checkGuards();
          expect(bench.f32(y, pixels * ldy)).toEqual(bench.f32(expected, pixels * ldy));
        },
      ),
      { numRuns: 200 },
    );
  });
});
