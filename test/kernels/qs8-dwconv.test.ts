import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DotKind } from "../../src/ops/codes.ts";
import type { Flip } from "../../src/ops/quantized/bytes-shape.ts";
import type { ConvGeometry } from "../../src/ops/quantized/conv-shape.ts";
import {
  depthwisePanelsBytes,
  depthwiseScratchBytes,
  depthwiseShapeWords,
  type GroupRows,
  packDepthwise,
} from "../../src/ops/quantized/depthwise-shape.ts";
import { DOT_FLIP, DOT_KIND, DOT_NOTE, IS_DOT_BROKEN, SEVEN_BITS, toExactWeight } from "../support/dot.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8, requantize } from "../support/quantized.ts";

const caseOf = fc
  .record({
    inHeight: fc.constantFrom(1, 2, 3, 5, 7, 9, 14, 33),
    inWidth: fc.constantFrom(1, 2, 3, 5, 7, 9, 14, 33),
    inChannels: fc.constantFrom(1, 3, 4, 7, 8, 9, 16, 17, 40),
    multiplier: fc.constantFrom(1, 1, 1, 2, 8),
    kernelHeight: fc.integer({ min: 1, max: 5 }),
    kernelWidth: fc.integer({ min: 1, max: 5 }),
    strideHeight: fc.integer({ min: 1, max: 3 }),
    strideWidth: fc.integer({ min: 1, max: 3 }),
    dilationHeight: fc.constantFrom(1, 1, 2),
    dilationWidth: fc.constantFrom(1, 1, 2),
    padTop: fc.integer({ min: 0, max: 3 }),
    padLeft: fc.integer({ min: 0, max: 3 }),
    padBottom: fc.integer({ min: 0, max: 3 }),
    padRight: fc.integer({ min: 0, max: 3 }),
    images: fc.constantFrom(1, 2),
    gap: fc.constantFrom(0, 5),
    xZero: fc.integer({ min: -128, max: 127 }),
    yZero: fc.integer({ min: -128, max: 127 }),
    wZero: fc.constantFrom(0, 0, 7, -128),
    bounds: fc.oneof(fc.constant([-128, 127]), fc.tuple(fc.integer({ min: -128, max: 127 }), fc.integer({ min: -128, max: 127 }))),
    scale: fc.constantFrom(0.0001, 0.0113, 0.0113, 0.5, 70, 3000),
    split: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.integer(),
  })
  .map(({ multiplier, padBottom, padRight, ...c }) => {
    const outHeight = Math.floor((c.inHeight + c.padTop + padBottom - (c.kernelHeight - 1) * c.dilationHeight - 1) / c.strideHeight) + 1;
    const outWidth = Math.floor((c.inWidth + c.padLeft + padRight - (c.kernelWidth - 1) * c.dilationWidth - 1) / c.strideWidth) + 1;
    return { ...c, groups: c.inChannels, outChannels: c.inChannels * multiplier, outHeight, outWidth };
  })
  .filter((c) => c.outHeight > 0 && c.outWidth > 0);
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

function sumAt(c: Case & ConvGeometry, x: Int8Array, w: Int8Array, row: number, ox: number, channel: number): number {
  const image = Math.floor(row / c.outHeight),
    from = Math.floor((channel * c.inChannels) / c.outChannels);
  let sum = 0;
  for (let ky = 0; ky < c.kernelHeight; ky++) {
    for (let kx = 0; kx < c.kernelWidth; kx++) {
      const iy = (row % c.outHeight) * c.strideHeight + ky * c.dilationHeight - c.padTop;
      const ix = ox * c.strideWidth + kx * c.dilationWidth - c.padLeft;
      if (iy < 0 || iy >= c.inHeight || ix < 0 || ix >= c.inWidth) continue;
      const value = x[((image * c.inHeight + iy) * c.inWidth + ix) * c.inChannels + from]! - c.xZero;
      sum += value * (w[(channel * c.kernelHeight + ky) * c.kernelWidth + kx]! - c.wZero);
    }
  }
  return sum;
}

