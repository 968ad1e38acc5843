// What a product of matrices is expected to cost, for choices between kernels.
import type { LowerContext } from "./define.ts";

/** Rows of a tile of the inner product (assembly/lib/f32-panel.ts). */
export const TILE_ROWS = { relaxed: 6, simd128: 4 } as const;

/** Rows of its lowest tile. */
const LEAST_ROWS = { relaxed: 4, simd128: 3 } as const;

/** Up to this many rows, reading B once for each row is as fast as a tile. */
export const FEW_ROWS = 2;

/** Rows that `rows` rows cost: whole tiles, then lower tiles, or single rows where they are too few for one. */
function costlyRows(rows: number, tier: LowerContext["tier"]): number {
  const over = rows % TILE_ROWS[tier];
  return rows + (over < LEAST_ROWS[tier] ? 0.2 : 0.05) * over;
}

/** Multiply-adds in whose time one weight comes from memory, where the weights are more than the caches keep. */
export const ADDS_PER_DISTANT_WEIGHT = 7;
const NEAR_WEIGHTS = 2 ** 22;

/**
 * Multiply-adds in whose time Strassen's algorithm multiplies m × k by k × n (assembly/kernels/f32-strassen.ts): seven
 * products for eight, sums that cost as much as 10.5 columns and 3 rows of the product, and 1.75 times the weights, which
 * come from afar in a whole model. It is taken where that is 4 % less. Speed over the ordinary product, relaxed in Node 24
 * with weights at hand and with 24 MB of layers in turns, and simd128 in Node 20 with weights at hand:
 *
 * | m × n × k | relaxed, at hand | in turns | simd128 |
 * |---|---|---|---|
 * | 196×512×512 | 1.10 | 1.07 | 1.08 |
 * | 169×512×1000 | 1.08 | 1.07 | 1.10 |
 * | 128×1536×384 | 1.08 | 1.05 | 1.05 |
 * | 128×384×1536 | 1.10 | 1.06 | 1.07 |
 * | 784×256×256 | 1.08 | 1.06 | 1.06 |
 * | 784×128×128 | 1.02 | | |
 * | 49×1024×1024 | 1.07 | 0.96 | 1.05 |
 */
export function strassenCost(m: number, n: number, k: number): number {
  const adds = m * n * k * (7 / 8 + 10.5 / k + 3 / n);
  return (adds + 0.75 * ADDS_PER_DISTANT_WEIGHT * n * k) / 0.96;
}

/** True where Strassen's algorithm is expected to be faster than the ordinary product. */
export const isStrassenCheaper = (m: number, n: number, k: number, tier: LowerContext["tier"]): boolean =>
  strassenCost(m, n, k) < productCost(m, n * k, tier);

/** Multiply-adds in whose time a product of `rows` rows by `weights` weights is done. */
export function productCost(rows: number, weights: number, tier: LowerContext["tier"]): number {
  const adds = costlyRows(rows, tier) * weights;
  return weights > NEAR_WEIGHTS ? Math.max(adds, ADDS_PER_DISTANT_WEIGHT * weights) : adds;
}
