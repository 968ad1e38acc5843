// The transforms of Winograd's convolution of 4 × 4 output pixels with a kernel of 3 × 3 and stride 2, made of tiles of
// 9 × 9 input pixels: y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A. Along each axis the five even input pixels meet two taps, by
// F(4, 2) (points 0, ±1, 2, ∞), and make the first five elements; the four odd ones meet the tap between those, and are the other
// four, which share their weights. Weights are transformed in src/ops/winograd-weights.ts.
import { Epilogue, storeSum } from "./f32-epilogue";
import { held } from "./math";
import { madd } from "./simd";

/** Elements a side of a tile, and output pixels. */
const SIDE: usize = 9;
const PIXELS: usize = 4;

/** Bᵀd of nine vectors, `step` bytes apart from `from` on, to `to`, `toStep` bytes apart. */
// @ts-ignore: decorator
@inline
function forward(to: usize, toStep: usize, from: usize, step: usize, three: v128): void {
  const d0 = v128.load(from);
  from += step;
  const d1 = v128.load(from);
  from += step;
  const d2 = v128.load(from);
  from += step;
  const d3 = v128.load(from);
  from += step;
  const d4 = v128.load(from);
  from += step;
  const d5 = v128.load(from);
  from += step;
  const d6 = v128.load(from);
  from += step;
  const d7 = v128.load(from);
  const d8 = v128.load(from + step);
  const odd = f32x4.sub(d6, d2), low = f32x4.sub(d0, d4);
  v128.store(to, f32x4.add(odd, f32x4.add(low, low)));
  to += toStep;
  v128.store(to, f32x4.sub(odd, f32x4.add(d2, d4)));
  to += toStep;
  v128.store(to, madd(three, f32x4.sub(d2, d4), odd));
  to += toStep;
  v128.store(to, odd);
  to += toStep;
  v128.store(to, f32x4.sub(f32x4.sub(d8, d4), f32x4.add(odd, odd)));
  to += toStep;
  v128.store(to, d1);
  to += toStep;
  v128.store(to, d3);
  to += toStep;
  v128.store(to, d5);
  v128.store(to + toStep, d7);
}

/**
 * Bᵀ x B of one tile that lies inside the image, for all channels: element e goes to v + e · matrixBytes. `x` is the
 * tile's first pixel. `temp` holds 81 vectors. Channels past the last one are written too, up to a multiple of four.
 */
// @ts-ignore: decorator
@inline
export function stridedForward(v: usize, x: usize, temp: usize, channels: usize, pixelBytes: usize, rowBytes: usize, matrixBytes: usize): void {
  const three = held(3, i32x4.splat(channels >> 31));
  for (const end = v + channels * 4; v < end; v += 16) {
    // Columns, from the image to `temp`; then rows, from there to the matrices.
    let from = x, nextFrom = pixelBytes, step = rowBytes;
    let to = temp, nextTo: usize = 16, toStep = SIDE * 16;
    while (true) {
      for (let lines = SIDE; lines > 0; lines--) {
        forward(to, toStep, from, step, three);
        from += nextFrom;
        to += nextTo;
      }
      if (nextTo > 16) break;
      from = temp, nextFrom = SIDE * 16, step = 16;
      to = v, nextTo = SIDE * matrixBytes, toStep = matrixBytes;
    }
    x += 16;
  }
}

/** Aᵀm of nine vectors, `step` bytes apart from `from` on, to `to`, `toStep` bytes apart. */
// @ts-ignore: decorator
@inline
function inverse(to: usize, toStep: usize, from: usize, step: usize, four: v128): void {
  const m0 = v128.load(from);
  from += step;
  const m1 = v128.load(from);
  from += step;
  const m2 = v128.load(from);
  from += step;
  const m3 = v128.load(from);
  from += step;
  const m4 = v128.load(from);
  const sum = f32x4.add(m1, m2);
  from += step;
  const m5 = v128.load(from);
  from += step;
  const m6 = v128.load(from);
  from += step;
  const m7 = v128.load(from);
  const m8 = v128.load(from + step);
  const difference = f32x4.sub(m1, m2), twice = f32x4.add(m3, m3);
  v128.store(to, f32x4.add(f32x4.add(m0, sum), f32x4.add(m3, m5)));
  to += toStep;
  v128.store(to, f32x4.add(difference, f32x4.add(twice, m6)));
  to += toStep;
  v128.store(to, f32x4.add(sum, madd(four, m3, m7)));
  v128.store(to + toStep, f32x4.add(difference, madd(four, twice, f32x4.add(m4, m8))));
}

/**
 * Aᵀ m A of one tile for all channels, finished and stored to at most `rows` × `columns` pixels at `y`.
 * Element e of the tile is read at m + e · matrixBytes; `temp` holds n · SIDE + n² vectors. `residual` may be 0.
 */
// @ts-ignore: decorator
@inline
export function stridedInverse(
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
  const block = temp + PIXELS * SIDE * 16;
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  const four = held(4, i32x4.splat(channels >> 31));
  for (let left: isize = channels; left > 0; left -= 4) {
    // Columns, from the matrices to `temp`; then rows, from there to `block`.
    let from = m, nextFrom = matrixBytes, step = SIDE * matrixBytes;
    let to = temp, nextTo: usize = 16, toStep = SIDE * 16, lines = SIDE;
    while (true) {
      for (; lines > 0; lines--) {
        inverse(to, toStep, from, step, four);
        from += nextFrom;
        to += nextTo;
      }
      if (nextTo > 16) break;
      from = temp, nextFrom = SIDE * 16, step = 16;
      to = block, nextTo = PIXELS * 16, toStep = 16, lines = rows;
    }
    for (let row = 0; row < rows; row++) {
      let p = y + row * yRow, r = residual ? residual + row * rRow : 0;
      from = block + row * PIXELS * 16;
      for (const end = from + columns * 16; from != end; from += 16) {
        storeSum(p, r, v128.load(from), lo, hi, left);
        p += yPixel;
        if (r) r += rPixel;
      }
    }
    m += 16;
    y += 16;
    if (residual) residual += 16;
  }
}
