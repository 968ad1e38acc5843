// A product of matrices with few rows, bound by how fast B is read: four panels go side by side, so that eight sums hide
// the latency of the addition.
import { storeSum } from "./f32-epilogue";
import { PANEL, panelBytes } from "./f32-panel";
import { clamp, madd } from "./simd";

/** Finishes and stores panel `at` of a row of `n` columns. */
function storePanel(y: usize, residual: usize, v0: v128, v1: v128, at: usize, n: usize, lo: v128, hi: v128): void {
  const column = at * PANEL;
  const r = residual ? residual + column * 4 : 0;
  const to = y + column * 4;
  storeSum(to, r, v0, lo, hi, n - column);
  if (n - column > 4) storeSum(to + 16, r ? r + 16 : 0, v1, lo, hi, n - column - 4);
}

/** Finishes and stores four panels that are whole, from column `at` on: without a call, which for short columns is a sixth of the time. */
// @ts-ignore: decorator
@inline
function storeFour(
  y: usize, residual: usize, at: usize, lo: v128, hi: v128,
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128,
): void {
  if (residual) {
    const r = residual + at * 4;
    c00 = f32x4.add(c00, v128.load(r)); c01 = f32x4.add(c01, v128.load(r, 16));
    c10 = f32x4.add(c10, v128.load(r, 32)); c11 = f32x4.add(c11, v128.load(r, 48));
    c20 = f32x4.add(c20, v128.load(r, 64)); c21 = f32x4.add(c21, v128.load(r, 80));
    c30 = f32x4.add(c30, v128.load(r, 96)); c31 = f32x4.add(c31, v128.load(r, 112));
  }
  y += at * 4;
  v128.store(y, clamp(c00, lo, hi)); v128.store(y, clamp(c01, lo, hi), 16);
  v128.store(y, clamp(c10, lo, hi), 32); v128.store(y, clamp(c11, lo, hi), 48);
  v128.store(y, clamp(c20, lo, hi), 64); v128.store(y, clamp(c21, lo, hi), 80);
  v128.store(y, clamp(c30, lo, hi), 96); v128.store(y, clamp(c31, lo, hi), 112);
}

/**
 * y[m, …] = clamp(A[m, k] · B + bias + residual, lo, hi) for panels begin … end of B[k, n]. `ldy`, `lda`, `ldr`: bytes between
 * row starts. `residual` may be 0. Each sum is added in the order of `panelRows`, so both give the same bits.
 */
export function fewRows(
  y: usize,
  a: usize,
  b: usize,
  residual: usize,
  m: usize,
  n: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  lo: f32,
  hi: f32,
  begin: usize,
  end: usize,
): void {
  const stride = panelBytes(k);
  const low = f32x4.splat(lo);
  const high = f32x4.splat(hi);
  for (let panel = begin; panel < end; panel += 4) {
    for (let row: usize = 0; row < m; row++) {
      // Panels past the last one are the last one again.
      let p0 = b + panel * stride;
      let p1 = panel + 1 < end ? p0 + stride : p0;
      let p2 = panel + 2 < end ? p1 + stride : p1;
      let p3 = panel + 3 < end ? p2 + stride : p2;
      let c00 = v128.load(p0), c01 = v128.load(p0, 16), c10 = v128.load(p1), c11 = v128.load(p1, 16);
      let c20 = v128.load(p2), c21 = v128.load(p2, 16), c30 = v128.load(p3), c31 = v128.load(p3, 16);
      let x = a + row * lda;
      const last = x + k * 4;
      for (; x != last; x += 4) {
        const v = v128.load32_splat(x);
        p0 += 32; p1 += 32; p2 += 32; p3 += 32;
        c00 = madd(v, v128.load(p0), c00); c01 = madd(v, v128.load(p0, 16), c01);
        c10 = madd(v, v128.load(p1), c10); c11 = madd(v, v128.load(p1, 16), c11);
        // Never taken: a branch keeps the optimizer from loading all eight first, which spills.
        if (!p0) break;
        c20 = madd(v, v128.load(p2), c20); c21 = madd(v, v128.load(p2, 16), c21);
        c30 = madd(v, v128.load(p3), c30); c31 = madd(v, v128.load(p3, 16), c31);
      }
      const yr = y + row * ldy;
      const r = residual ? residual + row * ldr : 0;
      if (panel + 4 <= end && (panel + 4) * PANEL <= n) {
        storeFour(yr, r, panel * PANEL, low, high, c00, c01, c10, c11, c20, c21, c30, c31);
        continue;
      }
      storePanel(yr, r, c00, c01, panel, n, low, high);
      if (panel + 1 < end) storePanel(yr, r, c10, c11, panel + 1, n, low, high);
      if (panel + 2 < end) storePanel(yr, r, c20, c21, panel + 2, n, low, high);
      if (panel + 3 < end) storePanel(yr, r, c30, c31, panel + 3, n, low, high);
    }
  }
}
