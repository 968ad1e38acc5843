// The weights of Winograd's 3 × 3 convolution: G w Gᵀ for every filter and channel, as panels for the products of
// assembly/kernels/f32-winograd.ts.
import type { Convolution } from "./conv-geometry.ts";
import { PANEL, panelFloats } from "./pack-f32.ts";

/** Stride of a convolution that Winograd's algorithm computes. */
export type WinogradStride = 1 | 2;

/** Input pixels a side of a tile of 4 × 4 output pixels. */
export const winogradSide = (stride: WinogradStride): number => (stride === 1 ? 6 : 9);

/** Matrices of weights a side; with stride 2 the last one of an axis is that of four elements. */
const WEIGHTS = 6;

/** Tiles of a convolution's output. */
export const winogradTiles = (c: Convolution): number => c.batch * Math.ceil(c.outHeight / 4) * Math.ceil(c.outWidth / 4);

/** G w for three weights, from `at` on by `step`; the result goes to `to` from `begin` on by `stride`. */
type Transform = (w: ArrayLike<number>, at: number, step: number, to: Float64Array | Float32Array, begin: number, stride: number) => void;

const TRANSFORMS: { readonly [S in WinogradStride]: Transform } = {
  1: (w, at, step, to, begin, stride) => {
    const [a, b, c] = [w[at]!, w[at + step]!, w[at + 2 * step]!];
    to[begin] = a / 4;
    to[begin + stride] = -(a + b + c) / 6;
    to[begin + 2 * stride] = (b - a - c) / 6;
    to[begin + 3 * stride] = (a + 2 * b + 4 * c) / 24;
    to[begin + 4 * stride] = (a - 2 * b + 4 * c) / 24;
    to[begin + 5 * stride] = c;
  },
  // The outer taps are those of even pixels, the middle one that of all odd ones.
  2: (w, at, step, to, begin, stride) => {
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
export const winogradFloats = (filters: number, channels: number): number => WEIGHTS ** 2 * panelFloats(filters, channels);

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
  stride: WinogradStride,
): void {
  const transform = TRANSFORMS[stride];
  const matrix = panelFloats(filters, channels);
  const half = new Float64Array(WEIGHTS * 3);
  to.fill(0, 0, WEIGHTS * WEIGHTS * matrix);
  for (let filter = 0; bias && filter < filters; filter++)
    to[(WEIGHTS + 1) * matrix + Math.floor(filter / PANEL) * PANEL * (channels + 1) + (filter % PANEL)] = bias[filter]!;
  // Eight filters at a time, whose elements are neighbours in every matrix.
  for (let first = 0; first < filters; first += PANEL) {
    const last = Math.min(first + PANEL, filters);
    for (let channel = 0; channel < channels; channel++) {
      const row = first * (channels + 1) + PANEL * (channel + 1);
      for (let filter = first; filter < last; filter++) {
        const at = filter * 9 * channels + channel;
        for (let x = 0; x < 3; x++) transform(weights, at + x * channels, 3 * channels, half, x, 3);
        for (let i = 0; i < WEIGHTS; i++) transform(half, i * 3, 1, to, i * WEIGHTS * matrix + row + (filter - first), matrix);
      }
    }
  }
}

/** Bytes of scratch for a band of `tiles` tiles (drawn in assembly/kernels/f32-winograd.ts). */
export function winogradScratchBytes(stride: WinogradStride, tiles: number, channels: number, filters: number): number {
  const roundUp = (n: number) => Math.ceil(n / 4) * 4;
  const matrices = roundUp(tiles * channels) + 16 + tiles * roundUp(filters) + 16;
  return (81 * 4 + winogradSide(stride) ** 2 * (matrices + channels)) * 4;
}
