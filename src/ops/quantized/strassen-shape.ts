// The memory of the int8 Strassen kernel: weights as sums of quarters, bands, scratch, and what it costs.
// assembly/kernels/qs8-strassen.ts draws the same memory.
import { ADDS_PER_DISTANT_WEIGHT } from "../product-cost.ts";
import { type ConvGeometry, type ConvOutput, type ConvWeights, convShapeWords, isMatrix, type PanelViews } from "./conv-shape.ts";

/** True for the products that the kernel computes. */
export const isStrassen = (g: ConvGeometry): boolean => isMatrix(g) && g.inChannels % 8 === 0 && g.outChannels % 16 === 0;

/** Tiles of four rows in a band at most. From 20 to 50 the speed is the same within 1 %. */
const BAND_TILES = 50;

const tilesOf = (g: ConvGeometry): number => Math.ceil(g.outHeight / 4);

/** Tiles of a band: even, and as many in each as can be. */
function bandTiles(g: ConvGeometry): number {
  const bands = Math.ceil(tilesOf(g) / BAND_TILES);
  return Math.ceil(tilesOf(g) / bands / 2) * 2;
}

export const strassenBands = (g: ConvGeometry): number => Math.ceil(tilesOf(g) / bandTiles(g));

/**
 * Multiply-adds of the direct kernel in whose time this one is done: seven products for eight, of whole pairs of tiles, sums
 * that were measured to cost 1.5 % and 3 rows and columns of the product, and 1.75 times the weights. It is taken where that is
 * 3 % less. GOP/s, direct | this, relaxed in Node 24 and simd128 in Node 20:
 *
 * | m × n × k | relaxed | simd128 |
 * |---|---|---|
 * | 784×128×128 | 85 · 92 | 82 · 87 |
 * | 784×256×256 | 90 · 99 | 87 · 92 |
 * | 196×512×512 | 92 · 101 | 89 · 94 |
 * | 49×1024×1024 | 83 · 82 | 82 · 76 |
 */
export function strassenCost(g: ConvGeometry): number {
  const [n, k] = [g.outChannels, g.inChannels];
  const rows = Math.ceil(tilesOf(g) / 2) * 8;
  return (rows * n * k * (7 / 8 + 0.015 + 3 / k + 3 / n) + 0.75 * ADDS_PER_DISTANT_WEIGHT * n * k) / 0.97;
}

/** Bytes of heads and panels. */
export const strassenBytes = (g: ConvGeometry): number => g.outChannels * 8 + (7 / 2) * g.inChannels * g.outChannels;

/** Tiles of seven quarters of rows, and the int32 sums of four quarters of the output. */
export const strassenScratchBytes = (g: ConvGeometry): number => (bandTiles(g) / 2) * (7 * 4 * g.inChannels + 4 * 8 * g.outChannels);

/** The words of a ConvShape for the Strassen kernel. */
export const strassenShapeWords = (g: ConvGeometry, output: ConvOutput): Int32Array =>
  convShapeWords(g, output, 2, { band: bandTiles(g), panelBytes: 0 });

/** B11, T2, T1, T3, B21, B22 and −T4 of four weights. */
const QUARTERS: readonly ((b11: number, b12: number, b21: number, b22: number) => number)[] = [
  (b11) => b11,
  (b11, b12, _, b22) => b22 - b12 + b11,
  (b11, b12) => b12 - b11,
  (_, b12, __, b22) => b22 - b12,
  (_, __, b21) => b21,
  (_, __, ___, b22) => b22,
  (b11, b12, b21, b22) => b21 - b22 + b12 - b11,
];

/** Writes heads and panels. The weights are [outChannels, inChannels]: the transpose of B. */
export function packStrassen(target: PanelViews, g: ConvGeometry, { weight, zeros, bias, scales }: ConvWeights): void {
  const [k, n, half, columns] = [g.inChannels, g.outChannels, g.inChannels / 2, g.outChannels / 2];
  for (let channel = 0; channel < n; channel++) {
    const head = (channel >> 3) * 16 + (channel & 7);
    target.i32[head] = bias?.[channel] ?? 0;
    target.f32[head + 8] = scales[scales.length === 1 ? 0 : channel] ?? 0;
  }
  const zeroOf = (channel: number): number => zeros[zeros.length === 1 ? 0 : channel] ?? 0;
  for (let j = 0; j < columns; j++) {
    const [left, right] = [j * k, (j + columns) * k];
    const [leftZero, rightZero] = [zeroOf(j), zeroOf(j + columns)];
    const lane = n * 4 + (j >> 3) * 8 * half + (j & 7) * 2;
    for (let i = 0; i < half; i++) {
      const [b11, b21] = [weight[left + i]! - leftZero, weight[left + half + i]! - leftZero];
      const [b12, b22] = [weight[right + i]! - rightZero, weight[right + half + i]! - rightZero];
      const at = lane + (i >> 1) * 16 + (i & 1);
      for (const [quarter, of] of QUARTERS.entries()) target.i16[at + quarter * half * columns] = of(b11, b12, b21, b22);
    }
  }
}
