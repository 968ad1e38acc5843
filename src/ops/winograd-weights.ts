// The weights of Winograd's 3 × 3 convolution: G w Gᵀ for every filter and channel, as panels for the products of
// assembly/kernels/f32-winograd.ts.
import type { Convolution } from "./conv-geometry.ts";
import { PANEL, panelFloats } from "./pack-f32.ts";

/** One way to cut a convolution into tiles. */
export interface WinogradForm {
  readonly stride: 1 | 2;
  /** Output pixels a side of a tile. */
  readonly pixels: 2 | 4;
  /** Input pixels a side of a tile, and elements. */
  readonly side: number;
  /** Matrices of weights a side; with stride 2 the last one of an axis is that of four elements. */
  readonly weights: number;
  readonly transform: Transform;
}

/** Tiles of a convolution's output. */
export const winogradTiles = (c: Convolution, { pixels }: WinogradForm): number =>
  c.batch * Math.ceil(c.outHeight / pixels) * Math.ceil(c.outWidth / pixels);

/** G w for three weights, from `at` on by `step`; the result goes to `to` from `begin` on by `stride`. */
type Transform = (w: ArrayLike<number>, at: number, step: number, to: Float64Array | Float32Array, begin: number, stride: number) => void;

/** F(4 × 4, 3 × 3). */
export const LARGE: WinogradForm = {
  stride: 1,
  pixels: 4,
  side: 6,
  weights: 6,
  transform(w, at, step, to, begin, stride) {
    const [a, b, c] = [w[at]!, w[at + step]!, w[at + 2 * step]!];
    to[begin] = a / 4;
    to[begin + stride] = -(a + b + c) / 6;
    to[begin + 2 * stride] = (b - a - c) / 6;
    to[begin + 3 * stride] = (a + 2 * b + 4 * c) / 24;
    to[begin + 4 * stride] = (a - 2 * b + 4 * c) / 24;
    to[begin + 5 * stride] = c;
  },
};

/** F(2 × 2, 3 × 3). */
export const SMALL: WinogradForm = {
  stride: 1,
  pixels: 2,
  side: 4,
  weights: 4,
  transform(w, at, step, to, begin, stride) {
    const [a, b, c] = [w[at]!, w[at + step]!, w[at + 2 * step]!];
    to[begin] = a;
    to[begin + stride] = (a + b + c) / 2;
    to[begin + 2 * stride] = (a - b + c) / 2;
    to[begin + 3 * stride] = c;
  },
};

/** Stride 2: the outer taps are those of even pixels, by F(4, 2), the middle one that of all odd ones. */
export const STRIDED: WinogradForm = {
  stride: 2,
  pixels: 4,
  side: 9,
  weights: 6,
  transform(w, at, step, to, begin, stride) {
    const [a, b, c] = [w[at]!, w[at + step]!, w[at + 2 * step]!];
    to[begin] = a / 2;
    to[begin + stride] = -(a + c) / 2;
    to[begin + 2 * stride] = (c - a) / 6;
    to[begin + 3 * stride] = (a + 2 * c) / 6;
    to[begin + 4 * stride] = c;
    to[begin + 5 * stride] = b;
  },
};

/** Floats of the transformed weights of `filters` filters on `channels` channels. */
export const winogradFloats = ({ weights }: WinogradForm, filters: number, channels: number): number =>
  weights ** 2 * panelFloats(filters, channels);

/**
 * Transforms and packs weights OHWI[filters, 3, 3, channels]. The bias goes to element (1, 1), which the output
 * transform adds to every pixel of a tile, once.
 */
export function packWinograd(
  to: Float32Array,
  weights: Float32Array,
  bias: ArrayLike<number> | undefined,
  filters: number,
  channels: number,
  { weights: side, transform }: WinogradForm,
): void {
  const matrix = panelFloats(filters, channels);
  const half = new Float64Array(side * 3);
  to.fill(0, 0, side * side * matrix);
  for (let filter = 0; bias && filter < filters; filter++)
    to[(side + 1) * matrix + Math.floor(filter / PANEL) * PANEL * (channels + 1) + (filter % PANEL)] = bias[filter]!;
  // Eight filters at a time, whose elements are neighbours in every matrix.
  for (let first = 0; first < filters; first += PANEL) {
    const last = Math.min(first + PANEL, filters);
    for (let channel = 0; channel < channels; channel++) {
      const row = first * (channels + 1) + PANEL * (channel + 1);
      for (let filter = first; filter < last; filter++) {
        const at = filter * 9 * channels + channel;
        for (let x = 0; x < 3; x++) transform(weights, at + x * channels, 3 * channels, half, x, 3);
        for (let i = 0; i < side; i++) transform(half, i * 3, 1, to, i * side * matrix + row + (filter - first), matrix);
      }
    }
  }
}

/** Bytes of scratch for a band of `tiles` tiles (drawn in assembly/kernels/f32-winograd.ts). */
export function winogradScratchBytes({ side }: WinogradForm, tiles: number, channels: number, filters: number): number {
  const roundUp = (n: number) => Math.ceil(n / 4) * 4;
  const matrices = roundUp(tiles * channels) + 16 + tiles * roundUp(filters) + 16;
  return (81 * 4 + side ** 2 * (matrices + channels)) * 4;
}
