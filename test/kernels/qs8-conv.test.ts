import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DotKind } from "../../src/ops/codes.ts";
import { bytePanelsBytes, byteScratchBytes, byteShapeWords, type Flip, packBytePanels } from "../../src/ops/quantized/bytes-shape.ts";
import {
  type ConvGeometry,
  type ConvOutput,
  type ConvWeights,
  convShapeWords,
  type PanelViews,
  packPanels,
  panelsBytesOf,
  scratchBytesOf,
} from "../../src/ops/quantized/conv-shape.ts";
import { DOT_FLIP, DOT_KIND, DOT_NOTE, IS_DOT_BROKEN, SEVEN_BITS, toExactWeight } from "../support/dot.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { random, randomInt8, requantize } from "../support/quantized.ts";

const AWKWARD = [1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 31, 33];

const geometryOf = fc
  .record({
    inHeight: fc.constantFrom(1, 2, 3, 5, 7, 9, 14),
    inWidth: fc.constantFrom(1, 2, 3, 5, 7, 9, 14),
    groupIn: fc.constantFrom(...AWKWARD),
    groupOut: fc.constantFrom(...AWKWARD),
    groups: fc.constantFrom(1, 1, 1, 2, 3),
    kernelHeight: fc.integer({ min: 1, max: 5 }),
    kernelWidth: fc.integer({ min: 1, max: 5 }),
    strideHeight: fc.integer({ min: 1, max: 3 }),
    strideWidth: fc.integer({ min: 1, max: 3 }),
    dilationHeight: fc.integer({ min: 1, max: 2 }),
    dilationWidth: fc.integer({ min: 1, max: 2 }),
    padTop: fc.integer({ min: 0, max: 3 }),
    padLeft: fc.integer({ min: 0, max: 3 }),
    padBottom: fc.integer({ min: 0, max: 3 }),
    padRight: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ groupIn, groupOut, padBottom, padRight, ...g }) => ({
    ...g,
    inChannels: groupIn * g.groups,
    outChannels: groupOut * g.groups,
    outHeight: Math.floor((g.inHeight + g.padTop + padBottom - (g.kernelHeight - 1) * g.dilationHeight - 1) / g.strideHeight) + 1,
    outWidth: Math.floor((g.inWidth + g.padLeft + padRight - (g.kernelWidth - 1) * g.dilationWidth - 1) / g.strideWidth) + 1,
  }))
  .filter((g) => g.outHeight > 0 && g.outWidth > 0);

const caseOf = fc.record({
  geometry: geometryOf,
  images: fc.constantFrom(1, 1, 2),
  gap: fc.constantFrom(0, 3),
  kind: fc.constantFrom("int8" as const, "int8" as const, "int32" as const, "float32" as const),
  xZero: fc.integer({ min: -128, max: 127 }),
  yZero: fc.integer({ min: -128, max: 127 }),
  wZero: fc.constantFrom(0, 0, 5, -128),
  clamp: fc.tuple(fc.integer({ min: -128, max: 127 }), fc.integer({ min: -128, max: 127 })),
  scale: fc.constantFrom(1e-5, 0.0004, 0.0113, 0.5, 3),
  split: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer(),
});
type Case = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

function sumAt(
  g: ConvGeometry,
  x: Int8Array,
  w: Int8Array,
  c: Case,
  xZero: number,
  image: number,
  oy: number,
  ox: number,
  channel: number,
): number {
  const groupIn = g.inChannels / g.groups;
  const from = Math.floor(channel / (g.outChannels / g.groups)) * groupIn;
  let sum = 0;
  for (let ky = 0; ky < g.kernelHeight; ky++) {
    for (let kx = 0; kx < g.kernelWidth; kx++) {
      const iy = oy * g.strideHeight + ky * g.dilationHeight - g.padTop;
      const ix = ox * g.strideWidth + kx * g.dilationWidth - g.padLeft;
      if (iy < 0 || iy >= g.inHeight || ix < 0 || ix >= g.inWidth) continue;
      for (let i = 0; i < groupIn; i++) {
        const weight = w[((channel * g.kernelHeight + ky) * g.kernelWidth + kx) * groupIn + i] ?? 0;
        const value = x[((image * g.inHeight + iy) * g.inWidth + ix) * g.inChannels + from + i] ?? 0;
        sum += (weight - c.wZero) * (value - xZero);
      }
    }
  }
  return sum;
}

/** One kernel: whether it takes a zero point of the weights, its memory, and the call. */
interface Variant {
  readonly isSymmetric: boolean;
  readonly scratchBytes: (g: ConvGeometry) => number;
  readonly panelsBytes: (g: ConvGeometry, kind: ConvOutput["kind"]) => number;
  readonly pack: (views: PanelViews, g: ConvGeometry, kind: ConvOutput["kind"], weights: ConvWeights) => void;
  readonly words: (g: ConvGeometry, output: ConvOutput) => Int32Array;
  readonly kernel: "qs8_conv_4x8" | "qs8_conv_4x8_small" | "qs8_conv_6x8c4";
}

const panels = (weightBytes: 1 | 2): Variant => ({
  isSymmetric: weightBytes === 1,
  scratchBytes: scratchBytesOf,
  panelsBytes: (g, kind) => panelsBytesOf(g, kind, weightBytes),
  pack: (views, g, kind, weights) => packPanels(views, g, kind, weightBytes, weights),
  words: (g, output) => convShapeWords(g, output, weightBytes),
  kernel: weightBytes === 2 ? "qs8_conv_4x8" : "qs8_conv_4x8_small",
});

