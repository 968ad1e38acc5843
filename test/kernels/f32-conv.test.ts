import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packFilters, panelFloats } from "../../src/ops/pack-f32.ts";
import { expectClose, putEpilogue, putWords, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { type Conv, naiveConv, outSize } from "../support/naive-conv.ts";

const pair = (low: number, high: number) => fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));

/** Convolutions of awkward sizes whose output has at least one pixel. */
const convolutions = fc
  .record({
    batch: fc.constantFrom(1, 1, 2),
    size: pair(1, 12),
    kernel: pair(1, 4),
    stride: pair(1, 3),
    dilation: pair(1, 2),
    before: pair(0, 2),
    after: pair(0, 2),
    groups: fc.constantFrom(1, 1, 2, 3),
    inGroup: fc.constantFrom(1, 2, 3, 4, 5, 8, 9),
    outGroup: fc.constantFrom(1, 3, 4, 8, 9, 17),
  })
  .map(({ batch, size, kernel, stride, dilation, before, after, groups, inGroup, outGroup }): Conv => {
    const out = [0, 1].map((axis) => outSize(size[axis]!, kernel[axis]!, stride[axis]!, dilation[axis]!, before[axis]! + after[axis]!));
    return {
      batch,
      inHeight: size[0],
      inWidth: size[1],
      inChannels: groups * inGroup,
      outChannels: groups * outGroup,
      groups,
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideHeight: stride[0],
      strideWidth: stride[1],
      dilationHeight: dilation[0],
      dilationWidth: dilation[1],
      padTop: before[0],
      padLeft: before[1],
      outHeight: out[0]!,
      outWidth: out[1]!,
    };
  })
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

describe.each(TIERS)("f32_conv, %s", (tier) => {
  const bench = new KernelBench(tier, 16 << 20);

  test("agrees with the naive convolution, whatever the bands and the split", () => {
    fc.assert(
      fc.property(convolutions, fc.constantFrom(1, 2, 5, 30), fc.nat(100), fc.boolean(), fc.nat(2), (conv, bandRows, cut, withResidual, more) => {
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
        const shape = putWords(bench, {
          inHeight: conv.inHeight,
          inWidth: conv.inWidth,
          inChannels: conv.inChannels,
          outHeight: conv.outHeight,
          outWidth: conv.outWidth,
          outChannels: outGroup,
          groups: conv.groups,
          groupChannels: inGroup,
          kernelHeight: conv.kernelHeight,
          kernelWidth: conv.kernelWidth,
          strideHeight: conv.strideHeight,
          strideWidth: conv.strideWidth,
          dilationHeight: conv.dilationHeight,
          dilationWidth: conv.dilationWidth,
          padTop: conv.padTop,
          padLeft: conv.padLeft,
          ldy,
          ldr: conv.outChannels,
          bandRows,
        });
        const y = bench.alloc(((pixels - 1) * ldy + conv.outChannels) * 4);
        const args = [y, bench.put(x), bench.put(packed), withResidual ? bench.put(residual) : 0, putEpilogue(bench, { lo: -2 }), shape] as const;
        const scratch = bench.alloc(bandRows * k * 4);
        const at = cut % (pixels + 1);
        bench.kernels.f32_conv(...args, scratch, at, pixels);
        bench.kernels.f32_conv(...args, scratch, 0, at);
        bench.checkGuards();
        const got = bench.f32(y, (pixels - 1) * ldy + conv.outChannels).slice();
        const expected = naiveConv(x, weights, bias, conv).map((sum, i) => Math.max(sum + (withResidual ? residual[i]! : 0), -2));
        expectClose(expected.map((_, i) => got[Math.floor(i / conv.outChannels) * ldy + (i % conv.outChannels)]!), expected);
        bench.kernels.f32_conv(...args, scratch, 0, pixels);
        expect(bench.f32(y, got.length)).toEqual(got);
      }),
      { numRuns: 150 },
    );
  });
});
