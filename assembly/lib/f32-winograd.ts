// The transforms of Winograd's convolution F(n × n, 3 × 3): y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A for tiles of n + 2 input
// pixels a side, for n = 4 (points 0, ±1, ±2, ∞) and n = 2 (points 0, ±1, ∞). Weights are transformed in
// src/ops/winograd-weights.ts. Sums over input channels are products of matrices, one for each element of a tile.
//
// `n` and `side` = n + 2 are constants wherever they are parameters.
import { Epilogue, storeSum } from "./f32-epilogue";
import { held } from "./math";
import { clamp, madd, nmadd } from "./simd";

/**
 * The `side` elements of Bᵀd: to `to`, `side` vectors apart, if `inTemp` (a constant); else to q0 … q5.
 */
// @ts-ignore: decorator
@inline
function forward(
  side: i32,
  inTemp: bool,
  to: usize,
  q0: usize,
  q1: usize,
  q2: usize,
  q3: usize,
  q4: usize,
  q5: usize,
  four: v128,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
): void {
  if (side == 4) {
    if (inTemp) {
      v128.store(to, f32x4.sub(d0, d2));
      v128.store(to, f32x4.add(d1, d2), 64);
      v128.store(to, f32x4.sub(d2, d1), 128);
      v128.store(to, f32x4.sub(d1, d3), 192);
    } else {
      v128.store(q0, f32x4.sub(d0, d2));
      v128.store(q1, f32x4.add(d1, d2));
      v128.store(q2, f32x4.sub(d2, d1));
      v128.store(q3, f32x4.sub(d1, d3));
    }
    return;
  }
  const even = nmadd(four, d2, d4);
  const odd = nmadd(four, d1, d3);
  const evenHalf = f32x4.sub(d4, d2);
  const oddHalf = f32x4.sub(d3, d1);
  const twice = f32x4.add(oddHalf, oddHalf);
  const first = madd(four, f32x4.sub(d0, d2), evenHalf);
  const last = nmadd(four, oddHalf, f32x4.sub(d5, d3));
  if (inTemp) {
    v128.store(to, first);
    v128.store(to, f32x4.add(even, odd), 96);
    v128.store(to, f32x4.sub(even, odd), 192);
    v128.store(to, f32x4.add(evenHalf, twice), 288);
    v128.store(to, f32x4.sub(evenHalf, twice), 384);
    v128.store(to, last, 480);
  } else {
    v128.store(q0, first);
    v128.store(q1, f32x4.add(even, odd));
    v128.store(q2, f32x4.sub(even, odd));
    v128.store(q3, f32x4.add(evenHalf, twice));
    v128.store(q4, f32x4.sub(evenHalf, twice));
    v128.store(q5, last);
  }
}

/**
 * Bᵀ x B of one tile that lies inside the image, for all channels: element e goes to v + e · matrixBytes. `x` is the
 * tile's first pixel. `temp` holds side² vectors. Channels past the last one are written too, up to a multiple of four.
 */
// @ts-ignore: decorator
@inline
export function tileForward(side: i32, v: usize, x: usize, temp: usize, channels: usize, pixelBytes: usize, rowBytes: usize, matrixBytes: usize): void {
  const six = side == 6;
  const four = held(4, i32x4.splat(channels >> 31));
  const columnsEnd = temp + side * 16;
  const rowsEnd = temp + side * side * 16;
  const next = side * matrixBytes;
  for (const end = v + channels * 4; v < end; v += 16) {
    let p0 = x, p1 = p0 + rowBytes, p2 = p1 + rowBytes, p3 = p2 + rowBytes, p4 = p3, p5 = p3;
    if (six) p4 += rowBytes, p5 = p4 + rowBytes;
    for (let to = temp; to != columnsEnd; to += 16) {
      const d3 = v128.load(p3);
      forward(side, true, to, 0, 0, 0, 0, 0, 0, four, v128.load(p0), v128.load(p1), v128.load(p2), d3, six ? v128.load(p4) : d3, six ? v128.load(p5) : d3);
      p0 += pixelBytes, p1 += pixelBytes, p2 += pixelBytes, p3 += pixelBytes;
      if (six) p4 += pixelBytes, p5 += pixelBytes;
    }
    let q0 = v, q1 = q0 + matrixBytes, q2 = q1 + matrixBytes, q3 = q2 + matrixBytes, q4 = q3, q5 = q3;
    if (six) q4 += matrixBytes, q5 = q4 + matrixBytes;
    for (let from = temp; from != rowsEnd; from += side * 16) {
      const d3 = v128.load(from, 48);
      const d4 = six ? v128.load(from, 64) : d3;
      const d5 = six ? v128.load(from, 80) : d3;
      forward(side, false, 0, q0, q1, q2, q3, q4, q5, four, v128.load(from), v128.load(from, 16), v128.load(from, 32), d3, d4, d5);
      q0 += next, q1 += next, q2 += next, q3 += next;
      if (six) q4 += next, q5 += next;
    }
    x += 16;
  }
}

