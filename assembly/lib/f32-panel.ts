// The inner product of the float32 matrix kernels: TILE_ROWS rows of A times one panel of B.
//
// B lies in panels of eight columns, in the order in which they are read; columns past the last one are zero:
//   panel j:  | bias 8×f32 | k = 0: 8×f32 | k = 1: 8×f32 | … |
// A is read where it lies, row by row. Packing A first was measured to gain 2 % in the relaxed tier and nothing
// in simd128, less than the packing costs, so there is no packed A.
import { clamp, madd, RELAXED } from "./simd";
import { storeSome } from "./tail";

/** Columns of a panel. */
// @ts-ignore: decorator
@inline export const PANEL: usize = 8;

/**
 * Rows of a tile: as many as 15 vector registers hold beside two of B and one of A; where a multiplication needs
 * a register for its product, fewer. GF/s at 480³ where the FMA limit is 57: relaxed 6 rows 57, 5 rows 54, 4 rows 52.
 * simd128: 4 rows 47 in V8 13.6 and 46 in V8 11.3; 5 rows 47 and 24; 6 rows spill in both.
 */
// @ts-ignore: decorator
@inline export const TILE_ROWS: usize = RELAXED ? 6 : 4;

/** Rows of the lowest tile: what is left over goes into tiles that are a little lower rather than into one that is mostly empty. */
// @ts-ignore: decorator
@inline export const LEAST_ROWS: usize = RELAXED ? 4 : 3;

/** Bytes between two panels of `k` rows. */
// @ts-ignore: decorator
@inline
export function panelBytes(k: usize): usize {
  return (k + 1) * PANEL * 4;
}

/** Stores the first `cols` of eight columns. */
function storeCols(y: usize, v0: v128, v1: v128, cols: usize): void {
  if (cols >= 4) {
    v128.store(y, v0);
    y += 16;
    v0 = v1;
    cols -= 4;
  }
  if (cols) storeSome(y, v0, cols);
}

/**
 * y[rows, cols] = clamp(A[rows, k] · panel + bias + residual, lo, hi) for the at most eight columns of one panel, by tiles
 * of `height` rows, LEAST_ROWS … TILE_ROWS; a last tile with rows to spare costs as much as a full one.
 * `ldy`, `lda`, `ldr` are bytes between row starts; `residual` may be 0, or `y`. `rows` > 0, `k` > 0.
 * Reads, but does not use, up to 28 bytes past a row of the residual.
 */
export function panelRows(
  height: usize,
  y: usize,
  a: usize,
  panel: usize,
  residual: usize,
  rows: usize,
  cols: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  lo: f32,
  hi: f32,
): void {
  // The tallest tiles are inlined, for speed; a lower one pays off only where the panel is wide.
  if (height == TILE_ROWS) {
    if (cols > 4) tiles(TILE_ROWS, true, false, y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi, 0, 0);
    else tiles(TILE_ROWS, false, false, y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi, 0, 0);
  } else if (cols <= 4) panelRows(TILE_ROWS, y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi);
  else if (TILE_ROWS - LEAST_ROWS > 1 && height == LEAST_ROWS + 1) middleTiles(y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi);
  else leastTiles(y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi);
}

function middleTiles(y: usize, a: usize, panel: usize, residual: usize, rows: usize, cols: usize, k: usize, ldy: usize, lda: usize, ldr: usize, lo: f32, hi: f32): void {
  tiles(LEAST_ROWS + 1, true, false, y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi, 0, 0);
}

function leastTiles(y: usize, a: usize, panel: usize, residual: usize, rows: usize, cols: usize, k: usize, ldy: usize, lda: usize, ldr: usize, lo: f32, hi: f32): void {
  tiles(LEAST_ROWS, true, false, y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi, 0, 0);
}

/**
 * `panelRows` for a wide panel by tiles of TILE_ROWS rows, which reads a byte at `ahead`, moved on by `aheadStep` bytes, for
 * every four of `k`, so that the next panel is on its way from memory when its turn comes.
 */
export function panelRowsAhead(
  y: usize,
  a: usize,
  panel: usize,
  residual: usize,
  rows: usize,
  cols: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  lo: f32,
  hi: f32,
  ahead: usize,
  aheadStep: usize,
): void {
  tiles(TILE_ROWS, true, true, y, a, panel, residual, rows, cols, k, ldy, lda, ldr, lo, hi, ahead, aheadStep);
}