const same = (value: number): number => value;

/** `toExact` brings an int8 activation, or zero point, to where the products of a kernel that takes groups of four rows are exact. */
function check(bench: KernelBench, drawn: Case, rowsOfGroup: GroupRows, flip: Flip = 0, toExact = same, toWeight = same): void {
  bench.reset();
  const c = { ...drawn, xZero: toExact(drawn.xZero) };
  const next = random(c.seed);
  const x = randomInt8(next, c.images * c.inHeight * c.inWidth * c.inChannels).map(toExact);
  const w = randomInt8(next, c.outChannels * c.kernelHeight * c.kernelWidth).map(toWeight);
  const scales = Float32Array.from({ length: c.outChannels }, () => c.scale * (0.5 + next()));
  const bias = Int32Array.from({ length: c.outChannels }, () => Math.floor(next() * 2001) - 1000);
  const lo = Math.min(...c.bounds),
    hi = Math.max(...c.bounds),
    ldy = c.outChannels + c.gap;
  const rows = c.images * c.outHeight,
    size = rows * c.outWidth * ldy;
  const expected = Int8Array.from({ length: size }, (_, at) => {
    const channel = at % ldy,
      pixel = Math.floor(at / ldy);
    if (channel >= c.outChannels) return 0;
    const sum = sumAt(c, x, w, Math.floor(pixel / c.outWidth), pixel % c.outWidth, channel);
    return requantize(sum + bias[channel]!, scales[channel]!, c.yZero, lo, hi);
  });

  const px = bench.put(x),
    scratch = bench.alloc(depthwiseScratchBytes(c, rowsOfGroup)),
    panels = bench.alloc(depthwisePanelsBytes(c, rowsOfGroup));
  const { buffer } = bench.memory;
  const views = {
    f32: new Float32Array(buffer, panels),
    i32: new Int32Array(buffer, panels),
    i16: new Int16Array(buffer, panels),
    i8: new Int8Array(buffer, panels),
  };
  packDepthwise(views, c, { weight: w, zeros: [c.wZero], bias, scales }, c.xZero, rowsOfGroup, flip);
  const table = bench.put(depthwiseShapeWords(c, { ldy, xZero: c.xZero, yZero: c.yZero, lo, hi }, rowsOfGroup, flip));
  const y = bench.put(new Int8Array(size));
  const middle = Math.floor(c.split * rows);
  const kernel = rowsOfGroup === 2 ? bench.kernels.qs8_dwconv : bench.kernels.qs8_dwconv_8c4;
  kernel(y, px, panels, scratch, table, 0, middle);
  kernel(y, px, panels, scratch, table, middle, rows);
  expect(Array.from(bench.i8(y, size))).toEqual(Array.from(expected));
  bench.checkGuards();
}

describe.each(TIERS)("int8 depthwise convolution, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);

  it("equals the naive int32 convolution bit for bit, however it is split", () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, c, 2)),
      { numRuns: 300 },
    );
  });
});

describe("int8 depthwise convolution on dot products of bytes", () => {
  const bench = new KernelBench("relaxed", 4 << 20);

  it.skipIf(IS_DOT_BROKEN).each(SEVEN_BITS)(
    `equals the naive int32 convolution bit for bit on activations of $name (${IS_DOT_BROKEN ? DOT_NOTE : "exact in every engine"})`,
    ({ flip, toExact }) => {
      fc.assert(
        fc.property(caseOf, (c) => check(bench, { ...c, wZero: 0 }, 4, flip, toExact)),
        { numRuns: 200 },
      );
    },
  );

  it.skipIf(DOT_KIND === DotKind.inexact)(`equals the naive int32 convolution bit for bit on all activations (${DOT_NOTE})`, () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, { ...c, wZero: 0 }, 4, DOT_FLIP, same, toExactWeight)),
      { numRuns: 300 },
    );
  });
});
