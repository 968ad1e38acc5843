import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Quantization } from "../../src/graph/types.ts";
import { TIERS } from "../support/kernels.ts";
import { random, randomInt8, requantize } from "../support/quantized.ts";
import { graphOf, modelOf, runOp, type TestInput } from "../support/run-op.ts";

const axisOf = fc.record({
  size: fc.integer({ min: 1, max: 6 }),
  kernel: fc.integer({ min: 1, max: 5 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.constantFrom(1, 1, 2),
  before: fc.nat(2),
  after: fc.nat(2),
  more: fc.nat(1),
});
type Axis = typeof axisOf extends fc.Arbitrary<infer T> ? T : never;

const outOf = ({ size, kernel, stride, dilation, before, after, more }: Axis): number =>
  (size - 1) * stride + (kernel - 1) * dilation + 1 + more - before - after;

const caseOf = fc
  .record({
    ...{ h: axisOf, w: axisOf, images: fc.constantFrom(1, 2), groups: fc.constantFrom(1, 1, 2), inGroup: fc.constantFrom(1, 3, 8) },
    ...{ outGroup: fc.constantFrom(1, 5, 8, 16), xZero: fc.integer({ min: -128, max: 127 }), yZero: fc.integer({ min: -128, max: 127 }) },
    ...{ wZero: fc.constantFrom(0, 0, 9), scale: fc.constantFrom(0.0004, 0.02, 0.5), seed: fc.integer() },
  })
  .filter(({ h, w }) => outOf(h) > 0 && outOf(w) > 0);
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

/** int32 sums of every output, from every input pixel to where it goes. */
function sumsOf(c: Case, x: Int8Array, weight: Int8Array): Int32Array {
  const [outHeight, outWidth, channels, filters] = [outOf(c.h), outOf(c.w), c.inGroup * c.groups, c.outGroup * c.groups];
  const sums = new Int32Array(c.images * outHeight * outWidth * filters);
  for (let image = 0; image < c.images; image++)
    for (let iy = 0; iy < c.h.size; iy++)
      for (let ix = 0; ix < c.w.size; ix++)
        for (let ky = 0; ky < c.h.kernel; ky++)
          for (let kx = 0; kx < c.w.kernel; kx++) {
            const oy = iy * c.h.stride + ky * c.h.dilation - c.h.before;
            const ox = ix * c.w.stride + kx * c.w.dilation - c.w.before;
            if (oy < 0 || oy >= outHeight || ox < 0 || ox >= outWidth) continue;
            for (let filter = 0; filter < filters; filter++)
              for (let i = 0; i < c.inGroup; i++) {
                const from = ((image * c.h.size + iy) * c.w.size + ix) * channels + Math.floor(filter / c.outGroup) * c.inGroup + i;
                const w = weight[((filter * c.h.kernel + ky) * c.w.kernel + kx) * c.inGroup + i]! - c.wZero;
                sums[((image * outHeight + oy) * outWidth + ox) * filters + filter]! += w * (x[from]! - c.xZero);
              }
          }
  return sums;
}

describe.each(TIERS)("conv_transpose2d on int8, %s", (tier) => {
  test("equals the naive int32 sums, rounded, bit for bit, and no kernel of floats takes part", () => {
    const property = fc.property(caseOf, (c) => {
      const next = random(c.seed);
      const [channels, filters] = [c.inGroup * c.groups, c.outGroup * c.groups];
      const x = randomInt8(next, c.images * c.h.size * c.w.size * channels);
      const weight = randomInt8(next, filters * c.h.kernel * c.w.kernel * c.inGroup);
      const bias = Int32Array.from({ length: filters }, () => Math.floor(next() * 2001) - 1000);
      const quant = (scale: number[], zero: number, axis?: number): Quantization => ({
        scale,
        zeroPoint: scale.map(() => zero),
        ...(axis !== undefined && { axis }),
      });
      const scales = Array.from({ length: filters }, () => Math.fround(c.scale * (0.5 + next())));
      const weightShape = [filters, c.h.kernel, c.w.kernel, c.inGroup];
      const inputs: TestInput[] = [
        { dataType: "int8", shape: [c.images, c.h.size, c.w.size, channels], data: x, quant: quant([1], c.xZero) },
        { dataType: "int8", shape: weightShape, data: weight, quant: quant(scales, c.wZero, 0), constant: true },
        { dataType: "int32", shape: [filters], data: bias, quant: quant(scales, 0, 0), constant: true },
      ];
      const attributes = {
        strides: [c.h.stride, c.w.stride],
        dilations: [c.h.dilation, c.w.dilation],
        padding: [c.h.before, c.w.before, c.h.after, c.w.after],
        outputPadding: [c.h.more, c.w.more],
        groups: c.groups,
      };
      const outputs = [{ quant: quant([1], c.yZero) }];
      const sums = sumsOf(c, x, weight);
      const expected = sums.map((sum, i) => requantize(sum + bias[i % filters]!, scales[i % filters]!, c.yZero));
      const found = runOp("conv_transpose2d", attributes, inputs, { tier, outputs })[0]!;
      expect(found.shape).toEqual([c.images, outOf(c.h), outOf(c.w), filters]);
      expect(Array.from(found.data as Int8Array)).toEqual(Array.from(expected));
      const model = modelOf(graphOf("conv_transpose2d", attributes, inputs, outputs), tier);
      expect(model.plan().steps.filter(({ kernel }) => kernel === "host" || kernel.startsWith("f32"))).toEqual([]);
    });
    fc.assert(property, { numRuns: 100 });
  });
});