/** `panelRows`; `height` is a constant, as are `isAhead` and `isWide`: a panel with at most four columns does without the other four. */
// @ts-ignore: decorator
@inline
function tiles(
  height: usize,
  isWide: bool,
  isAhead: bool,
  y: usize,
  a: usize,
  panel: usize,
  residual: usize,
  rows: usize,
  cols: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  lo: f32,
  hi: f32,
  ahead: usize,
  aheadStep: usize,
): void {
  const first = panel + PANEL * 4;
  const end = first + k * PANEL * 4;
  const endOfFours = end - (k & 3) * PANEL * 4;
  while (true) {
    // Rows past the last one are the last one again: computed twice, stored twice, the same.
    let a0 = a;
    let a1 = rows > 1 ? a0 + lda : a0;
    let a2 = rows > 2 ? a1 + lda : a1;
    let a3 = rows > 3 ? a2 + lda : a2;
    let a4 = rows > 4 ? a3 + lda : a3;
    let a5 = rows > 5 ? a4 + lda : a4;
    let b = first;
    let x: v128, b0: v128, b1 = f32x4.splat(0);
    let c00 = v128.load(panel), c01 = v128.load(panel, 16);
    let c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01, c40 = c00, c41 = c01, c50 = c00, c51 = c01;
    while (b != endOfFours) {
      b0 = v128.load(b); if (isWide) b1 = v128.load(b, 16);
      x = v128.load32_splat(a0); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      if (height > 3) { x = v128.load32_splat(a3); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31); }
      if (height > 4) { x = v128.load32_splat(a4); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (height > 5) { x = v128.load32_splat(a5); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      // Never taken: a branch keeps the optimizer from moving these products below the next loads, which spills. Each asks
      // for another pointer, as what was asked before is known and dropped.
      if (isAhead) {
        if (!(b + load<u8>(ahead))) break;
        ahead += aheadStep;
      } else if (!b) break;
      b0 = v128.load(b, 32); if (isWide) b1 = v128.load(b, 48);
      x = v128.load32_splat(a0, 4); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 4); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 4); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      if (height > 3) { x = v128.load32_splat(a3, 4); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31); }
      if (height > 4) { x = v128.load32_splat(a4, 4); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (height > 5) { x = v128.load32_splat(a5, 4); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      if (!a0) break;
      b0 = v128.load(b, 64); if (isWide) b1 = v128.load(b, 80);
      x = v128.load32_splat(a0, 8); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 8); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 8); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      if (height > 3) { x = v128.load32_splat(a3, 8); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31); }
      if (height > 4) { x = v128.load32_splat(a4, 8); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (height > 5) { x = v128.load32_splat(a5, 8); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      if (!a1) break;
      b0 = v128.load(b, 96); if (isWide) b1 = v128.load(b, 112);
      x = v128.load32_splat(a0, 12); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1, 12); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2, 12); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      if (height > 3) { x = v128.load32_splat(a3, 12); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31); }
      if (height > 4) { x = v128.load32_splat(a4, 12); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (height > 5) { x = v128.load32_splat(a5, 12); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      a0 += 16; a1 += 16; a2 += 16; if (height > 3) a3 += 16; if (height > 4) a4 += 16;
      if (height > 5) a5 += 16;
      b += 4 * PANEL * 4;
    }
    while (b != end) {
      b0 = v128.load(b); if (isWide) b1 = v128.load(b, 16);
      x = v128.load32_splat(a0); c00 = madd(x, b0, c00); if (isWide) c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1); c10 = madd(x, b0, c10); if (isWide) c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2); c20 = madd(x, b0, c20); if (isWide) c21 = madd(x, b1, c21);
      if (height > 3) { x = v128.load32_splat(a3); c30 = madd(x, b0, c30); if (isWide) c31 = madd(x, b1, c31); }
      if (height > 4) { x = v128.load32_splat(a4); c40 = madd(x, b0, c40); if (isWide) c41 = madd(x, b1, c41); }
      if (height > 5) { x = v128.load32_splat(a5); c50 = madd(x, b0, c50); if (isWide) c51 = madd(x, b1, c51); }
      a0 += 4; a1 += 4; a2 += 4; if (height > 3) a3 += 4; if (height > 4) a4 += 4;
      if (height > 5) a5 += 4;
      b += PANEL * 4;
    }
    finishTile(height, isWide, y, residual, rows, cols, ldy, ldr, lo, hi, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
    if (residual) residual += height * ldr;
    if (rows <= height) return;
    rows -= height;
    a += height * lda;
    y += height * ldy;
  }
}

