// The transforms of Winograd's convolution F(n × n, 3 × 3): y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A for tiles of n + 2 input
// pixels a side, for n = 4 (points 0, ±1, ±2, ∞) and n = 2 (points 0, ±1, ∞). Weights are transformed in
// src/ops/winograd-weights.ts. Sums over input channels are products of matrices, one for each element of a tile.
//
// `n` and `side` = n + 2 are constants wherever they are parameters.
import { Epilogue, storeSum } from "./f32-epilogue";
import { madd, nmadd } from "./simd";

// @ts-ignore: decorator
@inline
function times(c: f32, x: v128): v128 {
  return f32x4.mul(f32x4.splat(c), x);
}

/** Stores the `side` elements of Bᵀd, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function storeForward(side: i32, to: usize, step: usize, d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128): void {
  if (side == 4) {
    v128.store(to, f32x4.sub(d0, d2));
    v128.store(to + step, f32x4.add(d1, d2));
    v128.store(to + 2 * step, f32x4.sub(d2, d1));
    v128.store(to + 3 * step, f32x4.sub(d1, d3));
    return;
  }
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  const even = nmadd(four, d2, d4);
  const odd = nmadd(four, d1, d3);
  v128.store(to, madd(four, d0, nmadd(five, d2, d4)));
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  const evenHalf = f32x4.sub(d4, d2);
  const oddHalf = times(2, f32x4.sub(d3, d1));
  v128.store(to + 3 * step, f32x4.add(evenHalf, oddHalf));
  v128.store(to + 4 * step, f32x4.sub(evenHalf, oddHalf));
  v128.store(to + 5 * step, madd(four, d1, nmadd(five, d3, d5)));
}

/** Loads where bit `at` of `inside` is set, else zero. */
// @ts-ignore: decorator
@inline
function loadInside(x: usize, inside: u32, at: i32): v128 {
  return inside & (1 << at) ? v128.load(x) : f32x4.splat(0);
}

/**
 * Bᵀ x B of one tile, for all channels: element e goes to v + e · matrixBytes. `x` is the tile's first pixel; bit i of
 * `rows` and `columns`: row or column i is inside the image. `temp` holds side² vectors.
 * Channels past the last one are written too, up to a multiple of four.
 */
// @ts-ignore: decorator
@inline
export function tileForward(
  side: i32,
  v: usize,
  x: usize,
  temp: usize,
  channels: usize,
  pixelBytes: usize,
  rowBytes: usize,
  rows: u32,
  columns: u32,
  matrixBytes: usize,
): void {
  const zero = f32x4.splat(0);
  for (const end = v + channels * 4; v < end; v += 16) {
    let p = x;
    for (let column = 0; column < side; column++) {
      const to = temp + column * 16;
      if (columns & (1 << column)) {
        const d0 = loadInside(p, rows, 0);
        const d1 = loadInside(p + rowBytes, rows, 1);
        const d2 = loadInside(p + 2 * rowBytes, rows, 2);
        const d3 = loadInside(p + 3 * rowBytes, rows, 3);
        const d4 = side == 6 ? loadInside(p + 4 * rowBytes, rows, 4) : zero;
        const d5 = side == 6 ? loadInside(p + 5 * rowBytes, rows, 5) : zero;
        storeForward(side, to, side * 16, d0, d1, d2, d3, d4, d5);
      } else {
        for (let row = 0; row < side; row++) v128.store(to + row * side * 16, zero);
      }
      p += pixelBytes;
    }
    for (let row = 0; row < side; row++) {
      const from = temp + row * side * 16;
      const d4 = side == 6 ? v128.load(from, 64) : zero;
      const d5 = side == 6 ? v128.load(from, 80) : zero;
      const to = v + row * side * matrixBytes;
      storeForward(side, to, matrixBytes, v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), d4, d5);
    }
    x += 16;
  }
}

/** Row `row` of Aᵀm, a constant. */
// @ts-ignore: decorator
@inline
function inverse(side: i32, row: i32, m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128): v128 {
  if (side == 4) return row == 0 ? f32x4.add(m0, f32x4.add(m1, m2)) : f32x4.sub(f32x4.sub(m1, m2), m3);
  if (row == 0) return f32x4.add(m0, f32x4.add(f32x4.add(m1, m2), f32x4.add(m3, m4)));
  if (row == 1) return madd(f32x4.splat(2), f32x4.sub(m3, m4), f32x4.sub(m1, m2));
  if (row == 2) return madd(f32x4.splat(4), f32x4.add(m3, m4), f32x4.add(m1, m2));
  return madd(f32x4.splat(8), f32x4.sub(m3, m4), f32x4.add(f32x4.sub(m1, m2), m5));
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
  for (let left: isize = channels; left > 0; left -= 4) {
    for (let column = 0; column < side; column++) {
      const from = m + column * matrixBytes;
      const step = side * matrixBytes;
      const m0 = v128.load(from);
      const m1 = v128.load(from + step);
      const m2 = v128.load(from + 2 * step);
      const m3 = v128.load(from + 3 * step);
      const m4 = side == 6 ? v128.load(from + 4 * step) : m0;
      const m5 = side == 6 ? v128.load(from + 5 * step) : m0;
      const to = temp + column * 16;
      v128.store(to, inverse(side, 0, m0, m1, m2, m3, m4, m5));
      v128.store(to + side * 16, inverse(side, 1, m0, m1, m2, m3, m4, m5));
      if (n > 2) v128.store(to + 2 * side * 16, inverse(side, 2, m0, m1, m2, m3, m4, m5));
      if (n > 2) v128.store(to + 3 * side * 16, inverse(side, 3, m0, m1, m2, m3, m4, m5));
    }
    for (let row = 0; row < rows; row++) {
      const from = temp + row * side * 16;
      const m0 = v128.load(from);
      const m1 = v128.load(from, 16);
      const m2 = v128.load(from, 32);
      const m3 = v128.load(from, 48);
      const m4 = side == 6 ? v128.load(from, 64) : m0;
      const m5 = side == 6 ? v128.load(from, 80) : m0;
      const p = y + row * yRow;
      const r = residual ? residual + row * rRow : 0;
      storeSum(p, r, inverse(side, 0, m0, m1, m2, m3, m4, m5), lo, hi, left);
      if (columns > 1) storeSum(p + yPixel, r ? r + rPixel : 0, inverse(side, 1, m0, m1, m2, m3, m4, m5), lo, hi, left);
      if (n > 2 && columns > 2) storeSum(p + 2 * yPixel, r ? r + 2 * rPixel : 0, inverse(side, 2, m0, m1, m2, m3, m4, m5), lo, hi, left);
      if (n > 2 && columns > 3) storeSum(p + 3 * yPixel, r ? r + 3 * rPixel : 0, inverse(side, 3, m0, m1, m2, m3, m4, m5), lo, hi, left);
    }
    m += 16;
    y += 16;
    if (residual) residual += 16;
  }
}
