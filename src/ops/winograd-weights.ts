// The weights of Winograd's 3 × 3 convolution: G w Gᵀ for every filter and channel, as panels for the products of
// assembly/kernels/f32-winograd.ts.
import { PANEL, panelFloats } from "./pack-f32.ts";

/** Output pixels a side of a tile. */
export type TileSize = 2 | 4;

const G: { readonly [N in TileSize]: readonly (readonly [number, number, number])[] } = {
  2: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  4: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
};

/** Floats of the transformed weights of `filters` filters on `channels` channels. */
export const winogradFloats = (tile: TileSize, filters: number, channels: number): number => (tile + 2) ** 2 * panelFloats(filters, channels);

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
  tile: TileSize,
): void {
  const g = G[tile];
  const side = tile + 2;
  const matrix = panelFloats(filters, channels);
  const half = new Float64Array(side * 3);
  to.fill(0, 0, side * side * matrix);
  for (let filter = 0; filter < filters; filter++) {
    const column = Math.floor(filter / PANEL) * PANEL * (channels + 1) + (filter % PANEL);
    if (bias) to[(side + 1) * matrix + column] = bias[filter]!;
    for (let channel = 0; channel < channels; channel++) {
      const at = filter * 9 * channels + channel;
      for (let i = 0; i < side; i++)
        for (let x = 0; x < 3; x++) {
          const [g0, g1, g2] = g[i]!;
          half[i * 3 + x] = g0 * weights[at + x * channels]! + g1 * weights[at + (3 + x) * channels]! + g2 * weights[at + (6 + x) * channels]!;
        }
      const element = column + PANEL * (channel + 1);
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) {
          const [g0, g1, g2] = g[j]!;
          to[(i * side + j) * matrix + element] = g0 * half[i * 3]! + g1 * half[i * 3 + 1]! + g2 * half[i * 3 + 2]!;
        }
    }
  }
}

/** Bytes of scratch for a band of `tiles` tiles (drawn in assembly/kernels/f32-winograd.ts). */
export function winogradScratchBytes(tile: TileSize, tiles: number, channels: number, filters: number): number {
  const roundUp = (n: number) => Math.ceil(n / 4) * 4;
  const matrices = roundUp(tiles * channels) + 16 + tiles * roundUp(filters) + 16;
  return (36 * 4 + (tile + 2) ** 2 * matrices) * 4;
}
