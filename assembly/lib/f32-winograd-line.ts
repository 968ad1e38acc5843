// The transforms of Winograd's convolution along a line, F(n, 9 − n): y = Aᵀ [ (G w) ⊙ (Bᵀ x) ] for tiles of eight input
// pixels and n output pixels, for every kernel of 9 − n taps (points 0, ±1, ±2, ±½, ∞). Only G, in
// src/ops/winograd-line-weights.ts, and how many rows of Aᵀ there are depend on the taps.
import { Epilogue, storeSum } from "./f32-epilogue";
import { held } from "./math";
import { madd, nmadd } from "./simd";

/** Input pixels of a tile, and matrices of a band. */
// @ts-ignore: decorator
@inline export const TILE: usize = 8;

/**
 * Bᵀx of one tile that lies inside its line, for all channels: element e goes to v + e · matrixBytes. `x` is the tile's
 * first pixel, `step` bytes from the next. Channels past the last one are written too, up to a multiple of four.
 */
export function lineForward(v: usize, x: usize, channels: usize, step: usize, matrixBytes: usize): void {
  const zero = i32x4.splat(channels >> 31);
  const c525 = held(5.25, zero), c425 = held(4.25, zero), c25 = held(2.5, zero), c125 = held(1.25, zero), c5 = held(5, zero);
  const c4 = held(4, zero), c2 = held(2, zero), half = held(0.5, zero), quarter = held(0.25, zero);
  for (const end = v + channels * 4; v < end; v += 16) {
    let p = x;
    const d0 = v128.load(p);
    p += step;
    const d1 = v128.load(p);
    p += step;
    const d2 = v128.load(p);
    p += step;
    const d3 = v128.load(p);
    p += step;
    const d4 = v128.load(p);
    p += step;
    const d5 = v128.load(p);
    p += step;
    const d6 = v128.load(p);
    const d7 = v128.load(p + step);
    let q = v;
    v128.store(q, madd(c525, f32x4.sub(d4, d2), f32x4.sub(d0, d6)));
    let even = nmadd(c425, d4, f32x4.add(d2, d6));
    let odd = nmadd(c425, d3, f32x4.add(d1, d5));
    q += matrixBytes;
    v128.store(q, f32x4.add(even, odd));
    q += matrixBytes;
    v128.store(q, f32x4.sub(even, odd));
    even = nmadd(c125, d4, madd(quarter, d2, d6));
    odd = madd(c2, d5, nmadd(c25, d3, f32x4.mul(half, d1)));
    q += matrixBytes;
    v128.store(q, f32x4.add(even, odd));
    q += matrixBytes;
    v128.store(q, f32x4.sub(even, odd));
    even = nmadd(c5, d4, madd(c4, d2, d6));
    odd = madd(half, d5, nmadd(c25, d3, f32x4.add(d1, d1)));
    q += matrixBytes;
    v128.store(q, f32x4.add(even, odd));
    q += matrixBytes;
    v128.store(q, f32x4.sub(even, odd));
    v128.store(q + matrixBytes, madd(c525, f32x4.sub(d3, d5), f32x4.sub(d7, d1)));
    x += 16;
  }
}

/**
 * Aᵀm of one tile for all channels, finished: the first `pixels` of its `n` pixels are stored from `y` on, `yStep` bytes
 * apart. Element e of the tile is read at m + e · matrixBytes. `residual` may be 0.
 */
export function lineInverse(
  y: usize,
  m: usize,
  residual: usize,
  epilogue: Epilogue,
  channels: usize,
  n: usize,
  pixels: usize,
  matrixBytes: usize,
  yStep: usize,
  rStep: usize,
): void {
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  const zero = i32x4.splat(channels >> 31);
  const four = held(4, zero), half = held(0.5, zero), quarter = held(0.25, zero);
  for (let left: isize = channels; left > 0; left -= 4) {
    let p = m + matrixBytes;
    const m1 = v128.load(p);
    p += matrixBytes;
    const m2 = v128.load(p);
    p += matrixBytes;
    const m3 = v128.load(p);
    p += matrixBytes;
    const m4 = v128.load(p);
    p += matrixBytes;
    const m5 = v128.load(p);
    p += matrixBytes;
    const m6 = v128.load(p);
    const one = f32x4.add(m1, m2), minus = f32x4.sub(m1, m2);
    let two = f32x4.add(m3, m4), twice = f32x4.sub(m3, m4);
    let part = f32x4.add(m5, m6), halved = f32x4.mul(half, f32x4.sub(m5, m6));
    twice = f32x4.add(twice, twice);
    let first = v128.load(m);
    let to = y, r = residual;
    // Two pixels at a time, j and j + 1: the points' powers grow and shrink by four.
    for (let j: usize = 0; j < pixels; j += 2) {
      let sum = f32x4.add(first, f32x4.add(one, f32x4.add(two, part)));
      if (j + 1 == n) sum = f32x4.add(sum, v128.load(p + matrixBytes));
      storeSum(to, r, sum, lo, hi, left);
      if (j + 1 == pixels) break;
      to += yStep;
      if (r) r += rStep;
      sum = f32x4.add(minus, f32x4.add(twice, halved));
      if (j + 2 == n) sum = f32x4.add(sum, v128.load(p + matrixBytes));
      storeSum(to, r, sum, lo, hi, left);
      to += yStep;
      if (r) r += rStep;
      first = zero;
      two = f32x4.mul(two, four);
      twice = f32x4.mul(twice, four);
      part = f32x4.mul(part, quarter);
      halved = f32x4.mul(halved, quarter);
    }
    m += 16;
    y += 16;
    if (residual) residual += 16;
  }
}
