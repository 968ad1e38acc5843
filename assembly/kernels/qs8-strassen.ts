// An int8 product of matrices by one or two levels of Strassen's algorithm in Winograd's form, as assembly/kernels/f32-strassen.ts
// has it: seven products of quarters instead of eight, each of which may be made of seven again. Sums of quarters stay in int16
// (at most 16 · 255 each), and sums of products are right modulo 2³², so the result is that of qs8_conv_4x8, bit for bit.
//
// A band of rows is cut into 2 parts, or 4, of as many rows; where they do not go into it evenly, rows lie in two parts. The rows
// of a part lie in tiles of four, as assembly/lib/qs8-panel.ts draws them. A matrix is | 11 | 21 | 12 | 22 |, each quarter a matrix
// of the level below or, in the end, its tiles, its panels of int16, or its 4 × 8 blocks of int32: for every panel, for every tile.
//
// w: | for every panel of eight of all columns: bias 8×i32, scale 8×f32 | B11 | T2 | T1 | T3 | B21 | B22 | −T4 |
//    where each of the seven is panels, or of two levels seven again
// scratch: | a block of zeros | A | S1 … S4 | C | of two levels: S1 … S4 of the second, sums of its four quarters |
import { ConvShape, dot, PANEL_HEAD } from "../lib/qs8-panel";
import { tileRows } from "../lib/qs8-tiles";
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize } from "../lib/requantize";

/** Bytes of a block of sums. */
// @ts-ignore: decorator
@inline const BLOCK: usize = 128;

/**
 * With so many tiles, each asks for its share of the next panel of so many bytes, which then arrives while they multiply.
 * 196×512×512 with weights that were not used for long, by one level: 95 GOP/s without, 99 with. Fewer tiles would wait for what
 * they ask for, and the time of less is not worth asking.
 */
const ASKING_TILES: usize = 8;
const ASKED_BYTES: usize = 2048;

/** S1 … S4 of `size` bytes of each of A11, A21, A12 and A22; all are `quarter` bytes apart. */
function makeSums(s: usize, a: usize, quarter: usize, size: usize): void {
  for (const end = a + size; a < end; a += 16, s += 16) {
    const a11 = v128.load(a), a21 = v128.load(a + quarter);
    const s1 = i16x8.add(a21, v128.load(a + 3 * quarter));
    const s2 = i16x8.sub(s1, a11);
    v128.store(s, s1);
    v128.store(s + quarter, s2);
    v128.store(s + 2 * quarter, i16x8.sub(a11, a21));
    v128.store(s + 3 * quarter, i16x8.sub(v128.load(a + 2 * quarter), s2));
  }
}

/**
 * to = from + also + tiles · panel for one panel. `from`, or `also`, may be `to`; `also` may be 0; `from` moves on by `fromStep`
 * a tile. The last tile has `lastRows` rows. Reads, but does not use, a byte of `asked` lines at `next` for each tile.
 */
