// A product of matrices, blocked for the caches: rows of A by bands that stay in the second level, and a long sum by
// blocks, so that a panel's block and the rows that meet it stay in the first.
import { activateRows, Epilogue } from "./f32-epilogue";
import { PANEL, panelBytes, panelRows } from "./f32-panel";

/** Bytes of A that are multiplied by every panel before the next rows. */
const BAND_BYTES: usize = 256 << 10;

/** Terms of a sum that are added before the next panel: 16 KB of a panel. */
const BLOCK_TERMS: usize = 512;

/** Rows of a band: a multiple of both tile heights. */
function bandRows(k: usize): usize {
  return max<usize>(BAND_BYTES / (k * 120), 1) * 30;
}

/** Terms of a block: the fewest blocks, of about the same length. */
function blockTerms(k: usize): usize {
  const blocks = (k + BLOCK_TERMS - 1) / BLOCK_TERMS;
  return ((k + blocks - 1) / blocks + 3) & ~3;
}

/** y[m, n] = epilogue(A[m, k] · B + bias, residual). `ldy`, `lda`, `ldr`: bytes between row starts. `residual` may be 0. */
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
  const block = blockTerms(k);
  const stride = panelBytes(k);
  while (m > 0) {
    const rows = min(band, m);
    for (let from: usize = 0; from < k; from += block) {
      const terms = min(block, k - from);
      const isLast = from + terms == k;
      const lo = isLast ? epilogue.sumLo : -Infinity;
      const hi = isLast ? epilogue.sumHi : Infinity;
      let panel = b;
      for (let column: usize = 0; column < n; column += PANEL) {
        const to = y + column * 4;
        const r = residual && isLast ? residual + column * 4 : 0;
        const firstRow = panel + (from + 1) * PANEL * 4;
        panelRows(to, a + from * 4, firstRow, from ? to : panel, r, rows, min(n - column, PANEL), terms, ldy, lda, from ? ldy : 0, ldr, lo, hi);
        panel += stride;
      }
    }
    activateRows(y, ldy, rows, n, epilogue);
    y += rows * ldy;
    a += rows * lda;
    if (residual) residual += rows * ldr;
    m -= rows;
  }
}
