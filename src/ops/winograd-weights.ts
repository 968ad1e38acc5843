// The weights of Winograd's 3 × 3 convolution: G w Gᵀ for every filter and channel, as panels for the products of
// assembly/kernels/f32-winograd.ts.
import { PANEL, panelFloats } from "./pack-f32.ts";

/** Input pixels a side of a tile of 4 × 4 output pixels. */
const SIDE = 6;

/** G w for three weights, from `at` on by `step`; the result goes to `to` from `begin` on by `stride`. */
function transform(w: ArrayLike<number>, at: number, step: number, to: Float64Array | Float32Array, begin: number, stride: number): void {
  const [a, b, c] = [w[at]!, w[at + step]!, w[at + 2 * step]!];
  to[begin] = a / 4;
  to[begin + stride] = -(a + b + c) / 6;
  to[begin + 2 * stride] = (b - a - c) / 6;
  to[begin + 3 * stride] = (a + 2 * b + 4 * c) / 24;
  to[begin + 4 * stride] = (a - 2 * b + 4 * c) / 24;
  to[begin + 5 * stride] = c;
}

/** Floats of the transformed weights of `filters` filters on `channels` channels. */
export const winogradFloats = (filters: number, channels: number): number => SIDE ** 2 * panelFloats(filters, channels);

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
): void {
  const matrix = panelFloats(filters, channels);
  const half = new Float64Array(SIDE * 3);
  to.fill(0, 0, SIDE * SIDE * matrix);
  for (let filter = 0; bias && filter < filters; filter++)
    to[(SIDE + 1) * matrix + Math.floor(filter / PANEL) * PANEL * (channels + 1) + (filter % PANEL)] = bias[filter]!;
  // Eight filters at a time, whose elements are neighbours in every matrix.
  for (let first = 0; first < filters; first += PANEL) {
    const last = Math.min(first + PANEL, filters);
    for (let channel = 0; channel < channels; channel++) {
      const row = first * (channels + 1) + PANEL * (channel + 1);
      for (let filter = first; filter < last; filter++) {
        const at = filter * 9 * channels + channel;
        for (let x = 0; x < 3; x++) transform(weights, at + x * channels, 3 * channels, half, x, 3);
        for (let i = 0; i < SIDE; i++) transform(half, i * 3, 1, to, i * SIDE * matrix + row + (filter - first), matrix);
      }
    }
  }
}

/** Bytes of scratch for a band of `tiles` tiles (drawn in assembly/kernels/f32-winograd.ts). */
export function winogradScratchBytes(tiles: number, channels: number, filters: number): number {
  const roundUp = (n: number) => Math.ceil(n / 4) * 4;
  const matrices = roundUp(tiles * channels) + 16 + tiles * roundUp(filters) + 16;
  return (36 * 4 + SIDE ** 2 * (matrices + channels)) * 4;
}
