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
const ADDS_PER_DISTANT_WEIGHT = 7;
const NEAR_WEIGHTS = 2 ** 22;

/** Multiply-adds in whose time a product of `rows` rows by `weights` weights is done. */
export function productCost(rows: number, weights: number, tier: LowerContext["tier"]): number {
  const adds = costlyRows(rows, tier) * weights;
  return weights > NEAR_WEIGHTS ? Math.max(adds, ADDS_PER_DISTANT_WEIGHT * weights) : adds;
}
