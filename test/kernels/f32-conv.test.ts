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
});