function sumPanel(
  to: usize, from: usize, fromStep: usize, also: usize, tiles: usize, tileBytes: usize, count: usize, lastRows: usize, panel: usize, next: usize, asked: usize,
): void {
  const end = to + count * BLOCK, endOfFull = lastRows == 1 ? end - BLOCK : end;
  for (; to < endOfFull; to += BLOCK, from += fromStep) {
    // Never taken: the bytes are zero or more.
    for (const last = next + asked * 64; next < last; next += 64) if (!(to + load<u8>(next))) return;
    let acc00 = v128.load(from), acc01 = v128.load(from, 16), acc10 = v128.load(from, 32), acc11 = v128.load(from, 48);
    let acc20 = v128.load(from, 64), acc21 = v128.load(from, 80), acc30 = v128.load(from, 96), acc31 = v128.load(from, 112);
    if (also) {
      acc00 = i32x4.add(acc00, v128.load(also)), acc01 = i32x4.add(acc01, v128.load(also, 16));
      acc10 = i32x4.add(acc10, v128.load(also, 32)), acc11 = i32x4.add(acc11, v128.load(also, 48));
      acc20 = i32x4.add(acc20, v128.load(also, 64)), acc21 = i32x4.add(acc21, v128.load(also, 80));
      acc30 = i32x4.add(acc30, v128.load(also, 96)), acc31 = i32x4.add(acc31, v128.load(also, 112));
      also += BLOCK;
    }
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
  if (to < end) sumRow(to, from, also, tiles, tileBytes, panel);
}

/** The first row of one tile of `sumPanel`: a third of a tile's time. */
function sumRow(to: usize, from: usize, also: usize, tile: usize, tileBytes: usize, panel: usize): void {
  let acc0 = v128.load(from), acc1 = v128.load(from, 16);
  if (also) acc0 = i32x4.add(acc0, v128.load(also)), acc1 = i32x4.add(acc1, v128.load(also, 16));
  for (const last = tile + tileBytes; tile < last; tile += 16, panel += 32) {
    const pair = v128.load32_splat(tile);
    acc0 = dot(pair, v128.load(panel), acc0), acc1 = dot(pair, v128.load(panel, 16), acc1);
  }
  v128.store(to, acc0), v128.store(to, acc1, 16);
}

/** U2 becomes U3 = U2 + P7; C22 = U4 + P7, plus `from` unless it is 0. `c22` may be `p7` or `from`. */
function addProduct7(c22: usize, from: usize, u2: usize, u4: usize, p7: usize, bytes: usize): void {
  for (const end = p7 + bytes; p7 < end; p7 += 16, u2 += 16, u4 += 16, c22 += 16) {
    const product7 = v128.load(p7);
    v128.store(u2, i32x4.add(v128.load(u2), product7));
    let sum = i32x4.add(v128.load(u4), product7);
    if (from) sum = i32x4.add(sum, v128.load(from)), from += 16;
    v128.store(c22, sum);
  }
}

/**
 * to = from + also + A · B by `levels` levels. `count` tiles of `tileBytes` of all of A's rows and columns; `panels` of all of B's.
 * `to` may be `from`, which may be 0, or `also`, which is 0 unless `levels` is 0.
 */
function multiply(
  levels: usize, to: usize, from: usize, also: usize, a: usize, tileBytes: usize, count: usize, w: usize, panels: usize, scratch: usize, zeros: usize, lastRows: usize,
): void {
  if (levels) {
    const quarter = (count * tileBytes) >> 2;
    makeSums(scratch, a, quarter, quarter);
    multiplyQuarters(levels, to, from, a, scratch, tileBytes, count, w, panels, scratch + 4 * quarter, zeros, lastRows);
    return;
  }
  const bytes = count * BLOCK, panelBytes = tileBytes * 2, asked = count < ASKING_TILES || panelBytes < ASKED_BYTES ? 0 : (panelBytes + 64 * count - 1) / (64 * count);
  for (; panels > 0; panels--, to += bytes, w += panelBytes) {
    sumPanel(to, from ? from : zeros, from ? BLOCK : 0, also, a, tileBytes, count, lastRows, w, w + panelBytes, panels > 1 ? asked : 0);
    if (from) from += bytes;
    if (also) also += bytes;
  }
}

/** `multiply` by at least one level, with S1 … S4 at s1. Without `from`, the sums of products lie in `to`. */
function multiplyQuarters(
  levels: usize, to: usize, from: usize, a: usize, s1: usize, tileBytes: usize, count: usize, w: usize, panels: usize, scratch: usize, zeros: usize, lastRows: usize,
): void {
  const quarter = (count * tileBytes) >> 2, s2 = s1 + quarter, s3 = s2 + quarter, s4 = s3 + quarter;
  const wBytes = levels == 1 ? (panels * tileBytes) >> 1 : (panels * tileBytes * 7) >> 3;
  levels--, count >>= 1, panels >>= 1, tileBytes >>= 1;
  const bytes = count * panels * BLOCK, p1 = from ? scratch : to, u2 = p1 + bytes, u4 = u2 + bytes, p7 = u4 + bytes;
  const from21 = from ? from + bytes : 0, from12 = from ? from + 2 * bytes : 0, from22 = from ? from + 3 * bytes : 0;
  if (from) scratch += 4 * bytes;
  multiply(levels, p1, 0, 0, a, tileBytes, count, w, panels, scratch, zeros, lastRows);
  multiply(levels, u2, p1, 0, s2, tileBytes, count, w + wBytes, panels, scratch, zeros, lastRows);
  multiply(levels, u4, u2, 0, s1, tileBytes, count, w + 2 * wBytes, panels, scratch, zeros, lastRows);
  multiply(levels, p7, 0, 0, s3, tileBytes, count, w + 3 * wBytes, panels, scratch, zeros, lastRows);
  addProduct7(to + 3 * bytes, from22, u2, u4, p7, bytes);
  multiply(levels, to, p1, from, a + 2 * quarter, tileBytes, count, w + 4 * wBytes, panels, scratch, zeros, lastRows);
  multiply(levels, to + 2 * bytes, u4, from12, s4, tileBytes, count, w + 5 * wBytes, panels, scratch, zeros, lastRows);
  multiply(levels, to + bytes, u2, from21, a + 3 * quarter, tileBytes, count, w + 6 * wBytes, panels, scratch, zeros, lastRows);
}

/** The tiles of A and of S1 … S4 for `rows` rows of x, in parts of `partRows`; see the kernel for the rest. */
function makeTiles(shape: ConvShape, a: usize, x: usize, rows: usize, halfRows: usize, partRows: usize): void {
  const levels = shape.runs, parts: usize = 1 << (levels - 1), k = shape.inChannels, partK = k >> levels, tileBytes = partK * 8;
  const quarter = parts * parts * ((partRows + 3) >> 2) * tileBytes, last = rows - 1, zero = i16x8.splat(<i16>shape.xZero);
  for (let part: usize = 0; part < parts * parts; part++) {
    const top = (part & 1) * (halfRows - partRows);
    for (let row = top; row < top + partRows; row += 4, a += tileBytes) {
      for (let at: usize = 0; at < 4; at++) {
        const from = x + (at >> 1) * (k >> 1) + (part >> 1) * partK, r = row + (at & 1) * (rows - halfRows);
        const x0 = from + r * k, x1 = from + min(r + 1, last) * k, x2 = from + min(r + 2, last) * k, x3 = from + min(r + 3, last) * k;
        tileRows(a + at * quarter, x0, x1, x2, x3, zero, zero, zero, zero, partK >> 1);
      }
      makeSums(a + 4 * quarter, a, quarter, tileBytes);
    }
  }
}

/** The first `rows` of four rows of eight bytes, two in each vector. */
// @ts-ignore: decorator
@inline
function storeRows(y: usize, ldy: usize, y01: v128, y23: v128, rows: isize): void {
  v128.store64_lane(y, y01, 0);
  if (rows > 1) v128.store64_lane(y + ldy, y01, 1);
  if (rows > 2) v128.store64_lane(y + ldy * 2, y23, 0);
  if (rows > 3) v128.store64_lane(y + ldy * 3, y23, 1);
}

/** Requantizes a part of the sums to `rows` rows at y. */
function finishPart(shape: ConvShape, y: usize, sums: usize, heads: usize, panels: usize, count: usize, rows: usize): void {
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
      storeRows(to, ldy, y01, y23, left);
    }
  }
}