/** Adds the residual to a tile's sums, clamps them and stores the first `rows` of its rows; see `panelRows`. */
// @ts-ignore: decorator
@inline
export function finishTile(
  height: usize, isWide: bool, y: usize, residual: usize, rows: usize, cols: usize, ldy: usize, ldr: usize, lo: f32, hi: f32,
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128, c40: v128, c41: v128, c50: v128, c51: v128,
): void {
  if (residual) {
    let r = residual;
    c00 = f32x4.add(c00, v128.load(r)); if (isWide) c01 = f32x4.add(c01, v128.load(r, 16));
    r = rows > 1 ? r + ldr : r;
    c10 = f32x4.add(c10, v128.load(r)); if (isWide) c11 = f32x4.add(c11, v128.load(r, 16));
    r = rows > 2 ? r + ldr : r;
    c20 = f32x4.add(c20, v128.load(r)); if (isWide) c21 = f32x4.add(c21, v128.load(r, 16));
    if (height > 3) {
      r = rows > 3 ? r + ldr : r;
      c30 = f32x4.add(c30, v128.load(r)); if (isWide) c31 = f32x4.add(c31, v128.load(r, 16));
    }
    if (height > 4) {
      r = rows > 4 ? r + ldr : r;
      c40 = f32x4.add(c40, v128.load(r)); if (isWide) c41 = f32x4.add(c41, v128.load(r, 16));
    }
    if (height > 5) {
      r = rows > 5 ? r + ldr : r;
      c50 = f32x4.add(c50, v128.load(r)); if (isWide) c51 = f32x4.add(c51, v128.load(r, 16));
    }
  }
  const low = f32x4.splat(lo);
  const high = f32x4.splat(hi);
  c00 = clamp(c00, low, high); c10 = clamp(c10, low, high); c20 = clamp(c20, low, high);
  if (height > 3) c30 = clamp(c30, low, high); if (height > 4) c40 = clamp(c40, low, high); if (height > 5) c50 = clamp(c50, low, high);
  if (isWide) {
    c01 = clamp(c01, low, high); c11 = clamp(c11, low, high); c21 = clamp(c21, low, high);
    if (height > 3) c31 = clamp(c31, low, high); if (height > 4) c41 = clamp(c41, low, high); if (height > 5) c51 = clamp(c51, low, high);
  }
  // Whole rows apart from the others: a call, as in storeCols, spills all that is live.
  if (isWide && cols == PANEL) storeRows(height, true, y, rows, cols, ldy, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
  else storeRows(height, false, y, rows, cols, ldy, c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51);
}

/** Stores the first `rows` of `height` rows; rows past the last one are the last one again. `isWhole`: all eight columns. */
// @ts-ignore: decorator
@inline
function storeRows(
  height: usize, isWhole: bool, y: usize, rows: usize, cols: usize, ldy: usize,
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128, c40: v128, c41: v128, c50: v128, c51: v128,
): void {
  storeRow(isWhole, y, c00, c01, cols);
  y = rows > 1 ? y + ldy : y;
  storeRow(isWhole, y, c10, c11, cols);
  y = rows > 2 ? y + ldy : y;
  storeRow(isWhole, y, c20, c21, cols);
  if (height > 3) {
    y = rows > 3 ? y + ldy : y;
    storeRow(isWhole, y, c30, c31, cols);
  }
  if (height > 4) {
    y = rows > 4 ? y + ldy : y;
    storeRow(isWhole, y, c40, c41, cols);
  }
  if (height > 5) {
    y = rows > 5 ? y + ldy : y;
    storeRow(isWhole, y, c50, c51, cols);
  }
}

// @ts-ignore: decorator
@inline
function storeRow(isWhole: bool, y: usize, v0: v128, v1: v128, cols: usize): void {
  if (isWhole) {
    v128.store(y, v0);
    v128.store(y, v1, 16);
  } else {
    storeCols(y, v0, v1, cols);
  }
}
