// The memory of the int8 convolution on dot products of bytes: its panels, its bands, and its scratch.
// assembly/kernels/qs8-conv-bytes.ts draws the same memory.
import {
  bandElements,
  type ConvGeometry,
  type ConvOutput,
  type ConvWeights,
  convShapeWords,
  isMatrix,
  type PanelViews,
  runsOf,
} from "./conv-shape.ts";

/** What the bits of int8 activations are changed by: 128 where the engine reads them as unsigned. */
export type Flip = 0 | 128;

/** Output pixels of a tile. */
const TILE_PIXELS = 6;

/** Bytes of a panel before its weights. */
const HEAD = 96;

/** Output pixels of a band at most, and the bytes that their windows should stay under. */
const [BAND_PIXELS, WINDOWS_BYTES] = [192, 96 * 1024];

const windowElements = (g: ConvGeometry): number => (g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups;

/** Bytes of a window: whole quads. */
const windowBytes = (g: ConvGeometry): number => Math.ceil(windowElements(g) / 4) * 4;

const wholeTiles = (pixels: number): number => Math.ceil(pixels / TILE_PIXELS) * TILE_PIXELS;

function bandPixelsOf(g: ConvGeometry): number {
  const fitting = Math.floor(WINDOWS_BYTES / windowBytes(g) / TILE_PIXELS) * TILE_PIXELS;
  return Math.min(Math.max(fitting, 4 * TILE_PIXELS), BAND_PIXELS, wholeTiles(g.outHeight * g.outWidth));
}

const panelBytesOf = (g: ConvGeometry, kind: ConvOutput["kind"]): number => HEAD + windowBytes(g) * 8 + (kind === "float32" ? 32 : 0);

/** Bytes of all panels. */
export const bytePanelsBytes = (g: ConvGeometry, kind: ConvOutput["kind"]): number =>
  g.groups * Math.ceil(g.outChannels / g.groups / 8) * panelBytesOf(g, kind);

/** Scratch bytes: the start of sums, the sums, words for runs and pixels, windows, the band, and what vectors reach past. */
export function byteScratchBytes(g: ConvGeometry): number {
  const pixels = bandPixelsOf(g);
  const words = g.kernelHeight * runsOf(g).count + pixels + 4;
  const bytes = 32 + pixels * 32 + words * 4 + 16 + pixels * windowBytes(g) + 32;
  if (isMatrix(g)) return bytes;
  return bytes + bandElements(g, pixels);
}

/** The words of a ConvShape for the kernel. */
export const byteShapeWords = (g: ConvGeometry, output: ConvOutput, flip: Flip): Int32Array =>
  convShapeWords(g, output, 1, { band: bandPixelsOf(g), panelBytes: panelBytesOf(g, output.kind), flip });

/** Writes the panels of all groups; weights must be symmetric. */
export function packBytePanels(target: PanelViews, g: ConvGeometry, kind: ConvOutput["kind"], { weight, bias, scales }: ConvWeights): void {
  const [bytes, elements, groupChannels] = [panelBytesOf(g, kind), windowElements(g), g.outChannels / g.groups];
  target.i8.fill(0, 0, bytePanelsBytes(g, kind));
  for (let channel = 0; channel < g.outChannels; channel++) {
    const [group, inGroup] = [Math.floor(channel / groupChannels), channel % groupChannels];
    const at = (group * Math.ceil(groupChannels / 8) + (inGroup >> 3)) * bytes;
    const [lane, word] = [inGroup & 7, at / 4 + (inGroup & 7)];
    if (kind === "float32") target.f32[(at + bytes - 32) / 4 + lane] = bias?.[channel] ?? 0;
    else target.i32[word] = bias?.[channel] ?? 0;
    target.f32[word + 8] = (scales.length === 1 ? scales[0] : scales[channel]) ?? 0;
    let sum = 0;
    for (let i = 0, from = channel * elements, to = at + HEAD + lane * 4; i < elements; i++) {
      const value = weight[from + i]!;
      target.i8[to + (i >> 2) * 32 + (i & 3)] = value;
      sum += value;
    }
    target.i32[word + 16] = sum;
  }
}

/**
 * Multiply-adds of the direct kernel in whose time this one is done: those of whole tiles, or of one window, in 0.37 of it, and what
 * windows take to be copied and rounded.
 */
export function byteCost(g: ConvGeometry, images: number): number {
  const inImage = g.outHeight * g.outWidth;
  const pixels = images * (inImage === 1 ? 1 : wholeTiles(inImage));
  return (
    pixels * (0.37 * windowBytes(g) + 2) * Math.ceil(g.outChannels / g.groups / 8) * 8 * g.groups + pixels * 3 * windowBytes(g) * g.groups
  );
}