/**
 * y = x · w on the int8 matrix x[inHeight, inWidth = 1, inChannels], as the ConvShape at `table` says, `band` rows at a time, by
 * `runs` levels, 1 or 2. `inChannels` is a multiple of 8, of two levels of 16, `outChannels` of 16 or 32; the output is int8.
 * Split by bands.
 */
export function qs8_gemm_strassen(y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const levels = shape.runs, parts: usize = 1 << levels, k = shape.inChannels, ldy = shape.ldy;
  const panels = shape.outChannels >> 3, partPanels = panels >> levels, a = scratch + BLOCK;
  memory.fill(scratch, 0, BLOCK);
  for (let band = begin; band < end; band++) {
    const first = band * shape.band, rows = min(shape.band, shape.inHeight - first);
    const halfRows = (rows + 1) >> 1, partRows = levels == 1 ? halfRows : (halfRows + 1) >> 1, count = (partRows + 3) >> 2;
    const tiles = parts * count, aBytes = tiles * k * 8, c = a + 2 * aBytes, partBytes = count * partPanels * BLOCK;
    makeTiles(shape, a, x + first * k, rows, halfRows, partRows);
    multiplyQuarters(levels, c, 0, a, a + aBytes, k * 8, tiles, w + panels * PANEL_HEAD, panels, c + parts * parts * partBytes, scratch, partRows - (count - 1) * 4);
    for (let at: usize = 0; at < parts * parts; at++) {
      const high = levels == 1 ? at : at >> 2, low = levels == 1 ? 0 : at & 3;
      const row = first + (high & 1) * (rows - halfRows) + (low & 1) * (halfRows - partRows);
      const panel = ((high >> 1) * (parts >> 1) + (low >> 1)) * partPanels;
      finishPart(shape, y + row * ldy + panel * 8, c + at * partBytes, w + panel * PANEL_HEAD, partPanels, count, partRows);
    }
  }
}
