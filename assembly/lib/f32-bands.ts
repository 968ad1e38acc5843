// A product of matrices, by bands of rows that stay in the second-level cache.
import { activateRows, Epilogue } from "./f32-epilogue";
import { fewRows } from "./f32-few-rows";
import { LEAST_ROWS, PANEL, panelBytes, panelRows, panelRowsAhead, TILE_ROWS } from "./f32-panel";

/** Bytes of A that are multiplied by every panel before the next rows: what the second-level cache keeps. */
const BAND_BYTES: usize = 512 << 10;

/**
 * Where B is more than the first-level cache, its panels may come from afar, and nothing asks for a panel before its
 * first tile does. So tiles ask for the next panel, if they are enough that it arrives while they multiply. GF/s with
 * weights that were not used for long, before and after: 49×1024×1024 44 and 52, 128×1536×384 47 and 55, 49×128×128 49 and 54,
 * 98×256×256 by Strassen's algorithm 54 and 59. With weights at hand, 784×128×128 loses 1 %.
 */
const FAR_BYTES: usize = 32 << 10;
const LEAST_TILES: usize = 5;

/**
 * Rows of a band: a multiple of both tile heights, and even of long rows as many as it takes to pay for another pass over the
 * panels. GF/s with 30 and 60 of 49 rows: 49×512×4608 44 and 52, 49×256×9216 48 and 53.
 */
function bandRows(k: usize): usize {
  return max<usize>(BAND_BYTES / (k * 120), 2) * 30;
}

/**
 * y[m, n] = clamp(A[m, k] · B + bias + residual, lo, hi). `ldy`, `lda`, `ldr`: bytes between row starts. `residual` may be
 * 0 or `y`. Rows past the last full tile make some tiles a row lower; when they are too few for that, they go one by one.
 */
export function product(
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
): void {
  const over = m % TILE_ROWS;
  const few: usize = over < LEAST_ROWS ? over : 0;
  const rows = m - few;
  const isLeast = rows == LEAST_ROWS;
  const height = isLeast ? LEAST_ROWS : TILE_ROWS - 1;
  const lower = isLeast ? rows : over > few ? (TILE_ROWS - over) * height : 0;
  const tall = rows - lower;
  if (rows) {
    const tiles = tall / TILE_ROWS;
    const isFar = n * k * 4 > FAR_BYTES && tiles >= LEAST_TILES;
    let panel = b;
    for (let column: usize = 0; column < n; column += PANEL) {
      const cols = min(n - column, PANEL);
      const r = residual ? residual + column * 4 : 0;
      const to = y + column * 4;
      if (isFar && column + PANEL < n) panelRowsAhead(to, a, panel, r, tall, cols, k, ldy, lda, ldr, lo, hi, panel + panelBytes(k), (4 * PANEL * 4) / tiles);
      else if (tall) panelRows(TILE_ROWS, to, a, panel, r, tall, cols, k, ldy, lda, ldr, lo, hi);
      if (lower) panelRows(height, to + tall * ldy, a + tall * lda, panel, r ? r + tall * ldr : 0, lower, cols, k, ldy, lda, ldr, lo, hi);
      panel += panelBytes(k);
    }
  }
  if (!few) return;
  const r = residual ? residual + rows * ldr : 0;
  fewRows(y + rows * ldy, a + rows * lda, b, r, few, n, k, ldy, lda, ldr, lo, hi, 0, (n + PANEL - 1) / PANEL);
}

/** y[m, n] = epilogue(A[m, k] · B + bias, residual), by bands; the rest as for `product`. */
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
  const band = bandRows(k);
  while (m > 0) {
    const rows = min(band, m);
    product(y, a, b, residual, rows, n, k, ldy, lda, ldr, epilogue.sumLo, epilogue.sumHi);
    activateRows(y, ldy, rows, n, epilogue);
    y += rows * ldy;
    a += rows * lda;
    if (residual) residual += rows * ldr;
    m -= rows;
  }
}
