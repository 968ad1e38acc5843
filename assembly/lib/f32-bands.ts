// A product of matrices, by bands of rows that stay in the second-level cache.
import { activateRows, Epilogue } from "./f32-epilogue";
import { fewRows } from "./f32-few-rows";
import { PANEL, panelBytes, panelRows, TILE_ROWS } from "./f32-panel";

/** Bytes of A that are multiplied by every panel before the next rows: what the second-level cache keeps. */
const BAND_BYTES: usize = 256 << 10;

/** Rows of a band: a multiple of both tile heights. */
function bandRows(k: usize): usize {
  return max<usize>(BAND_BYTES / (k * 120), 1) * 30;
}

/** y[m, n] = epilogue(A[m, k] · B + bias, residual). `ldy`, `lda`, `ldr`: bytes between row starts. `residual` may be 0 or `y`. */
export function gemm(
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
): void {
  // A last tile of one or two rows costs as much as a full one; read row by row, it costs a quarter for each.
  const over = m % TILE_ROWS;
  const few: usize = over <= 2 && m > TILE_ROWS ? over : 0;
  m -= few;
  const band = bandRows(k);
  const stride = panelBytes(k);
  while (m > 0) {
    const rows = min(band, m);
    let panel = b;
    for (let column: usize = 0; column < n; column += PANEL) {
      const r = residual ? residual + column * 4 : 0;
      panelRows(y + column * 4, a, panel, r, rows, min(n - column, PANEL), k, ldy, lda, ldr, epilogue.sumLo, epilogue.sumHi);
      panel += stride;
    }
    activateRows(y, ldy, rows, n, epilogue);
    y += rows * ldy;
    a += rows * lda;
    if (residual) residual += rows * ldr;
    m -= rows;
  }
  if (few) fewRows(y, a, b, residual, epilogue, few, n, k, ldy, lda, ldr, 0, (n + PANEL - 1) / PANEL);
}
