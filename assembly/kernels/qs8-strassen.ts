// An int8 product of matrices by one step of Strassen's algorithm in Winograd's form, as assembly/kernels/f32-strassen.ts has
// it: seven products of quarters instead of eight. Sums of quarters stay in int16 (at most 4 · 255 each), and sums of
// products are right modulo 2³², so the result is that of qs8_conv_4x8, bit for bit.
//
// Rows lie in tiles of four, as assembly/lib/qs8-panel.ts draws them. A band is an upper and a lower half of as many tiles; where
// its tiles are odd, the one in the middle is in both.
//
// w: | for every panel of eight of all columns: bias 8×i32, scale 8×f32 | panels of int16 of | B11 | T2 | T1 | T3 | B21 | B22 | −T4 |
// scratch: | tiles of A11 | A12 | A22 | S1 | S2 | S3 | S4 | sums of P1, then C11 | U2, then C21 | U4, then C12 | P7, then C22 |
// Sums of a quarter are 4 × 8 blocks of int32: for every panel, for every tile.
import { ConvShape, dot, PANEL_HEAD, storeRows } from "../lib/qs8-panel";
import { tileRows } from "../lib/qs8-tiles";
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize } from "../lib/requantize";

/** Bytes of a block of sums. */
const BLOCK: usize = 128;

/** One tile of each of A11, A12, A22, S1 … S4, `quarter` bytes apart, from four rows of the upper and of the lower half. */
function makeTiles(to: usize, quarter: usize, shape: ConvShape, x: usize, upper: usize, lower: usize): void {
  const k = shape.inChannels, half = k >> 1, pairs = half >> 1, last = shape.inHeight - 1;
  const zero = i16x8.splat(<i16>shape.xZero);
  const u0 = x + min(upper, last) * k, u1 = x + min(upper + 1, last) * k, u2 = x + min(upper + 2, last) * k, u3 = x + min(upper + 3, last) * k;
  const l0 = x + min(lower, last) * k, l1 = x + min(lower + 1, last) * k, l2 = x + min(lower + 2, last) * k, l3 = x + min(lower + 3, last) * k;
  tileRows(to, u0, u1, u2, u3, zero, zero, zero, zero, pairs);
  tileRows(to + quarter, u0 + half, u1 + half, u2 + half, u3 + half, zero, zero, zero, zero, pairs);
  tileRows(to + 2 * quarter, l0 + half, l1 + half, l2 + half, l3 + half, zero, zero, zero, zero, pairs);
  tileRows(to + 5 * quarter, l0, l1, l2, l3, zero, zero, zero, zero, pairs);
  for (const end = to + pairs * 16; to < end; to += 16) {
    const s1to = to + 3 * quarter, s2to = to + 4 * quarter, s3to = to + 5 * quarter, s4to = to + 6 * quarter;
    const a11 = v128.load(to), a21 = v128.load(s3to);
    const s1 = i16x8.add(a21, v128.load(to + 2 * quarter));
    const s2 = i16x8.sub(s1, a11);
    v128.store(s1to, s1);
    v128.store(s2to, s2);
    v128.store(s3to, i16x8.sub(a11, a21));
    v128.store(s4to, i16x8.sub(v128.load(to + quarter), s2));
  }
}

/** to = from + tiles · panel for one panel. `from` may be `to`. */
function sumPanel(to: usize, from: usize, tiles: usize, count: usize, panel: usize, tileBytes: usize): void {
  for (const end = to + count * BLOCK; to < end; to += BLOCK, from += BLOCK) {
    let acc00 = v128.load(from), acc01 = v128.load(from, 16), acc10 = v128.load(from, 32), acc11 = v128.load(from, 48);
    let acc20 = v128.load(from, 64), acc21 = v128.load(from, 80), acc30 = v128.load(from, 96), acc31 = v128.load(from, 112);
    let w = panel;
    for (const last = tiles + tileBytes; tiles < last; tiles += 16, w += 32) {
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      let pair = v128.load32_splat(tiles);
      acc00 = dot(pair, w0, acc00), acc01 = dot(pair, w1, acc01);
      pair = v128.load32_splat(tiles, 4);
      acc10 = dot(pair, w0, acc10), acc11 = dot(pair, w1, acc11);
      pair = v128.load32_splat(tiles, 8);
      acc20 = dot(pair, w0, acc20), acc21 = dot(pair, w1, acc21);
      pair = v128.load32_splat(tiles, 12);
      acc30 = dot(pair, w0, acc30), acc31 = dot(pair, w1, acc31);
    }
    v128.store(to, acc00), v128.store(to, acc01, 16), v128.store(to, acc10, 32), v128.store(to, acc11, 48);
    v128.store(to, acc20, 64), v128.store(to, acc21, 80), v128.store(to, acc30, 96), v128.store(to, acc31, 112);
  }
}

/** to = from + tiles · B for all panels of a quarter of B. `from` may be `to`, or 0 for zeros. */
function sumQuarter(to: usize, from: usize, tiles: usize, count: usize, w: usize, panels: usize, tileBytes: usize): void {
  const bytes = count * BLOCK;
  for (; panels > 0; panels--, to += bytes, w += tileBytes * 2) {
    if (!from) memory.fill(to, 0, bytes);
    sumPanel(to, from ? from : to, tiles, count, w, tileBytes);
    if (from) from += bytes;
  }
}

