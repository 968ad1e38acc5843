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

/** True where the kernel is expected to be faster than the direct one by a fifth: it wins from 16 channels on, on all but tiny images. */
export function isFaster(g: ConvGeometry, images: number): boolean {
  const [c, n] = [roundUp(g.inChannels, 8), roundUp(g.outChannels, 8)];
  const tiles = tilesOf(g) * images, pixels = g.outHeight * g.outWidth * images;
  const cost = 36 * roundUp(tiles, 4) * c * n + tiles * (INPUT_COST * c + OUTPUT_COST * n);
  return cost < 0.8 * 9 * roundUp(pixels, 4) * roundUp(g.inChannels, 4) * n;
}

/** True when no sum that these weights can make leaves the range in which the kernel is exact. */
export function isExact(g: ConvGeometry, { weight, zeros }: Pick<ConvWeights, "weight" | "zeros">, xZero: number): boolean {
  const taps = 9 * g.inChannels;
  const largest = Math.max(127 - xZero, xZero + 128);
  for (let channel = 0; channel < g.outChannels; channel++) {
    const zero = zeros[zeros.length === 1 ? 0 : channel] ?? 0;
    let sum = 0;
    for (let i = channel * taps; i < (channel + 1) * taps; i++) {
      const size = Math.abs(weight[i]! - zero);
      if (size > LARGEST_WEIGHT) return false;
      sum += size;
    }
    if (sum * largest >= LARGEST_SUM) return false;
  }
  return true;
}

/** Bytes of heads and panels. */
export const winogradBytes = (g: ConvGeometry): number =>
  roundUp(g.outChannels, 8) * 8 + 36 * (roundUp(g.outChannels, 8) / 8) * roundUp(g.inChannels, 8) * 16;

/** Bytes that V and M of a band should stay under: they lie in the L2 cache with the weights of one element. */
const BAND_BYTES = 512 * 1024;

const tileBytes = (g: ConvGeometry): number => 36 * (roundUp(g.inChannels, 8) * 2 + roundUp(g.outChannels, 8) * 4);

function bandTiles(g: ConvGeometry, images: number): number {
  const fitting = Math.floor(BAND_BYTES / tileBytes(g) / 4) * 4;
  return Math.min(roundUp(tilesOf(g) * images, 4), Math.max(fitting, 8));
}

/** Scratch bytes. */
export function winogradScratchBytes(g: ConvGeometry, images: number): number {
  const rows = 6 * (Math.ceil(g.outWidth / 4) * 4 + 2) * g.inChannels * 2;
  return 36 * 16 + rows + 32 + bandTiles(g, images) * tileBytes(g);
}

/** The words of a ConvShape for the Winograd kernel. */
export const winogradShapeWords = (g: ConvGeometry, output: ConvOutput, images: number): Int32Array =>
  convShapeWords(g, output, 2, { bandRows: bandTiles(g, images), panelBytes: 0 });

/** Writes heads and panels: G w Gᵀ for every pair of channels. */
export function packWinograd(target: PanelViews, g: ConvGeometry, { weight, zeros, bias, scales }: ConvWeights): void {
  const [n, c] = [roundUp(g.outChannels, 8), roundUp(g.inChannels, 8)];
  target.i8.fill(0, 0, winogradBytes(g));
  const element = (n / 8) * c * 8;
  const half = new Int32Array(18);
  for (let filter = 0; filter < g.outChannels; filter++) {
    const head = (filter >> 3) * 16 + (filter & 7);
    target.i32[head] = bias?.[filter] ?? 0;
    target.f32[head + 8] = scales[scales.length === 1 ? 0 : filter] ?? 0;
    const zero = zeros[zeros.length === 1 ? 0 : filter] ?? 0;
    const lane = n * 4 + (filter >> 3) * c * 8 + (filter & 7) * 2;
    for (let channel = 0; channel < g.inChannels; channel++) {
      const from = filter * 9 * g.inChannels + channel;
      const row = 3 * g.inChannels;
      for (let x = 0; x < 3; x++) {
        const at = from + x * g.inChannels;
        timesG(weight[at]! - zero, weight[at + row]! - zero, weight[at + 2 * row]! - zero, half, x, 3);
      }
      const to = lane + (channel >> 1) * 16 + (channel & 1);
      for (let i = 0; i < 6; i++) timesG(half[i * 3]!, half[i * 3 + 1]!, half[i * 3 + 2]!, target.i16, to + i * 6 * element, element);
    }
  }
}

/** G times (a, b, c), into six elements `step` apart. */
function timesG(a: number, b: number, c: number, y: Int16Array | Int32Array, at: number, step: number): void {
  y[at] = 3 * a;
  y[at + step] = -4 * (a + b + c);
  y[at + 2 * step] = 4 * (b - a - c);
  y[at + 3 * step] = a + 2 * b + 4 * c;
  y[at + 4 * step] = a - 2 * b + 4 * c;
  y[at + 5 * step] = 12 * c;
}
