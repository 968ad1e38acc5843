// A product of matrices by one step of Strassen's algorithm in Winograd's form: every matrix is cut into quarters, and
// seven products of quarters, instead of eight, make the result.
//   S1 = A21 + A22   S2 = S1 − A11   S3 = A11 − A21   S4 = A12 − S2   (T1 … T4, of B: src/ops/strassen-weights.ts)
//   U2 = A11·B11 + S2·T2   U3 = U2 + S3·T3   U4 = U2 + S1·T1
//   C11 = A11·B11 + A12·B21   C12 = U4 + S4·B22   C21 = U3 − A22·T4   C22 = U4 + S3·T3
// A band of rows of A goes through all of it while it is in the second-level cache: its upper half against its lower one.
// Where the rows are odd, the one in the middle is in both.
//
// w: the panels of | B11 | T2 | T1 | T3 | B21 | B22 | −T4 |, with the right columns' bias in T1, the left columns' in B21 and −T4.
// scratch: | S1 | S2 | S3 | S4: [half, k / 2] | P1 = A11·B11 | U2 | U4 | P7 = S3·T3: [half, left columns] |
// Rows of scratch are a cache line further apart than they need, so that they do not fall on the same cache sets.
import { product } from "../lib/f32-bands";
import { activateRows, Epilogue, storeSum } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";

const GAP_BYTES: usize = 64;

/** S1 … S4, `matrixBytes` apart, of `rows` rows of A. `halfBytes`: of half a row of A, a multiple of 16. */
function makeSums(s: usize, matrixBytes: usize, upper: usize, lower: usize, rows: usize, lda: usize, halfBytes: usize): void {
  for (; rows > 0; rows--) {
    for (const end = upper + halfBytes; upper < end; upper += 16) {
      const a11 = v128.load(upper), a12 = v128.load(upper + halfBytes);
      const a21 = v128.load(lower), a22 = v128.load(lower + halfBytes);
      const s1 = f32x4.add(a21, a22);
      const s2 = f32x4.sub(s1, a11);
      v128.store(s, s1);
      v128.store(s + matrixBytes, s2);
      v128.store(s + 2 * matrixBytes, f32x4.sub(a11, a21));
      v128.store(s + 3 * matrixBytes, f32x4.sub(a12, s2));
      lower += 16;
      s += 16;
    }
    upper += lda - halfBytes;
    lower += lda - halfBytes;
    s += GAP_BYTES;
  }
}

/** to += from, for `cols` columns rounded up to four. */
function addRow(to: usize, from: usize, cols: usize): void {
  for (const end = to + cols * 4; to < end; to += 16) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    from += 16;
  }
}

/** Stores C22 = clamp(U4 + P7 + residual) of one row, with `right` columns; U2 becomes U3 = U2 + P7, with `left` columns. */
function finishRow(y: usize, residual: usize, u2: usize, u4: usize, p7: usize, left: usize, right: usize, lo: v128, hi: v128): void {
  const end = u2 + left * 4;
  for (let cols = <isize>right; cols > 0; cols -= 4) {
    const product7 = v128.load(p7);
    v128.store(u2, f32x4.add(v128.load(u2), product7));
    storeSum(y, residual, f32x4.add(v128.load(u4), product7), lo, hi, cols);
    y += 16;
    u2 += 16;
    u4 += 16;
    p7 += 16;
    if (residual) residual += 16;
  }
  addRow(u2, p7, (end - u2) >> 2);
}

/**
 * y[m, n] = epilogue(A[m, k] · B + bias, residual) for the bands of [begin, end), `bands` in all, of at least two rows each.
 * `ldy`, `lda`, `ldr`: elements between row starts. `residual` may be 0 or `y`. `k` is a multiple of 8; `n` > 8.
 */
export function f32_gemm_strassen(
  y: usize,
  a: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  scratch: usize,
  m: usize,
  n: usize,
  k: usize,
  ldy: usize,
  lda: usize,
  ldr: usize,
  bands: usize,
  begin: usize,
  end: usize,
): void {
  ldy *= 4; lda *= 4; ldr *= 4;
  const half = k >> 1, left = (n + 2 * PANEL - 1) / (2 * PANEL) * PANEL, right = n - left;
  const quarter = (left / PANEL) * panelBytes(half), lds = half * 4 + GAP_BYTES, ldu = left * 4 + GAP_BYTES;
  const lo = epilogue.sumLo, hi = epilogue.sumHi, low = f32x4.splat(lo), high = f32x4.splat(hi);
  for (let band = begin; band < end; band++) {
    const first = (m * band) / bands, count = (m * (band + 1)) / bands - first;
    const rows = (count + 1) >> 1, skipped = count - rows;
    const s1 = scratch, s2 = s1 + rows * lds, s3 = s2 + rows * lds, s4 = s3 + rows * lds;
    const p1 = s4 + rows * lds, u2 = p1 + rows * ldu, u4 = u2 + rows * ldu, p7 = u4 + rows * ldu;
    const upper = a + first * lda, lower = upper + skipped * lda, to = y + first * ldy, toLower = to + skipped * ldy;
    makeSums(s1, rows * lds, upper, lower, rows, lda, half * 4);
    product(p1, upper, w, 0, rows, left, half, ldu, lda, 0, -Infinity, Infinity);
    product(u2, s2, w + quarter, p1, rows, left, half, ldu, lds, ldu, -Infinity, Infinity);
    product(u4, s1, w + 2 * quarter, u2, rows, left, half, ldu, lds, ldu, -Infinity, Infinity);
    product(p7, s3, w + 3 * quarter, 0, rows, left, half, ldu, lds, 0, -Infinity, Infinity);
    const r = residual ? residual + first * ldr : 0;
    // From the last row on, so that a residual that is y is read before the row in the middle is written.
    for (let row = <isize>rows - 1; row >= 0; row--) {
      const at = row * ldu, under = r ? r + (skipped + row) * ldr : 0;
      finishRow(toLower + row * ldy + left * 4, under ? under + left * 4 : 0, u2 + at, u4 + at, p7 + at, left, right, low, high);
      if (!r) continue;
      addRow(u2 + at, under, left);
      addRow(p1 + at, r + row * ldr, left);
      addRow(u4 + at, r + row * ldr + left * 4, right);
    }
    product(to, upper + half * 4, w + 4 * quarter, p1, rows, left, half, ldy, lda, ldu, lo, hi);
    product(to + left * 4, s4, w + 5 * quarter, u4, rows, right, half, ldy, lds, ldu, lo, hi);
    product(toLower, lower + half * 4, w + 6 * quarter, u2, rows, left, half, ldy, lda, ldu, lo, hi);
    activateRows(to, ldy, count, n, epilogue);
  }
}
