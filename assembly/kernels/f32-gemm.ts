// Matrix products in float32, on weights packed into panels (see assembly/lib/f32-panel.ts).
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { gemm } from "../lib/f32-bands";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { clamp, madd } from "../lib/simd";
import { storeSome } from "../lib/tail";

/**
 * y[rows, n] = epilogue(A[rows, k] · B + bias, residual) for the rows of [begin, end).
 * `ldy`, `lda`, `ldr`: elements between row starts. `residual` may be 0. `k` > 0.
 */
export function f32_gemm(
  y: usize,
  a: usize,
  b: usize,
  residual: usize,
  epilogue: Epilogue,
  n: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  begin: usize,
  end: usize,
): void {
  gemm(y + begin * ldy * 4, a + begin * lda * 4, b, residual ? residual + begin * ldr * 4 : 0, epilogue, end - begin, n, k, ldy * 4, lda * 4, ldr * 4);
}

/** Stores panel `at` of a row, unless there is none: adds the residual and clamps. */
function storePanel(y: usize, residual: usize, v0: v128, v1: v128, at: usize, n: usize, epilogue: Epilogue): void {
  let column = at * PANEL;
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  for (let half = 0; half < 2 && column < n; half++) {
    const p = y + column * 4;
    if (residual) v0 = f32x4.add(v0, v128.load(residual + column * 4));
    v0 = clamp(v0, lo, hi);
    if (n - column >= 4) v128.store(p, v0);
    else storeSome(p, v0, n - column);
    v0 = v1;
    column += 4;
  }
}

/**
 * The same product for few rows, bound by how fast B is read: y[m, …] for the panels of [begin, end).
 * Four panels go side by side, so that eight sums hide the latency of the addition.
 */
export function f32_gemv(
  y: usize,
  a: usize,
  b: usize,
  residual: usize,
  epilogue: Epilogue,
  m: usize,
  n: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  begin: usize,
  end: usize,
): void {
  const stride = panelBytes(k);
  for (let panel = begin; panel < end; panel += 4) {
    for (let row: usize = 0; row < m; row++) {
      // Panels past the last one are the last one again.
      let p0 = b + panel * stride;
      let p1 = panel + 1 < end ? p0 + stride : p0;
      let p2 = panel + 2 < end ? p1 + stride : p1;
      let p3 = panel + 3 < end ? p2 + stride : p2;
      let c00 = v128.load(p0), c01 = v128.load(p0, 16), c10 = v128.load(p1), c11 = v128.load(p1, 16);
      let c20 = v128.load(p2), c21 = v128.load(p2, 16), c30 = v128.load(p3), c31 = v128.load(p3, 16);
      let x = a + row * lda * 4;
      const last = x + k * 4;
      for (; x != last; x += 4) {
        const v = v128.load32_splat(x);
        p0 += 32; p1 += 32; p2 += 32; p3 += 32;
        c00 = madd(v, v128.load(p0), c00); c01 = madd(v, v128.load(p0, 16), c01);
        c10 = madd(v, v128.load(p1), c10); c11 = madd(v, v128.load(p1, 16), c11);
        c20 = madd(v, v128.load(p2), c20); c21 = madd(v, v128.load(p2, 16), c21);
        c30 = madd(v, v128.load(p3), c30); c31 = madd(v, v128.load(p3, 16), c31);
      }
      const yr = y + row * ldy * 4;
      const r = residual ? residual + row * ldr * 4 : 0;
      storePanel(yr, r, c00, c01, panel, n, epilogue);
      if (panel + 1 < end) storePanel(yr, r, c10, c11, panel + 1, n, epilogue);
      if (panel + 2 < end) storePanel(yr, r, c20, c21, panel + 2, n, epilogue);
      if (panel + 3 < end) storePanel(yr, r, c30, c31, panel + 3, n, epilogue);
    }
  }
  const column = begin * PANEL;
  if (begin < end) activateRows(y + column * 4, ldy * 4, m, min(end * PANEL, n) - column, epilogue);
}
