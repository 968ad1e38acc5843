// The memory of the depthwise int8 kernel: its panels of weights in pairs of rows, and its scratch.
// assembly/kernels/qs8-dwconv.ts draws the same memory.
import { type ConvGeometry, type ConvOutput, type ConvWeights, convShapeWords, type PanelViews } from "./conv-shape.ts";

/** Bytes of two rows of one column of eight channels. */
const COLUMN = 32;

const evenPairs = (g: ConvGeometry) => Math.ceil(g.kernelHeight / 2);
const oddPairs = (g: ConvGeometry) => Math.ceil((g.kernelHeight + 1) / 2);

const panelBytes = (g: ConvGeometry) => 80 + (evenPairs(g) + oddPairs(g)) * g.kernelWidth * COLUMN;

/** Bytes of all panels. */
export const depthwisePanelsBytes = (g: ConvGeometry) => Math.ceil(g.outChannels / 8) * panelBytes(g);

const coveredWidth = (g: ConvGeometry) => (g.outWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1;

/** The kernel's LANES: channels of a band at most. */
const LANES = 32;

/** Bytes that a block of eight channels should stay under; with 16 KB layers of stride 2 are 3 % slower. */
const BAND_BYTES = 32 * 1024;

function bandRows(g: ConvGeometry): number {
  const rows = Math.floor(((BAND_BYTES / (coveredWidth(g) * COLUMN)) * 2 - g.kernelHeight) / g.strideHeight) + 1;
  return g.dilationHeight > 1 ? 1 : Math.min(g.outHeight, Math.max(rows, 2));
}

/** The kernel's BATCH: pixels whose sums are rounded at once. */
const BATCH = 128;

/** Scratch bytes: a vector of zero points, the sums of some rows, the band of up to LANES channels in pairs of rows, and what a last tile reads past it. */
export function depthwiseScratchBytes(g: ConvGeometry): number {
  const pairs = Math.ceil(((bandRows(g) - 1) * g.strideHeight + g.kernelHeight) / 2) + 1;
  const blocks = Math.ceil(Math.min(g.outChannels, LANES) / 8);
  return (
    16 +
    (Math.max(g.outWidth, BATCH) + 3) * COLUMN +
    blocks * pairs * coveredWidth(g) * COLUMN +
    (4 * g.strideWidth + g.kernelWidth * g.dilationWidth) * COLUMN
  );
}

/** The words of a ConvShape for the depthwise kernel. */
export function depthwiseShapeWords(g: ConvGeometry, output: Omit<ConvOutput, "kind" | "rowScaleStep">): Int32Array {
  return convShapeWords(g, { ...output, kind: "int8", rowScaleStep: 0 }, 2, { band: bandRows(g), panelBytes: panelBytes(g) });
}

/** Products up to here are rounded by the kernel's fast path. */
const NEAR = 2 ** 23;

/**
 * Writes the panels: weights OHWI with one input channel, as row pairs from the first row on, and from the row before it.
 * The bias takes off the input's zero point.
 */
export function packDepthwise(target: PanelViews, g: ConvGeometry, source: ConvWeights, xZero: number): void {
  const bytes = panelBytes(g);
  target.i8.fill(0, 0, depthwisePanelsBytes(g));
  for (let end = bytes; end <= depthwisePanelsBytes(g); end += bytes) target.i32[end / 4 - 4] = 1;
  const odd = evenPairs(g) * g.kernelWidth * 16;
  for (let channel = 0; channel < g.outChannels; channel++) {
    const panel = (channel >> 3) * bytes,
      lane = channel & 7;
    let bias = source.bias?.[channel] ?? 0,
      sizes = 0;
    const scale = (source.scales.length === 1 ? source.scales[0] : source.scales[channel]) ?? 0;
    target.f32[panel / 4 + 8 + lane] = scale;
    const zero = (source.zeros.length === 1 ? source.zeros[0] : source.zeros[channel]) ?? 0;
    const first = (panel + 64) / 2 + 2 * lane;
    for (let row = 0; row < g.kernelHeight; row++) {
      for (let column = 0; column < g.kernelWidth; column++) {
        const weight = (source.weight[(channel * g.kernelHeight + row) * g.kernelWidth + column] ?? 0) - zero;
        bias -= weight * xZero;
        sizes += Math.abs(weight);
        target.i16[first + ((row >> 1) * g.kernelWidth + column) * 16 + (row & 1)] = weight;
        target.i16[first + odd + (((row + 1) >> 1) * g.kernelWidth + column) * 16 + ((row + 1) & 1)] = weight;
      }
    }
    target.i32[panel / 4 + lane] = bias;
    if (!((Math.abs(bias) + 128 * sizes) * Math.abs(scale) < NEAR)) target.i32[(panel + bytes) / 4 - 4] = 0;
  }
}
