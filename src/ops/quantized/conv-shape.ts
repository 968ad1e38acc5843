// What the int8 convolution kernel is told in memory: the words of its ConvShape, the panels of its
// weights, and the scratch that its bands take. assembly/lib/qs8-panel.ts draws the same memory.

import type { Convolution } from "../conv-geometry.ts";

/** What becomes of the kernel's int32 sums. */
export const OUTPUT = { int8: 0, int32: 1, float32: 2 } as const;

/** A convolution over one input; a matrix product is an image of one pixel a row. */
export type ConvGeometry = Omit<Convolution, "batch">;

/** How the sums leave the kernel. */
export interface ConvOutput {
  readonly kind: keyof typeof OUTPUT;
  /** Elements between two output pixels. */
  readonly ldy: number;
  readonly xZero: number;
  readonly yZero: number;
  /** The clamp: int8 steps, or float32 values where `kind` is float32. */
  readonly lo: number;
  readonly hi: number;
  /** Bytes between the scales of two output pixels, where `kind` is float32. */
  readonly rowScaleStep: number;
}

/** rows × k times k × cols, as the convolution that it is. */
export const matrixGeometry = (rows: number, k: number, cols: number): ConvGeometry => ({
  inHeight: rows,
  inWidth: 1,
  inChannels: k,
  outHeight: rows,
  outWidth: 1,
  outChannels: cols,
  groups: 1,
  kernelHeight: 1,
  kernelWidth: 1,
  strideHeight: 1,
  strideWidth: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 0,
  padLeft: 0,
});

/** Contiguous elements that a window is made of: kernelHeight × `count` runs of `length`, `step` elements apart. */
export interface Runs {
  readonly count: number;
  readonly length: number;
  readonly step: number;
}

/** A row of the kernel is one run where its pixels touch each other, else a run for each pixel. */
export function runsOf(geometry: ConvGeometry): Runs {
  const { inChannels, groups, kernelWidth, dilationWidth } = geometry;
  return groups === 1 && (dilationWidth === 1 || kernelWidth === 1)
    ? { count: 1, length: kernelWidth * inChannels, step: 0 }
    : { count: kernelWidth, length: inChannels / groups, step: dilationWidth * inChannels };
}

/** Pairs of elements of a run; of a matrix, whose rows are one run, whole quads. */
export const pairsOf = (g: ConvGeometry): number => {
  const { count, length } = runsOf(g);
  return g.kernelHeight * count === 1 ? Math.ceil(length / 4) * 2 : Math.ceil(length / 2);
};

