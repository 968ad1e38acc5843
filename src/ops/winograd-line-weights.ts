// Winograd's convolution along one axis: which layers it computes, as data of lines, and its weights: G w for every filter
// and channel, as panels for the products of assembly/kernels/f32-winograd-line.ts.
import type { Convolution } from "./conv-geometry.ts";
import { type Matrix, packPanels, panelFloats } from "./pack-f32.ts";

/** Input pixels of a tile. */
const TILE = 8;

/** x[outer, inLength, inner, channels] ∗ w[filters, taps, channels] = y[outer, outLength, inner, filters]. */
export interface Lines {
  readonly outer: number;
  readonly inner: number;
  readonly inLength: number;
  readonly outLength: number;
  readonly taps: number;
  readonly pad: number;
  /** Tiles of all lines. */
  readonly tiles: number;
}

/** A convolution with stride 1 over rows or over columns alone, as lines. */
export function linesOf(c: Convolution): Lines | undefined {
  const lines = (outer: number, inner: number, inLength: number, outLength: number, taps: number, pad: number): Lines | undefined => {
    if (taps < 2 || taps >= TILE || pad < 0) return undefined;
    return { outer, inner, inLength, outLength, taps, pad, tiles: outer * inner * Math.ceil(outLength / (TILE + 1 - taps)) };
  };
  if (c.strideHeight * c.strideWidth * c.dilationHeight * c.dilationWidth !== 1) return undefined;
  const { batch, inHeight, inWidth, outHeight, outWidth } = c;
  if (c.kernelHeight === 1 && c.padTop === 0 && inHeight === outHeight)
    return lines(batch * inHeight, 1, inWidth, outWidth, c.kernelWidth, c.padLeft);
  if (c.kernelWidth === 1 && c.padLeft === 0 && inWidth === outWidth)
    return lines(batch, inWidth, inHeight, outHeight, c.kernelHeight, c.padTop);
  return undefined;
}

/** Row e of G is the powers of a point, times a factor; the last point is ∞, whose row takes the last tap. */
const POINTS: readonly (readonly [point: number, factor: number])[] = [
  ...([
    [0, 1],
    [1, -2 / 9],
    [-1, -2 / 9],
    [2, 1 / 90],
    [-2, 1 / 90],
  ] as const),
  ...([
    [0.5, 32 / 45],
    [-0.5, 32 / 45],
  ] as const),
];

/** Floats of the transformed weights of `filters` filters on `channels` channels. */
export const winogradLineFloats = (filters: number, channels: number): number => TILE * panelFloats(filters, channels);

/**
 * Transforms and packs weights [filters, taps, channels]. The bias goes to element 1, which the output transform adds to
 * every pixel of a tile, once.
 */
export function packWinogradLine(
  to: Float32Array,
  weights: Float32Array,
  bias: ArrayLike<number> | undefined,
  { filters, taps, channels }: { readonly filters: number; readonly taps: number; readonly channels: number },
): void {
  const data = new Float32Array(filters * channels);
  const matrix: Matrix = { data, n: filters, k: channels, rowStride: 1, colStride: channels };
  for (let element = 0; element < TILE; element++) {
    const [point, factor] = POINTS[element] ?? [Infinity, 1];
    const row = Array.from({ length: taps }, (_, tap) => (point === Infinity ? Number(tap === taps - 1) : factor * point ** tap));
    for (let i = 0; i < data.length; i++) {
      const channel = i % channels;
      const first = (i - channel) * taps + channel;
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += row[tap]! * weights[first + tap * channels]!;
      data[i] = sum;
    }
    packPanels(to, element * panelFloats(filters, channels), matrix, element === 1 ? bias : undefined);
  }
}

/** The words of `LineShape`. */
export const lineShapeWords = (
  { inLength, outLength, inner, taps, pad }: Lines,
  {
    channels,
    filters,
    ldy,
    bandTiles,
  }: { readonly channels: number; readonly filters: number; readonly ldy: number; readonly bandTiles: number },
): Int32Array => Int32Array.of(inLength, outLength, inner, channels, filters, taps, pad, ldy, filters, bandTiles);

/** Bytes of scratch for a band of `tiles` tiles (drawn in assembly/kernels/f32-winograd-line.ts). */
export function winogradLineScratchBytes(tiles: number, channels: number, filters: number): number {
  const roundUp = (n: number) => Math.ceil(n / 4) * 4;
  return 4 * TILE * (roundUp(tiles * channels) + 16 + tiles * roundUp(filters) + 16 + channels);
}
