// The inner product of a convolution that reads its input where it lies: TILE_ROWS output pixels times one panel of
// filters. Taps that are neighbours in a row of the window are neighbours in memory, so a window is `runs` runs of `run`
// floats, one for each kernel row. Sums are added in the order of `panelRows`, so both give the same bits.
import { finishTile, PANEL, TILE_ROWS } from "./f32-panel";
import { madd } from "./simd";

/**
 * y[rows, cols] = clamp(windows · panel + bias + residual, lo, hi) for up to TILE_ROWS pixels whose windows begin at a0 … a5,
 * the last of them repeated, and the at most eight columns of one panel. From a kernel row to the next it is `stepBytes`.
 * `ldy` and `ldr` are bytes between pixels; `residual` may be 0, or `y`. `run` > 0.
 * Reads, but does not use, up to 28 bytes past a pixel of the residual. `isWide` is a constant: a panel of at most
 * four columns does without the other four.
 */
// @ts-ignore: decorator
@inline
export function directTile(
  isWide: bool, y: usize, a0: usize, a1: usize, a2: usize, a3: usize, a4: usize, a5: usize, panel: usize, residual: usize,
  rows: usize, cols: usize, runs: usize, run: usize, stepBytes: usize, ldy: usize, ldr: usize, lo: f32, hi: f32,
): void {
  let b = panel + PANEL * 4;
  const skip = stepBytes - run * 4;
  let x: v128, b0: v128, b1 = f32x4.splat(0);
  let c00 = v128.load(panel), c01 = v128.load(panel, 16);
  let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01, c40 = c00, c41 = c01, c50 = c00, c51 = c01;
  for (; runs > 0; runs--) {
    const end = b + run * PANEL * 4;
    for (const endOfFours = end - (run & 3) * PANEL * 4; b != endOfFours; b += 4 * PANEL * 4) {
      b0 = v128.load(b); if (isWide) b1 = v128.load(b, 16);
      x = v128.load32_splat(a0); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31);
      if (TILE_ROWS > 4) { x = v128.load32_splat(a4); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (TILE_ROWS > 5) { x = v128.load32_splat(a5); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      // Never taken, each of another pointer, as in f32-panel.ts.
      if (!b) break;
      b0 = v128.load(b, 32); if (isWide) b1 = v128.load(b, 48);
      x = v128.load32_splat(a0, 4); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 4); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 4); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3, 4); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31);
      if (TILE_ROWS > 4) { x = v128.load32_splat(a4, 4); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (TILE_ROWS > 5) { x = v128.load32_splat(a5, 4); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      if (!a0) break;
      b0 = v128.load(b, 64); if (isWide) b1 = v128.load(b, 80);
      x = v128.load32_splat(a0, 8); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 8); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 8); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3, 8); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31);
      if (TILE_ROWS > 4) { x = v128.load32_splat(a4, 8); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (TILE_ROWS > 5) { x = v128.load32_splat(a5, 8); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      if (!a1) break;
      b0 = v128.load(b, 96); if (isWide) b1 = v128.load(b, 112);
      x = v128.load32_splat(a0, 12); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 12); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 12); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3, 12); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31);
      if (TILE_ROWS > 4) { x = v128.load32_splat(a4, 12); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (TILE_ROWS > 5) { x = v128.load32_splat(a5, 12); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      a0 += 16; a1 += 16; a2 += 16; a3 += 16; if (TILE_ROWS > 4) a4 += 16;
      if (TILE_ROWS > 5) a5 += 16;
    }
    for (; b != end; b += PANEL * 4) {
      b0 = v128.load(b); if (isWide) b1 = v128.load(b, 16);
      x = v128.load32_splat(a0); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31);
      if (TILE_ROWS > 4) { x = v128.load32_splat(a4); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (TILE_ROWS > 5) { x = v128.load32_splat(a5); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      a0 += 4; a1 += 4; a2 += 4; a3 += 4; if (TILE_ROWS > 4) a4 += 4;
      if (TILE_ROWS > 5) a5 += 4;
    }
    a0 += skip; a1 += skip; a2 += skip; a3 += skip; if (TILE_ROWS > 4) a4 += skip;
    if (TILE_ROWS > 5) a5 += skip;
  }
  finishTile(TILE_ROWS, isWide, y, residual, rows, cols, ldy, ldr, lo, hi, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
}
