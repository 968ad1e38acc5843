// The transforms of Winograd's convolution F(4 × 4, 3 × 3): y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A for tiles of six input pixels a
// side, with the points 0, ±1, ±2, ∞. Weights are transformed in src/ops/winograd-weights.ts. Sums over input channels are
// products of matrices, one for each element of a tile.
import { Epilogue, storeSum } from "./f32-epilogue";
import { held } from "./math";
import { clamp, madd, nmadd } from "./simd";

/** Input pixels a side of a tile; output pixels are two fewer. */
// @ts-ignore: decorator
@inline export const SIDE: usize = 6;

/** Bytes of one matrix of a band: a cache line more than it needs, so that matrices do not fall on the same cache sets. */
// @ts-ignore: decorator
@inline
export function matrixBytes(tiles: usize, columns: usize): usize {
  return (((tiles * columns + 3) & ~3) + 16) * 4;
}

/** The six elements of Bᵀd: to `to`, six vectors apart, if `inTemp` (a constant); else to q0 … q5. */
// @ts-ignore: decorator
@inline
function forward(
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
 * tile's first pixel. `temp` holds 36 vectors. Channels past the last one are written too, up to a multiple of four.
 */
// @ts-ignore: decorator
@inline
export function tileForward(v: usize, x: usize, temp: usize, channels: usize, pixelBytes: usize, rowBytes: usize, matrixBytes: usize): void {
  const four = held(4, i32x4.splat(channels >> 31));
  const columnsEnd = temp + SIDE * 16;
  const rowsEnd = temp + SIDE * SIDE * 16;
  const next = SIDE * matrixBytes;
  for (const end = v + channels * 4; v < end; v += 16) {
    let p0 = x, p1 = p0 + rowBytes, p2 = p1 + rowBytes, p3 = p2 + rowBytes, p4 = p3 + rowBytes, p5 = p4 + rowBytes;
    for (let to = temp; to != columnsEnd; to += 16) {
      forward(true, to, 0, 0, 0, 0, 0, 0, four, v128.load(p0), v128.load(p1), v128.load(p2), v128.load(p3), v128.load(p4), v128.load(p5));
      p0 += pixelBytes, p1 += pixelBytes, p2 += pixelBytes, p3 += pixelBytes, p4 += pixelBytes, p5 += pixelBytes;
    }
    let q0 = v, q1 = q0 + matrixBytes, q2 = q1 + matrixBytes, q3 = q2 + matrixBytes, q4 = q3 + matrixBytes, q5 = q4 + matrixBytes;
    for (let from = temp; from != rowsEnd; from += SIDE * 16) {
      const d0 = v128.load(from), d1 = v128.load(from, 16), d2 = v128.load(from, 32), d3 = v128.load(from, 48);
      forward(false, 0, q0, q1, q2, q3, q4, q5, four, d0, d1, d2, d3, v128.load(from, 64), v128.load(from, 80));
      q0 += next, q1 += next, q2 += next, q3 += next, q4 += next, q5 += next;
    }
    x += 16;
  }
}

/** Row `row` of Aᵀm, a constant. */
// @ts-ignore: decorator
@inline
function inverse(row: i32, four: v128, m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128): v128 {
  if (row == 0) return f32x4.add(m0, f32x4.add(f32x4.add(m1, m2), f32x4.add(m3, m4)));
  if (row == 2) return madd(four, f32x4.add(m3, m4), f32x4.add(m1, m2));
  const odd = f32x4.sub(m3, m4);
  const twice = f32x4.add(odd, odd);
  if (row == 1) return f32x4.add(f32x4.sub(m1, m2), twice);
  return madd(four, twice, f32x4.add(f32x4.sub(m1, m2), m5));
}

/**
 * The first step of Aᵀ m A for four channels: Aᵀm to `temp`, rows of six vectors. Element e of the tile is read at
 * m + e · matrixBytes.
 */
// @ts-ignore: decorator
@inline
function inverseColumns(four: v128, temp: usize, m: usize, matrixBytes: usize): void {
  const step = SIDE * matrixBytes;
  let p0 = m, p1 = p0 + step, p2 = p1 + step, p3 = p2 + step, p4 = p3 + step, p5 = p4 + step;
  for (let to = temp, end = temp + SIDE * 16; to != end; to += 16) {
    const m0 = v128.load(p0), m1 = v128.load(p1), m2 = v128.load(p2), m3 = v128.load(p3);
    const m4 = v128.load(p4), m5 = v128.load(p5);
    v128.store(to, inverse(0, four, m0, m1, m2, m3, m4, m5));
    v128.store(to, inverse(1, four, m0, m1, m2, m3, m4, m5), 96);
    v128.store(to, inverse(2, four, m0, m1, m2, m3, m4, m5), 192);
    v128.store(to, inverse(3, four, m0, m1, m2, m3, m4, m5), 288);
    p0 += matrixBytes, p1 += matrixBytes, p2 += matrixBytes, p3 += matrixBytes, p4 += matrixBytes, p5 += matrixBytes;
  }
}

/**
 * Aᵀ m A of one tile for all channels, finished and stored to at most `rows` × `columns` pixels at `y`.
 * Element e of the tile is read at m + e · matrixBytes; `temp` holds 24 vectors. `residual` may be 0.
 */
// @ts-ignore: decorator
@inline
export function tileInverse(
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
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  const four = held(4, i32x4.splat(channels >> 31));
  for (let left: isize = channels; left > 0; left -= 4) {
    inverseColumns(four, temp, m, matrixBytes);
    let p = y;
    let r = residual;
    const isWhole = left >= 4 && columns == 4 && !residual;
    for (let from = temp, end = temp + rows * SIDE * 16; from != end; from += SIDE * 16) {
      const m0 = v128.load(from), m1 = v128.load(from, 16), m2 = v128.load(from, 32), m3 = v128.load(from, 48);
      const m4 = v128.load(from, 64), m5 = v128.load(from, 80);
      const s0 = inverse(0, four, m0, m1, m2, m3, m4, m5), s1 = inverse(1, four, m0, m1, m2, m3, m4, m5);
      const s2 = inverse(2, four, m0, m1, m2, m3, m4, m5), s3 = inverse(3, four, m0, m1, m2, m3, m4, m5);
      if (isWhole) {
        v128.store(p, clamp(s0, lo, hi));
        v128.store(p + yPixel, clamp(s1, lo, hi));
        v128.store(p + 2 * yPixel, clamp(s2, lo, hi));
        v128.store(p + 3 * yPixel, clamp(s3, lo, hi));
      } else {
        storeSum(p, r, s0, lo, hi, left);
        if (columns > 1) storeSum(p + yPixel, r ? r + rPixel : 0, s1, lo, hi, left);
        if (columns > 2) storeSum(p + 2 * yPixel, r ? r + 2 * rPixel : 0, s2, lo, hi, left);
        if (columns > 3) storeSum(p + 3 * yPixel, r ? r + 3 * rPixel : 0, s3, lo, hi, left);
      }
      p += yRow;
      if (r) r += rRow;
    }
    m += 16;
    y += 16;
    if (residual) residual += 16;
  }
}