/** Pixels that the windows of one output row cover. */
export const coveredWidth = (g: ConvGeometry): number => (g.outWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1;

/** True where every row of the input is a window, so that there is no band to widen. */
export const isMatrix = (g: ConvGeometry): boolean =>
  g.groups * g.inWidth * g.outWidth * g.kernelHeight * g.kernelWidth * g.strideHeight === 1 &&
  g.inHeight === g.outHeight &&
  g.padTop === 0 &&
  g.padLeft === 0;

/** Elements of a window, every run rounded up. */
function windowSize(g: ConvGeometry): number {
  return g.kernelHeight * runsOf(g).count * pairsOf(g) * 2;
}

/** Output pixels of a band, at most. Speeds are the same within 2 % from 64 pixels to 1,000, and lower beyond. */
const BAND_PIXELS = 160;
/** Bytes that a band's tiles should stay under: they share the L2 cache with the weights' panel. */
const TILES_BYTES = 256 * 1024;

/** Output pixels that are worked on at once: whole tiles. */
export function bandPixelsOf(g: ConvGeometry): number {
  const fitting = Math.floor(TILES_BYTES / (windowSize(g) * 2) / 4) * 4;
  return Math.min(Math.max(fitting, 16), BAND_PIXELS, Math.ceil((g.outHeight * g.outWidth) / 4) * 4);
}

/** What the product keeps in front of it: how to round, and the sums of a tile. */
const PRODUCT_BYTES = 144;

/** Scratch bytes: what the product needs, a word for each run, for each pixel of a band and four more, the tiles, the band as int16, and what a vector reads past it. */
export function scratchBytesOf(g: ConvGeometry): number {
  const pixels = bandPixelsOf(g);
  const words = g.kernelHeight * runsOf(g).count + pixels + 4;
  const bytes = PRODUCT_BYTES + words * 4 + 16 + pixels * windowSize(g) * 2 + 16;
  if (isMatrix(g)) return bytes;
  return bytes + bandElements(g, pixels) * 2;
}

/** Elements of the input under a band of so many output pixels, which may begin in the middle of a row. */
export function bandElements(g: ConvGeometry, pixels: number): number {
  const outRows = Math.min(Math.floor((pixels - 2) / g.outWidth) + 2, g.outHeight);
  const inRows = (outRows - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight + 1;
  return inRows * coveredWidth(g) * g.inChannels;
}

/** Channels as the direct kernels compute them: half a panel, where up to four are left, takes as long as five. */
const channelsOf = (count: number): number => count - (count % 8) + (count % 8 > 4 ? 8 : count % 8 > 0 ? 5 : 0);

/** Multiply-adds of the direct kernels, whole vectors and tiles. */
export function directCost(g: ConvGeometry, images: number): number {
  const roundUp = (count: number, multiple: number) => Math.ceil(count / multiple) * multiple;
  const pixels = roundUp(images * g.outHeight * g.outWidth, 4);
  return g.kernelHeight * g.kernelWidth * pixels * roundUp(g.inChannels / g.groups, 4) * channelsOf(g.outChannels);
}

/** Bytes of one panel: bias and scale of eight channels, their weights, and a float32 bias. */
export function panelBytesOf(g: ConvGeometry, kind: ConvOutput["kind"], weightBytes: 1 | 2): number {
  return 64 + windowSize(g) * 8 * weightBytes + (kind === "float32" ? 32 : 0);
}

/** How a kernel cuts its work and its weights. */
export interface ConvCut {
  readonly band: number;
  readonly panelBytes: number;
  /** Of the Winograd kernel: parts of the channels, and their size. */
  readonly runs?: number;
  readonly pairs?: number;
  /** Of kernels with dot products of bytes: what the bits of activations are changed by. */
  readonly flip?: number;
}

/** The words of a ConvShape; the cut is that of the dense kernel where none is given. */
export function convShapeWords(g: ConvGeometry, output: ConvOutput, weightBytes: 1 | 2, cut?: ConvCut): Int32Array {
  const { band, panelBytes, ...parts }: ConvCut = cut ?? {
    band: bandPixelsOf(g),
    panelBytes: panelBytesOf(g, output.kind, weightBytes),
  };
  const { count, step } = runsOf(g);
  const isFloat = output.kind === "float32";
  const words = Int32Array.of(
    g.inHeight,
    g.inWidth,
    g.inChannels,
    g.outHeight,
    g.outWidth,
    g.outChannels / g.groups,
    g.groups,
    g.kernelHeight,
    g.kernelWidth,
    g.strideHeight,
    g.strideWidth,
    g.dilationHeight,
    g.dilationWidth,
    g.padTop,
    g.padLeft,
    output.ldy,
    output.xZero,
    output.yZero,
    isFloat ? 0 : output.lo,
    isFloat ? 0 : output.hi,
    band,
    OUTPUT[output.kind],
    panelBytes,
    parts.runs ?? count,
    step,
    parts.pairs ?? pairsOf(g),
    output.rowScaleStep,
    parts.flip ?? 0,
    0,
    0,
  );
  new Float32Array(words.buffer).set([isFloat ? output.lo : 0, isFloat ? output.hi : 0], words.length - 2);
  return words;
}

/** Weights OHWI and what belongs to each output channel. */
export interface ConvWeights {
  readonly weight: ArrayLike<number>;
  /** Zero points: one, or one for each output channel. */
  readonly zeros: ArrayLike<number>;
  readonly bias: ArrayLike<number> | undefined;
  readonly scales: ArrayLike<number>;
}

/** Views over the memory that panels are written to. */
export interface PanelViews {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly i16: Int16Array;
  readonly i8: Int8Array;
}

/** Bytes of all panels. */
export function panelsBytesOf(g: ConvGeometry, kind: ConvOutput["kind"], weightBytes: 1 | 2): number {
  return g.groups * Math.ceil(g.outChannels / g.groups / 8) * panelBytesOf(g, kind, weightBytes);
}

/** Writes the panels of all groups; int8 weights must be symmetric. */
export function packPanels(target: PanelViews, g: ConvGeometry, kind: ConvOutput["kind"], weightBytes: 1 | 2, source: ConvWeights): void {
  const bytes = panelBytesOf(g, kind, weightBytes);
  const groupChannels = g.outChannels / g.groups;
  target.i8.fill(0, 0, panelsBytesOf(g, kind, weightBytes));
  let at = 0;
  for (let group = 0; group < g.groups; group++) {
    for (let first = 0; first < groupChannels; first += 8, at += bytes) {
      for (let lane = 0; lane < Math.min(8, groupChannels - first); lane++) {
        const channel = group * groupChannels + first + lane;
        const bias = source.bias?.[channel] ?? 0;
        if (kind === "float32") target.f32[(at + bytes - 32) / 4 + lane] = bias;
        else target.i32[at / 4 + lane] = bias;
        target.f32[at / 4 + 8 + lane] = source.scales.length === 1 ? (source.scales[0] ?? 0) : (source.scales[channel] ?? 0);
        packChannel(weightBytes === 2 ? target.i16 : target.i8, (at + 64) / weightBytes + 2 * lane, g, source, channel);
      }
    }
  }
}

/** One channel's weights into its lane: pairs of elements, 16 elements from one pair to the next. */
function packChannel(target: Int16Array | Int8Array, lane: number, g: ConvGeometry, source: ConvWeights, channel: number): void {
  const { count, length } = runsOf(g);
  const zero = source.zeros[source.zeros.length === 1 ? 0 : channel] ?? 0;
  const paired = pairsOf(g) * 2;
  let from = channel * g.kernelHeight * count * length;
  for (let run = 0; run < g.kernelHeight * count; run++, lane += paired * 8) {
    for (let i = 0; i < length; i++) target[lane + (i >> 1) * 16 + (i & 1)] = (source.weight[from++] ?? 0) - zero;
  }
}
