// The memory of the int8 Winograd kernel: transformed weights, scratch, and when it is exact.
// assembly/kernels/qs8-winograd.ts and assembly/lib/qs8-winograd.ts draw the same memory.
import { type ConvGeometry, type ConvOutput, type ConvWeights, convShapeWords, type PanelViews } from "./conv-shape.ts";

/** The transformed weights have to stay in int16: G's rows add up to at most 12, so its products to 12 · 12 · this. */
const LARGEST_WEIGHT = 227;

/** The convolution comes as its 64-fold modulo 2³². */
const LARGEST_SUM = 2 ** 25;

const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

/** Tiles of 4×4 output pixels of one image. */
export const tilesOf = (g: ConvGeometry): number => Math.ceil(g.outHeight / 4) * Math.ceil(g.outWidth / 4);

/** True for the convolutions that the kernel computes. */
export const isWinograd = (g: ConvGeometry): boolean =>
  [g.kernelHeight, g.kernelWidth].every((size) => size === 3) &&
  [g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth, g.groups].every((size) => size === 1);

/** Multiply-adds of the direct kernel that a tile's transforms and sums cost beside its products, for an input and an output channel. */
const INPUT_COST = 140;
const OUTPUT_COST = 780;
/** Of the direct kernel's multiply-adds, so many in the same time. */
const SPEED = 0.8;

/** Multiply-adds of the direct kernel in whose time this one is done. It wins from 16 channels on, on all but tiny images. */
export function winogradCost(g: ConvGeometry, images: number): number {
  const [c, n] = [roundUp(g.inChannels, 8), roundUp(g.outChannels, 8)];
  const tiles = tilesOf(g) * images;
  return (36 * roundUp(tiles, 4) * c * n + tiles * (INPUT_COST * c + OUTPUT_COST * n)) / SPEED;
}

/**
 * In how many parts the channels have to be summed, so that no sum that these weights can make leaves the range in
 * which the kernel is exact; undefined where four are not enough.
 */
export function partsOf(g: ConvGeometry, weights: Pick<ConvWeights, "weight" | "zeros">, xZero: number): number | undefined {
  return [1, 2, 4].find((parts) => (parts === 1 || g.inChannels % (8 * parts) === 0) && isExact(g, weights, xZero, parts));
}

function isExact(g: ConvGeometry, { weight, zeros }: Pick<ConvWeights, "weight" | "zeros">, xZero: number, parts: number): boolean {
  const [least, most] = [xZero + 128, 127 - xZero];
  const size = g.inChannels / parts;
  for (let channel = 0; channel < g.outChannels; channel++) {
    const zero = zeros[zeros.length === 1 ? 0 : channel] ?? 0;
    for (let first = 0; first < g.inChannels; first += size) {
      let [positive, negative] = [0, 0];
      for (let tap = 0; tap < 9; tap++) {
        const from = (channel * 9 + tap) * g.inChannels + first;
        for (let i = from; i < from + size; i++) {
          const value = weight[i]! - zero;
          if (value > LARGEST_WEIGHT || value < -LARGEST_WEIGHT) return false;
          if (value > 0) positive += value;
          else negative -= value;
        }
      }
      if (Math.max(most * positive + least * negative, least * positive + most * negative) >= LARGEST_SUM) return false;
    }
  }
  return true;
}

/** Bytes of heads and panels. */
export const winogradBytes = (g: ConvGeometry): number =>
  roundUp(g.outChannels, 8) * 8 + 36 * (roundUp(g.outChannels, 8) / 8) * roundUp(g.inChannels, 8) * 16;

/** Bytes that V and M of a band should stay under: they lie in the L2 cache with the weights of one element. */
const BAND_BYTES = 512 * 1024;

const tileBytes = (g: ConvGeometry, parts: number): number => 36 * (roundUp(g.inChannels, 8) * 2 + parts * roundUp(g.outChannels, 8) * 4);

