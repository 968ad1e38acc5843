import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ConvGeometry,
  type ConvOutput,
  convShapeWords,
  packPanels,
  panelsBytesOf,
  scratchBytesOf,
} from "../../src/ops/quantized/conv-shape.ts";
import {
  packWinograd,
  partsOf,
  tilesOf,
  winogradBytes,
  winogradScratchBytes,
  winogradShapeWords,
} from "../../src/ops/quantized/winograd-shape.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8 } from "../support/quantized.ts";

const caseOf = fc
  .record({
    inHeight: fc.constantFrom(1, 2, 3, 5, 7, 8, 9, 14),
    inWidth: fc.constantFrom(1, 2, 3, 5, 7, 8, 9, 14),
    inChannels: fc.constantFrom(1, 3, 4, 7, 8, 9, 16, 17, 32, 33),
    /** Parts of the channels, where there are enough of them. */
    parts: fc.constantFrom(1, 2, 4),
    outChannels: fc.constantFrom(1, 3, 4, 5, 7, 8, 9, 16, 17, 33),
    padTop: fc.integer({ min: 0, max: 2 }),
    padLeft: fc.integer({ min: 0, max: 2 }),
    padBottom: fc.integer({ min: 0, max: 2 }),
    padRight: fc.integer({ min: 0, max: 2 }),
    images: fc.constantFrom(1, 2),
    gap: fc.constantFrom(0, 3),
    xZero: fc.integer({ min: -128, max: 127 }),
    yZero: fc.integer({ min: -128, max: 127 }),
    wZero: fc.constantFrom(0, 0, 7, -100),
    scale: fc.constantFrom(0.00005, 0.0003, 0.01),
    /** All weights and activations at their ends, for the largest sums. */
    isExtreme: fc.boolean(),
    split: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.integer(),
  })
  .map((c) => ({ ...c, outHeight: c.inHeight + c.padTop + c.padBottom - 2, outWidth: c.inWidth + c.padLeft + c.padRight - 2 }))
  .filter((c) => c.outHeight > 0 && c.outWidth > 0);
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

const RING = { groups: 1, kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1 };

/** The direct kernel is held to the naive sums by its own test; Winograd's must give its bits. */
function check(bench: KernelBench, c: Case): void {
  bench.reset();
  const next = random(c.seed);
  const g: ConvGeometry = { ...RING, ...c };
  const bytes = (length: number) =>
    c.isExtreme ? Int8Array.from({ length }, () => (next() < 0.9 ? -128 : 127)) : randomInt8(next, length);
  const x = bench.put(bytes(c.images * c.inHeight * c.inWidth * c.inChannels));
  const weights = {
    weight: bytes(c.outChannels * 9 * c.inChannels),
    zeros: [c.wZero],
    bias: Int32Array.from({ length: c.outChannels }, () => Math.floor(next() * 20001) - 10000),
    scales: Float32Array.from({ length: c.outChannels }, () => c.scale * (0.5 + next())),
  };
  const fewest = partsOf(g, weights, c.xZero);
  const parts = fewest && c.inChannels % 32 === 0 ? c.parts : fewest;
  if (!parts) return;
  const output: ConvOutput = {
    kind: "int8",
    ldy: c.outChannels + c.gap,
    xZero: c.xZero,
    yZero: c.yZero,
    lo: -128,
    hi: 127,
    rowScaleStep: 0,
  };
  const size = c.images * c.outHeight * c.outWidth * output.ldy;
  const viewsAt = (pointer: number) => {
    const { buffer } = bench.memory;
    return {
      f32: new Float32Array(buffer, pointer),
      i32: new Int32Array(buffer, pointer),
      i16: new Int16Array(buffer, pointer),
      i8: new Int8Array(buffer, pointer),
    };
  };

  const panels = bench.alloc(panelsBytesOf(g, "int8", 2)),
    direct = bench.put(new Int8Array(size));
  packPanels(viewsAt(panels), g, "int8", 2, weights);
  const pixels = c.images * c.outHeight * c.outWidth;
  bench.kernels.qs8_conv_4x8(direct, x, panels, 0, bench.alloc(scratchBytesOf(g)), bench.put(convShapeWords(g, output, 2)), 0, pixels);

  const transformed = bench.alloc(winogradBytes(g)),
    y = bench.put(new Int8Array(size));
  packWinograd(viewsAt(transformed), g, weights);
  const scratch = bench.alloc(winogradScratchBytes(g, c.images, parts)),
    table = bench.put(winogradShapeWords(g, output, c.images, parts));
  const tiles = c.images * tilesOf(g),
    middle = Math.floor(c.split * tiles);
  bench.kernels.qs8_winograd_4x4(y, x, transformed, scratch, table, 0, middle);
  bench.kernels.qs8_winograd_4x4(y, x, transformed, scratch, table, middle, tiles);
  expect(Array.from(bench.i8(y, size))).toEqual(Array.from(bench.i8(direct, size)));
  bench.checkGuards();
}

describe.each(TIERS)("int8 Winograd convolution, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);

  it("gives the direct convolution's bits, however it is split", () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, c)),
      { numRuns: 300 },
    );
  });
});