/** U2 becomes U3 = U2 + P7, and P7 becomes C22 = U4 + P7. */
function addProduct7(u2: usize, u4: usize, p7: usize, bytes: usize): void {
  for (const end = p7 + bytes; p7 < end; p7 += 16, u2 += 16, u4 += 16) {
    const product7 = v128.load(p7);
    v128.store(u2, i32x4.add(v128.load(u2), product7));
    v128.store(p7, i32x4.add(v128.load(u4), product7));
  }
}

/** Requantizes a quarter of sums to `rows` rows at y. */
function finishQuarter(shape: ConvShape, y: usize, sums: usize, heads: usize, panels: usize, count: usize, rows: usize): void {
  const floor = floorOf(shape.yZero, shape.lo), magic = magicOf(shape.yZero), offset = offsetOf(shape.yZero), hi = i8x16.splat(<i8>shape.hi);
  const ldy = shape.ldy;
  for (; panels > 0; panels--, heads += PANEL_HEAD, y += 8) {
    const bias0 = v128.load(heads), bias1 = v128.load(heads, 16), scale0 = v128.load(heads, 32), scale1 = v128.load(heads, 48);
    let to = y;
    let left = <isize>rows;
    for (const end = sums + count * BLOCK; sums < end; sums += BLOCK, to += 4 * ldy, left -= 4) {
      const y01 = narrow16(
        narrow8(requantize(i32x4.add(v128.load(sums), bias0), scale0, floor, magic, offset), requantize(i32x4.add(v128.load(sums, 16), bias1), scale1, floor, magic, offset)),
        narrow8(requantize(i32x4.add(v128.load(sums, 32), bias0), scale0, floor, magic, offset), requantize(i32x4.add(v128.load(sums, 48), bias1), scale1, floor, magic, offset)),
        hi,
      );
      const y23 = narrow16(
        narrow8(requantize(i32x4.add(v128.load(sums, 64), bias0), scale0, floor, magic, offset), requantize(i32x4.add(v128.load(sums, 80), bias1), scale1, floor, magic, offset)),
        narrow8(requantize(i32x4.add(v128.load(sums, 96), bias0), scale0, floor, magic, offset), requantize(i32x4.add(v128.load(sums, 112), bias1), scale1, floor, magic, offset)),
        hi,
      );
      storeRows(to, ldy, y01, y23, left, 8);
    }
  }
}

/**
 * y = x · w on the int8 matrix x[inHeight, inChannels], as the ConvShape at `table` says, `band` tiles of four rows at a time, an
 * even number. `inChannels` is a multiple of 8, `outChannels` of 16; the output is int8. Split by bands.
 */
export function qs8_gemm_strassen(y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const tileBytes = shape.inChannels << 2, panels = shape.outChannels >> 4;
  const weights = w + panels * 2 * PANEL_HEAD, quarter = panels * tileBytes * 2;
  const all = (shape.inHeight + 3) >> 2;
  for (let band = begin; band < end; band++) {
    const first = band * shape.band, tiles = min(shape.band, all - first);
    const count = (tiles + 1) >> 1, lower = first + tiles - count, aBytes = count * tileBytes, sumBytes = panels * count * BLOCK;
    const a = scratch, s = a + 3 * aBytes, c11 = a + 7 * aBytes, c21 = c11 + sumBytes, c12 = c21 + sumBytes, c22 = c12 + sumBytes;
    for (let tile: usize = 0; tile < count; tile++) makeTiles(a + tile * tileBytes, aBytes, shape, x, (first + tile) * 4, (lower + tile) * 4);
    sumQuarter(c11, 0, a, count, weights, panels, tileBytes);
    sumQuarter(c21, c11, s + aBytes, count, weights + quarter, panels, tileBytes);
    sumQuarter(c12, c21, s, count, weights + 2 * quarter, panels, tileBytes);
    sumQuarter(c22, 0, s + 2 * aBytes, count, weights + 3 * quarter, panels, tileBytes);
    addProduct7(c21, c12, c22, sumBytes);
    sumQuarter(c11, c11, a + aBytes, count, weights + 4 * quarter, panels, tileBytes);
    sumQuarter(c12, c12, s + 3 * aBytes, count, weights + 5 * quarter, panels, tileBytes);
    sumQuarter(c21, c21, a + 2 * aBytes, count, weights + 6 * quarter, panels, tileBytes);
    const rows = min(count * 4, shape.inHeight - first * 4), lowerRows = min(count * 4, shape.inHeight - lower * 4);
    const to = y + first * 4 * shape.ldy, toLower = y + lower * 4 * shape.ldy, right = panels * 8, rightHeads = w + panels * PANEL_HEAD;
    finishQuarter(shape, to, c11, w, panels, count, rows);
    finishQuarter(shape, to + right, c12, rightHeads, panels, count, rows);
    finishQuarter(shape, toLower, c21, w, panels, count, lowerRows);
    finishQuarter(shape, toLower + right, c22, rightHeads, panels, count, lowerRows);
  }
}
