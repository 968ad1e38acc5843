import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axisPhases, packPhase, phaseFloats, readAlike, tapCount } from "../../src/ops/deconv-phases.ts";
import { expectClose, putEpilogue, putWords, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
  readonly out: number;
}

/** An axis with cropping on both sides and some output padding, with at least one output. */
const axis = fc
  .record({
    size: fc.integer({ min: 1, max: 7 }),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 3 }),
    pad: fc.nat(2),
    crop: fc.nat(2),
    more: fc.nat(1),
  })
  .map(
    ({ crop, more, ...rest }): Axis => ({
      ...rest,
      out: (rest.size - 1) * rest.stride + rest.dilation * (rest.kernel - 1) + 1 - rest.pad - crop + more,
    }),
  )
  .filter(({ out }) => out > 0);

/** As the definition says: every input pixel is scattered over the outputs that its taps reach. */
function naive(
  x: Float32Array,
  weights: Float32Array,
  bias: Float32Array,
  batch: number,
  h: Axis,
  w: Axis,
  inGroup: number,
  outGroup: number,
  groups: number,
) {
  const [c, o] = [inGroup * groups, outGroup * groups];
  const y = Float64Array.from({ length: batch * h.out * w.out * o }, (_, i) => bias[i % o]!);
  for (let image = 0; image < batch; image++)
    for (let iy = 0; iy < h.size; iy++)
      for (let ix = 0; ix < w.size; ix++)
        for (let ky = 0; ky < h.kernel; ky++)
          for (let kx = 0; kx < w.kernel; kx++) {
            const oy = iy * h.stride - h.pad + ky * h.dilation;
            const ox = ix * w.stride - w.pad + kx * w.dilation;
            if (oy < 0 || oy >= h.out || ox < 0 || ox >= w.out) continue;
            for (let filter = 0; filter < o; filter++) {
              const first = Math.floor(filter / outGroup) * inGroup;
              const at = ((image * h.out + oy) * w.out + ox) * o + filter;
              for (let channel = 0; channel < inGroup; channel++)
                y[at]! +=
                  x[((image * h.size + iy) * w.size + ix) * c + first + channel]! *
                  weights[((filter * h.kernel + ky) * w.kernel + kx) * inGroup + channel]!;
            }
          }
  return y;
}

describe.each(TIERS)("f32_deconv, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);

  test("agrees with the definition of a transposed convolution, whatever the split", () => {
    const channels = fc.constantFrom(1, 2, 3, 4, 7, 8, 9);
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2),
        axis,
        axis,
        channels,
        channels,
        fc.constantFrom(1, 1, 2),
        fc.nat(20),
        (batch, h, w, inGroup, outGroup, groups, cut) => {
          bench.reset();
          const o = outGroup * groups;
          const x = randomFloats(batch * h.size * w.size * inGroup * groups, 3);
          const data = randomFloats(o * h.kernel * w.kernel * inGroup, 4);
          const bias = randomFloats(o, 5);
          const weights = { data, bias, filters: outGroup, channels: inGroup, groups, kernelHeight: h.kernel, kernelWidth: w.kernel };
          const y = bench.alloc(batch * h.out * w.out * o * 4);
          const [px, epilogue] = [bench.put(x), putEpilogue(bench, { lo: -2 })];
          const across = axisPhases(w);
          const parts = groups === 1 && readAlike(across, w.stride) ? [across] : across.map((phase) => [phase]);
          for (const down of axisPhases(h))
            for (const part of parts) {
              const [first] = part;
              const packed = new Float32Array(phaseFloats(weights, down, part));
              packPhase(packed, weights, down, part);
              const shape = putWords(bench, {
                inHeight: h.size,
                inWidth: w.size,
                inChannels: inGroup * groups,
                outHeight: down.count,
                outWidth: first!.count,
                outChannels: outGroup * part.length,
                groups,
                groupChannels: inGroup,
                kernelHeight: tapCount(down),
                kernelWidth: tapCount(first!),
                strideHeight: 1,
                strideWidth: 1,
                dilationHeight: down.step,
                dilationWidth: first!.step,
                padTop: -down.start,
                padLeft: -first!.start,
                ldy: w.stride * o,
                ldr: 0,
                bandRows: 0,
                yRow: h.stride * w.out * o,
                yImage: h.out * w.out * o,
              });
              const scratch = bench.alloc(first!.count * tapCount(down) * tapCount(first!) * inGroup * 4);
              const at = y + (down.first * w.out + first!.first) * o * 4;
              const rows = batch * down.count;
              const packedAt = bench.put(packed);
              bench.kernels.f32_deconv(at, px, packedAt, epilogue, shape, scratch, cut % (rows + 1), rows);
              bench.kernels.f32_deconv(at, px, packedAt, epilogue, shape, scratch, 0, cut % (rows + 1));
            }
          bench.checkGuards();
          expectClose(
            bench.f32(y, batch * h.out * w.out * o),
            naive(x, data, bias, batch, h, w, inGroup, outGroup, groups).map((sum) => Math.max(sum, -2)),
          );
        },
      ),
      { numRuns: 120 },
    );
  });

  test("phases that read the same pixels are told apart from those that do not", () => {
    expect(readAlike(axisPhases({ out: 8, kernel: 2, stride: 2, dilation: 1, pad: 0 }), 2)).toBe(true);
    expect(readAlike(axisPhases({ out: 7, kernel: 3, stride: 2, dilation: 1, pad: 1 }), 2)).toBe(false);
  });
});