const bytes = (flip: Flip): Variant => ({
  isSymmetric: true,
  scratchBytes: byteScratchBytes,
  panelsBytes: bytePanelsBytes,
  pack: packBytePanels,
  words: (g, output) => byteShapeWords(g, output, flip),
  kernel: "qs8_conv_6x8c4",
});

const same = (value: number): number => value;

/** The variants equal the naive convolution; `toExact` brings an int8 activation, or zero point, to where their products are exact. */
function check(bench: KernelBench, c: Case, variants: readonly Variant[], toExact = same, toWeight = same): void {
  bench.reset();
  const g = c.geometry;
  const next = random(c.seed);
  const x = randomInt8(next, c.images * g.inHeight * g.inWidth * g.inChannels).map(toExact);
  const w = randomInt8(next, (g.outChannels * g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups).map(toWeight);
  const scales = Float32Array.from({ length: g.outChannels }, () => c.scale * (0.5 + next()));
  const isFloat = c.kind === "float32";
  const perRow =
    isFloat && g.outWidth === 1 && g.inWidth === 1 && g.kernelHeight === 1 && g.inHeight === g.outHeight && g.strideHeight === 1;
  const zero = toExact(c.xZero);
  const rows = Float32Array.from({ length: c.images * g.outHeight * g.outWidth * 2 }, () => 0.5 + next());
  const rowZeros = new Int32Array(rows.buffer);
  for (let row = 0; row < rows.length / 2; row++) rowZeros[row * 2 + 1] = zero + (perRow ? row % 5 : 0);
  const bias = Float64Array.from({ length: g.outChannels }, () =>
    isFloat ? Math.fround(next() - 0.5) : Math.floor(next() * 20001) - 10000,
  );
  const [lo, hi] = isFloat ? [-2, 2.5] : [Math.min(...c.clamp), Math.max(...c.clamp)];
  const ldy = g.outChannels + c.gap;
  const output: ConvOutput = { kind: c.kind, ldy, xZero: zero, yZero: c.yZero, lo, hi, rowScaleStep: perRow ? 8 : 0 };
  const pixels = c.images * g.outHeight * g.outWidth;
  const expected = Float64Array.from({ length: pixels * ldy }, (_, at) => {
    const pixel = Math.floor(at / ldy),
      channel = at % ldy;
    if (channel >= g.outChannels) return 0;
    const inImage = pixel % (g.outHeight * g.outWidth);
    const scaleAt = perRow ? pixel * 2 : 0,
      xZero = isFloat ? rowZeros[scaleAt + 1]! : zero;
    const sum = sumAt(
      g,
      x,
      w,
      c,
      xZero,
      Math.floor(pixel / (g.outHeight * g.outWidth)),
      Math.floor(inImage / g.outWidth),
      inImage % g.outWidth,
      channel,
    );
    if (c.kind === "int32") return sum + bias[channel]!;
    if (c.kind === "int8") return requantize(sum + bias[channel]!, scales[channel]!, c.yZero, lo, hi);
    const product = Math.fround(Math.fround(Math.fround(sum) * rows[scaleAt]!) * scales[channel]!);
    return Math.min(Math.max(Math.fround(product + bias[channel]!), lo), hi);
  });

  const [px, rowScale] = [bench.put(x), isFloat ? bench.put(rows) : 0];
  for (const { isSymmetric, scratchBytes, panelsBytes, pack, words, kernel } of variants) {
    if (isSymmetric && c.wZero !== 0) continue;
    const pw = bench.alloc(panelsBytes(g, c.kind));
    const { buffer } = bench.memory;
    const views = {
      f32: new Float32Array(buffer, pw),
      i32: new Int32Array(buffer, pw),
      i16: new Int16Array(buffer, pw),
      i8: new Int8Array(buffer, pw),
    };
    pack(views, g, c.kind, { weight: w, zeros: [c.wZero], bias, scales });
    const [scratch, table] = [bench.alloc(scratchBytes(g)), bench.put(words(g, output))];
    const y = bench.put(c.kind === "int8" ? new Int8Array(pixels * ldy) : new Int32Array(pixels * ldy));
    const middle = Math.floor(c.split * pixels);
    bench.kernels[kernel](y, px, pw, rowScale, scratch, table, 0, middle);
    bench.kernels[kernel](y, px, pw, rowScale, scratch, table, middle, pixels);
    const found = c.kind === "int8" ? bench.i8(y, pixels * ldy) : isFloat ? bench.f32(y, pixels * ldy) : bench.i32(y, pixels * ldy);
    expect(Array.from(found)).toEqual(Array.from(expected, (value) => value + 0));
  }
  bench.checkGuards();
}

describe.each(TIERS)("int8 convolution, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);

  it("equals the naive int32 convolution bit for bit, however it is split", () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, c, [panels(1), panels(2)])),
      { numRuns: 300 },
    );
  });
});

describe("int8 convolution on dot products of bytes", () => {
  const bench = new KernelBench("relaxed", 8 << 20);

  it.skipIf(IS_DOT_BROKEN).each(SEVEN_BITS)(
    `equals the naive int32 convolution bit for bit on activations of $name (${IS_DOT_BROKEN ? DOT_NOTE : "exact in every engine"})`,
    ({ flip, toExact }) => {
      fc.assert(
        fc.property(caseOf, (c) => check(bench, { ...c, wZero: 0 }, [bytes(flip)], toExact)),
        { numRuns: 200 },
      );
    },
  );

  it.skipIf(DOT_KIND === DotKind.inexact)(`equals the naive int32 convolution bit for bit on all activations (${DOT_NOTE})`, () => {
    fc.assert(
      fc.property(caseOf, (c) => check(bench, { ...c, wZero: 0 }, [bytes(DOT_FLIP)], same, toExactWeight)),
      { numRuns: 300 },
    );
  });
});
