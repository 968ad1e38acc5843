import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { depthwiseFloats, packDepthwise } from "../../src/ops/pack-f32.ts";
import { expectClose, putConvShape, putEpilogue, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { type Conv, convolutions, naiveConv } from "../support/naive-conv.ts";

const CHANNELS = [1, 3, 4, 5, 8, 17, 32];

/** Depthwise convolutions; `kernel` and `stride` are drawn when absent. */
const depthwise = (kernel?: number, stride?: number, channels = CHANNELS) =>
  fc.constantFrom(...channels).chain((channels) =>
    convolutions({
      inChannels: channels,
      outChannels: channels,
      groups: channels,
      ...(kernel && { kernelHeight: kernel, kernelWidth: kernel, dilationHeight: 1, dilationWidth: 1 }),
      ...(stride && { strideHeight: stride, strideWidth: stride }),
    }),
  );

describe.each(TIERS)("f32_dwconv, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);
  const rest = [fc.nat(30), fc.nat(2), fc.boolean()] as const;

  function check(conv: Conv, kernel: "f32_dwconv" | "f32_dwconv_square", cut: number, more: number, withResidual: boolean): void {
    bench.reset();
    const channels = conv.outChannels;
    const taps = conv.kernelHeight * conv.kernelWidth;
    const pixels = conv.batch * conv.outHeight * conv.outWidth;
    const lines = conv.batch * conv.outHeight;
    const ldy = channels + more;
    const x = randomFloats(conv.batch * conv.inHeight * conv.inWidth * channels, 3);
    const weights = randomFloats(channels * taps, 4);
    const bias = randomFloats(channels, 5);
    const packed = new Float32Array(depthwiseFloats(channels, taps));
    packDepthwise(packed, weights, bias, channels, taps);
    const y = bench.alloc(((pixels - 1) * ldy + channels) * 4);
    const residual = randomFloats(pixels * channels, 6);
    const args = [
      y,
      bench.put(x),
      bench.put(packed),
      withResidual ? bench.put(residual) : 0,
      putEpilogue(bench, { lo: -1, hi: 2 }),
      putConvShape(bench, conv, { ldy }),
    ] as const;
    const at = cut % (lines + 1);
    bench.kernels[kernel](...args, at, lines);
    bench.kernels[kernel](...args, 0, at);
    bench.checkGuards();
    const got = bench.f32(y, (pixels - 1) * ldy + channels).slice();
    const expected = naiveConv(x, weights, bias, conv).map((sum, i) => Math.min(Math.max(sum + (withResidual ? residual[i]! : 0), -1), 2));
    expectClose(
      expected.map((_, i) => got[Math.floor(i / channels) * ldy + (i % channels)]!),
      expected,
    );
    bench.kernels[kernel](...args, 0, lines);
    expect(bench.f32(y, got.length)).toEqual(got);
    if (!withResidual || more > 0) return;
    bench.f32(y, got.length).set(residual);
    bench.kernels[kernel](y, args[1], args[2], y, args[4], args[5], 0, lines);
    expect(bench.f32(y, got.length)).toEqual(got);
  }

  test("any kernel, stride and dilation", () => {
    fc.assert(
      fc.property(depthwise(), ...rest, (conv, ...drawn) => check(conv, "f32_dwconv", ...drawn)),
      { numRuns: 100 },
    );
  });
  test.each([
    [3, 1],
    [3, 2],
    [5, 1],
    [5, 2],
  ] as const)("square kernel %i, stride %i", (kernel, stride) => {
    const property = fc.property(depthwise(kernel, stride), ...rest, (conv, ...drawn) => check(conv, "f32_dwconv_square", ...drawn));
    fc.assert(property, { numRuns: 80 });
  });
  test.each([1, 2])("3 × 3 taps, stride %i, with channels whose pixels fall on the same cache sets", (stride) => {
    const property = fc.property(depthwise(3, stride, [512]), ...rest, (conv, ...drawn) => check(conv, "f32_dwconv_square", ...drawn));
    fc.assert(property, { numRuns: 12 });
  });
});