function bandTiles(g: ConvGeometry, images: number, parts: number): number {
  const fitting = Math.floor(BAND_BYTES / tileBytes(g, parts) / 4) * 4;
  return Math.min(roundUp(tilesOf(g) * images, 4), Math.max(fitting, 8));
}

/** Scratch bytes. */
export function winogradScratchBytes(g: ConvGeometry, images: number, parts: number): number {
  const rows = 6 * (Math.ceil(g.outWidth / 4) * 4 + 2) * g.inChannels * 2;
  return (36 + 24 * parts) * 16 + rows + 32 + bandTiles(g, images, parts) * tileBytes(g, parts);
}

/** The words of a ConvShape for the Winograd kernel. */
export function winogradShapeWords(g: ConvGeometry, output: ConvOutput, images: number, parts: number): Int32Array {
  const pairs = roundUp(g.inChannels, 8) / 2 / parts;
  return convShapeWords(g, output, 2, { band: bandTiles(g, images, parts), panelBytes: 0, runs: parts, pairs });
}

/** Writes heads and panels: G w Gᵀ for every pair of channels. */
export function packWinograd(target: PanelViews, g: ConvGeometry, weights: ConvWeights): void {
  const { scales, bias } = weights;
  target.i8.fill(0, 0, winogradBytes(g));
  for (let filter = 0; filter < g.outChannels; filter++) {
    const head = (filter >> 3) * 16 + (filter & 7);
    target.i32[head] = bias?.[filter] ?? 0;
    target.f32[head + 8] = scales[scales.length === 1 ? 0 : filter] ?? 0;
  }
  const panelSize = roundUp(g.inChannels, 8) * 8,
    element = (roundUp(g.outChannels, 8) / 8) * panelSize;
  const stride = panelSize + SPREAD,
    first = roundUp(g.outChannels, 8) * 4;
  const panels = new Int16Array(36 * stride);
  for (let filter = 0; filter < g.outChannels; filter += 8) {
    packPanel(panels, stride, g, weights, filter);
    const to = first + (filter / 8) * panelSize;
    for (let i = 0; i < 36; i++) target.i16.set(panels.subarray(i * stride, i * stride + panelSize), to + i * element);
  }
}

/** Elements between panels beyond their own, so that 36 writes do not meet in one set of the cache. */
const SPREAD = 40;

/** The panels of up to eight filters from `first` on, one for each of the 36 elements, `stride` apart. */
function packPanel(panels: Int16Array, stride: number, g: ConvGeometry, { weight, zeros }: ConvWeights, first: number): void {
  const row = 3 * g.inChannels;
  panels.fill(0);
  for (let filter = first; filter < Math.min(first + 8, g.outChannels); filter++) {
    const zero = zeros[zeros.length === 1 ? 0 : filter] ?? 0;
    for (let channel = 0; channel < g.inChannels; channel++) {
      for (let x = 0; x < 3; x++) {
        const at = (filter * 9 + x) * g.inChannels + channel;
        timesG(weight[at]! - zero, weight[at + row]! - zero, weight[at + 2 * row]! - zero, HALF, x, 3);
      }
      const lane = (channel >> 1) * 16 + (filter - first) * 2 + (channel & 1);
      for (let i = 0; i < 6; i++) timesG(HALF[i * 3]!, HALF[i * 3 + 1]!, HALF[i * 3 + 2]!, panels, lane + i * 6 * stride, stride);
    }
  }
}

/** G w of one filter, 6×3. */
const HALF = new Int32Array(18);

/** G times (a, b, c), into six elements `step` apart. */
function timesG(a: number, b: number, c: number, y: Int16Array | Int32Array, at: number, step: number): void {
  y[at] = 3 * a;
  y[at + step] = -4 * (a + b + c);
  y[at + 2 * step] = 4 * (b - a - c);
  y[at + 3 * step] = a + 2 * b + 4 * c;
  y[at + 4 * step] = a - 2 * b + 4 * c;
  y[at + 5 * step] = 12 * c;
}
