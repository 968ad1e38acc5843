// Matrix products in float32, on weights packed into panels (see assembly/lib/f32-panel.ts).
import { gemm } from "../lib/f32-bands";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { fewRows } from "../lib/f32-few-rows";
import { PANEL } from "../lib/f32-panel";

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

/**
 * The same product for few rows, split by panels: y[m, …] for the panels of [begin, end).
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
  fewRows(y, a, b, residual, m, n, k, ldy * 4, lda * 4, ldr * 4, epilogue.sumLo, epilogue.sumHi, begin, end);
  const column = begin * PANEL;
  if (begin < end) activateRows(y + column * 4, ldy * 4, m, min(end * PANEL, n) - column, epilogue);
}
