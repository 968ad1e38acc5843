// What a product of matrices is expected to cost, for choices between kernels.
import type { LowerContext } from "./define.ts";

/** Rows of a tile of the inner product (assembly/lib/f32-panel.ts). */
export const TILE_ROWS = { relaxed: 6, simd128: 4 } as const;

/** Up to this many rows, reading B once for each row is faster than a tile that is mostly empty. */
export const FEW_ROWS = 4;

/** Rows that `rows` rows cost: whole tiles, then single rows, unless these are nearly a tile. */
function costlyRows(rows: number, tileRows: number): number {
  const over = rows % tileRows;
  return rows - over + (over < tileRows - 1 ? 1.2 * over : tileRows);
}

/** Multiply-adds in whose time one weight comes from memory, where the weights are more than the caches keep. */
const ADDS_PER_DISTANT_WEIGHT = 7;
const NEAR_WEIGHTS = 2 ** 22;

/** Multiply-adds in whose time a product of `rows` rows by `weights` weights is done. */
export function productCost(rows: number, weights: number, tier: LowerContext["tier"]): number {
  const adds = costlyRows(rows, TILE_ROWS[tier]) * weights;
  return weights > NEAR_WEIGHTS ? Math.max(adds, ADDS_PER_DISTANT_WEIGHT * weights) : adds;
}
