// A matrix that is computed while the model runs, as the panels of weights that the int8 products read
// (lib/qs8-panel.ts): its elements as int16 with the zero point taken off, two rows side by side.
import { PANEL_HEAD } from "../lib/qs8-panel";

/**
 * Panels `begin` … `end` of b[k, n]: biases of 0, `scale` for every column, rows in pairs, and zeros from row `k` to row
 * 2 · `pairs`. Columns past `n` hold any numbers. Reads up to 7 bytes past b.
 */
export function qs8_pack_panels(to: usize, b: usize, n: usize, k: usize, pairs: usize, zero: i32, scale: f32, begin: usize, end: usize): void {
  const none = i16x8.splat(0), zeros = i16x8.splat(<i16>zero), scales = f32x4.splat(scale);
  to += begin * (PANEL_HEAD + pairs * 32);
  for (let panel = begin; panel < end; panel++) {
    v128.store(to, none), v128.store(to, none, 16), v128.store(to, scales, 32), v128.store(to, scales, 48);
    to += PANEL_HEAD;
    for (let row: usize = 0, from = b + panel * 8; row < 2 * pairs; row += 2, from += 2 * n, to += 32) {
      const upper = row < k ? i16x8.sub(v128.load8x8_s(from), zeros) : none;
      const lower = row + 1 < k ? i16x8.sub(v128.load8x8_s(from + n), zeros) : none;
      v128.store(to, v128.shuffle<i16>(upper, lower, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(to, v128.shuffle<i16>(upper, lower, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    }
  }
}
