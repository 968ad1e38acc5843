// The memory of the depthwise int8 kernel: its panels of weights in pairs of rows, and its scratch.
// assembly/kernels/qs8-dwconv.ts draws the same memory.
import type { Flip } from "./bytes-shape.ts";
import { type ConvGeometry, type ConvOutput, type ConvWeights, convShapeWords, coveredWidth, type PanelViews } from "./conv-shape.ts";

/** Bytes of a group of rows of one column of eight channels. */
const COLUMN = 32;

/** Rows whose taps one dot product takes: two as int16, or four as bytes. */
export type GroupRows = 2 | 4;

const evenGroups = (g: ConvGeometry, rows: GroupRows) => Math.ceil(g.kernelHeight / rows);
const oddGroups = (g: ConvGeometry, rows: GroupRows) => Math.ceil((g.kernelHeight + 1) / rows);

const panelBytes = (g: ConvGeometry, rows: GroupRows) => 80 + (evenGroups(g, rows) + oddGroups(g, rows)) * g.kernelWidth * COLUMN;

/** Bytes of all panels. */
export const depthwisePanelsBytes = (g: ConvGeometry, rows: GroupRows) => Math.ceil(g.outChannels / 8) * panelBytes(g, rows);

/**
 * Channels of a band at most. Input lines are read from the second-level cache for every band, and most of a line belongs to other
 * channels; but the band itself should stay in the first-level cache.
 */
const lanesOf = (g: ConvGeometry, rows: GroupRows): number => (rows === 4 && coveredWidth(g) * 8 * COLUMN <= QUADS_BYTES ? 64 : 32);

/** Bytes that a block of eight channels should stay under; with 16 KB layers of stride 2 are 3 % slower. */
const BAND_BYTES = 32 * 1024;

/** Bytes that all blocks of a band of quads should stay under, as they are few rows: the first-level cache keeps them. */
const QUADS_BYTES = 24 * 1024;

/** Quads of rows that a band of so many output rows has. */
const quadsOf = (g: ConvGeometry, rows: number): number =>
  Math.floor(((rows - 1) * g.strideHeight) / 2) + 1 + 2 * Math.floor(g.kernelHeight / 4);

function bandRows(g: ConvGeometry, rowsOfGroup: GroupRows): number {
  if (rowsOfGroup === 4) {
    const quads = Math.floor(QUADS_BYTES / (coveredWidth(g) * COLUMN * Math.ceil(Math.min(g.outChannels, lanesOf(g, 4)) / 8)));
    const fitting = Math.floor((2 * (quads - quadsOf(g, 1)) + 1) / g.strideHeight) + 1;
    return g.dilationHeight > 1 ? 1 : Math.min(g.outHeight, Math.max(fitting, g.strideHeight === 1 ? 2 : 1));
  }
  const rows = Math.floor(((BAND_BYTES / (coveredWidth(g) * COLUMN)) * 2 - g.kernelHeight) / g.strideHeight) + 1;
  return g.dilationHeight > 1 ? 1 : Math.min(g.outHeight, Math.max(rows, 2));
}

/** The kernel's BATCH: pixels whose sums are rounded at once. */
const BATCH = 128;

/** Scratch bytes: a vector of zero points, the sums of some rows, the band of up to `lanesOf` channels in pairs of rows, and what a last tile reads past it. */
export function depthwiseScratchBytes(g: ConvGeometry, rowsOfGroup: GroupRows): number {
  const rows = bandRows(g, rowsOfGroup);
  const groups = rowsOfGroup === 4 ? quadsOf(g, rows) : Math.ceil(((rows - 1) * g.strideHeight + g.kernelHeight) / 2) + 1;
  const blocks = Math.ceil(Math.min(g.outChannels, lanesOf(g, rowsOfGroup)) / 8);
  return (
    16 +
    (Math.max(g.outWidth, BATCH) + 3) * COLUMN +
    blocks * groups * coveredWidth(g) * COLUMN +
    (4 * g.strideWidth + g.kernelWidth * g.dilationWidth) * COLUMN
  );
}

/** The words of a ConvShape for the depthwise kernel. */
export function depthwiseShapeWords(
  g: ConvGeometry,
  output: Omit<ConvOutput, "kind" | "rowScaleStep">,
  rows: GroupRows,
  flip: Flip = 0,
): Int32Array {
  const cut = { band: bandRows(g, rows), panelBytes: panelBytes(g, rows), pairs: lanesOf(g, rows), flip };
  return convShapeWords(g, { ...output, kind: "int8", rowScaleStep: 0 }, 2, cut);
}

/** Products up to here are rounded by the kernel's fast path. */
const NEAR = 2 ** 23;

/**
 * Writes the panels: weights OHWI with one input channel, as groups of rows from the first row on, and from the row before it.
 * The bias takes off the zero point of what the kernel reads. Weights of groups of four must be symmetric.
 */
export function packDepthwise(
  target: PanelViews,
  g: ConvGeometry,
  source: ConvWeights,
  xZero: number,
  rows: GroupRows,
  flip: Flip = 0,
): void {
  const [bytes, elements] = [panelBytes(g, rows), rows === 2 ? target.i16 : target.i8];
  target.i8.fill(0, 0, depthwisePanelsBytes(g, rows));
  for (let end = bytes; end <= depthwisePanelsBytes(g, rows); end += bytes) target.i32[end / 4 - 4] = 1;
  const odd = evenGroups(g, rows) * g.kernelWidth * 8 * rows;
  for (let channel = 0; channel < g.outChannels; channel++) {
    const panel = (channel >> 3) * bytes,
      lane = channel & 7;
    let bias = source.bias?.[channel] ?? 0,
      sum = 0,
      sizes = 0;
    const scale = (source.scales.length === 1 ? source.scales[0] : source.scales[channel]) ?? 0;
    target.f32[panel / 4 + 8 + lane] = scale;
    const zero = (source.zeros.length === 1 ? source.zeros[0] : source.zeros[channel]) ?? 0;
    const first = ((panel + 64) * rows) / 4 + rows * lane;
    for (let row = 0; row < g.kernelHeight; row++) {
      for (let column = 0; column < g.kernelWidth; column++) {
        const weight = (source.weight[(channel * g.kernelHeight + row) * g.kernelWidth + column] ?? 0) - zero;
        const place = (at: number) => first + (Math.floor(at / rows) * g.kernelWidth + column) * 8 * rows + (at % rows);
        sum += weight;
        sizes += Math.abs(weight);
        elements[place(row)] = weight;
        elements[odd + place(row + 1)] = weight;
      }
    }
    bias -= sum * xZero;
    target.i32[panel / 4 + lane] = bias - sum * flip;
    if (!((Math.abs(bias) + 128 * sizes) * Math.abs(scale) < NEAR)) target.i32[(panel + bytes) / 4 - 4] = 0;
  }
}