/** Row `row` of Aᵀm, a constant. */
// @ts-ignore: decorator
@inline
function inverse(side: i32, row: i32, four: v128, m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128): v128 {
  if (side == 4) return row == 0 ? f32x4.add(m0, f32x4.add(m1, m2)) : f32x4.sub(f32x4.sub(m1, m2), m3);
  if (row == 0) return f32x4.add(m0, f32x4.add(f32x4.add(m1, m2), f32x4.add(m3, m4)));
  if (row == 2) return madd(four, f32x4.add(m3, m4), f32x4.add(m1, m2));
  const odd = f32x4.sub(m3, m4);
  const twice = f32x4.add(odd, odd);
  if (row == 1) return f32x4.add(f32x4.sub(m1, m2), twice);
  return madd(four, twice, f32x4.add(f32x4.sub(m1, m2), m5));
}

/**
 * The first step of Aᵀ m A for four channels: Aᵀm to `temp`, rows of `side` vectors. Element e of the tile is read at
 * m + e · matrixBytes.
 */
// @ts-ignore: decorator
@inline
function inverseColumns(side: i32, four: v128, temp: usize, m: usize, matrixBytes: usize): void {
  const step = side * matrixBytes;
  let p0 = m, p1 = p0 + step, p2 = p1 + step, p3 = p2 + step, p4 = p3, p5 = p3;
  if (side == 6) p4 += step, p5 = p4 + step;
  for (let to = temp, end = temp + side * 16; to != end; to += 16) {
    const m0 = v128.load(p0), m1 = v128.load(p1), m2 = v128.load(p2), m3 = v128.load(p3);
    const m4 = side == 6 ? v128.load(p4) : m3, m5 = side == 6 ? v128.load(p5) : m3;
    v128.store(to, inverse(side, 0, four, m0, m1, m2, m3, m4, m5));
    v128.store(to + side * 16, inverse(side, 1, four, m0, m1, m2, m3, m4, m5));
    if (side == 6) v128.store(to, inverse(side, 2, four, m0, m1, m2, m3, m4, m5), 192);
    if (side == 6) v128.store(to, inverse(side, 3, four, m0, m1, m2, m3, m4, m5), 288);
    p0 += matrixBytes, p1 += matrixBytes, p2 += matrixBytes, p3 += matrixBytes;
    if (side == 6) p4 += matrixBytes, p5 += matrixBytes;
  }
}

/**
 * Aᵀ m A of one tile for all channels, finished and stored to at most `rows` × `columns` pixels at `y`.
 * Element e of the tile is read at m + e · matrixBytes; `temp` holds side · n vectors. `residual` may be 0.
 */
// @ts-ignore: decorator
@inline
export function tileInverse(
  side: i32,
  y: usize,
  m: usize,
  temp: usize,
  residual: usize,
  epilogue: Epilogue,
  channels: usize,
  rows: i32,
  columns: i32,
  matrixBytes: usize,
  yPixel: usize,
  yRow: usize,
  rPixel: usize,
  rRow: usize,
): void {
  const n = side - 2;
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  const four = held(4, i32x4.splat(channels >> 31));
  for (let left: isize = channels; left > 0; left -= 4) {
    inverseColumns(side, four, temp, m, matrixBytes);
    let p = y;
    let r = residual;
    const isWhole = left >= 4 && columns == n && !residual;
    for (let from = temp, end = temp + rows * side * 16; from != end; from += side * 16) {
      const m0 = v128.load(from), m1 = v128.load(from, 16), m2 = v128.load(from, 32), m3 = v128.load(from, 48);
      const m4 = side == 6 ? v128.load(from, 64) : m3, m5 = side == 6 ? v128.load(from, 80) : m3;
      const s0 = inverse(side, 0, four, m0, m1, m2, m3, m4, m5), s1 = inverse(side, 1, four, m0, m1, m2, m3, m4, m5);
      const s2 = side == 6 ? inverse(side, 2, four, m0, m1, m2, m3, m4, m5) : s0;
      const s3 = side == 6 ? inverse(side, 3, four, m0, m1, m2, m3, m4, m5) : s0;
      if (isWhole) {
        v128.store(p, clamp(s0, lo, hi));
        v128.store(p + yPixel, clamp(s1, lo, hi));
        if (n > 2) v128.store(p + 2 * yPixel, clamp(s2, lo, hi));
        if (n > 2) v128.store(p + 3 * yPixel, clamp(s3, lo, hi));
      } else {
        storeSum(p, r, s0, lo, hi, left);
        if (columns > 1) storeSum(p + yPixel, r ? r + rPixel : 0, s1, lo, hi, left);
        if (n > 2 && columns > 2) storeSum(p + 2 * yPixel, r ? r + 2 * rPixel : 0, s2, lo, hi, left);
        if (n > 2 && columns > 3) storeSum(p + 3 * yPixel, r ? r + 3 * rPixel : 0, s3, lo, hi, left);
      }
      p += yRow;
      if (r) r += rRow;
    }
    m += 16;
    y += 16;
    if (residual) residual += 16;
  }
}
