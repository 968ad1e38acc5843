// The transforms of Winograd's 3 × 3 convolution, y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A, in forms that are less frequent than F(4 × 4)
// of f32-winograd.ts: one loop over lines that is generic in a class. Weights are transformed in src/ops/winograd-weights.ts.
import { Epilogue, storeSum } from "./f32-epilogue";
import { held } from "./math";
import { madd } from "./simd";

/**
 * Stride 2, 4 × 4 output pixels of 9 × 9 input pixels. Along each axis the five even input pixels meet two taps, by F(4, 2)
 * (points 0, ±1, 2, ∞), and make the first five elements; the four odd ones meet the tap between those, and are the other
 * four, which share their weights.
 */
export class Strided {
  // @ts-ignore: decorator
  @inline side(): usize {
    return 9;
  }
  // @ts-ignore: decorator
  @inline pixels(): usize {
    return 4;
  }
  /** Bᵀd of nine vectors, `step` bytes apart from `from` on, to `to`, `toStep` bytes apart. */
  // @ts-ignore: decorator
  @inline forward(to: usize, toStep: usize, from: usize, step: usize, three: v128): void {
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
  /** Aᵀm of nine vectors, `step` bytes apart from `from` on, to `to`, `toStep` bytes apart. */
  // @ts-ignore: decorator
  @inline inverse(to: usize, toStep: usize, from: usize, step: usize, four: v128): void {
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
}

/** F(2 × 2, 3 × 3): stride 1, 2 × 2 output pixels of 4 × 4 input pixels (points 0, ±1, ∞). */
export class Small {
  // @ts-ignore: decorator
  @inline side(): usize {
    return 4;
  }
  // @ts-ignore: decorator
  @inline pixels(): usize {
    return 2;
  }
  // @ts-ignore: decorator
  @inline forward(to: usize, toStep: usize, from: usize, step: usize, three: v128): void {
    const d0 = v128.load(from), d1 = v128.load(from + step);
    from += 2 * step;
    const d2 = v128.load(from), d3 = v128.load(from + step);
    v128.store(to, f32x4.sub(d0, d2));
    v128.store(to + toStep, f32x4.add(d1, d2));
    to += 2 * toStep;
    v128.store(to, f32x4.sub(d2, d1));
    v128.store(to + toStep, f32x4.sub(d1, d3));
  }
  // @ts-ignore: decorator
  @inline inverse(to: usize, toStep: usize, from: usize, step: usize, four: v128): void {
    const m0 = v128.load(from), m1 = v128.load(from + step);
    from += 2 * step;
    const m2 = v128.load(from), m3 = v128.load(from + step);
    v128.store(to, f32x4.add(m0, f32x4.add(m1, m2)));
    v128.store(to + toStep, f32x4.sub(f32x4.sub(m1, m2), m3));
  }
}

/**
 * Bᵀ x B of one tile that lies inside the image, for all channels: element e goes to v + e · matrixBytes. `x` is the
 * tile's first pixel. `temp` holds side² vectors. Channels past the last one are written too, up to a multiple of four.
 */
// @ts-ignore: decorator
@inline
export function formForward<F>(v: usize, x: usize, temp: usize, channels: usize, pixelBytes: usize, rowBytes: usize, matrixBytes: usize): void {
  const f = changetype<F>(0), side = f.side();
  const three = held(3, i32x4.splat(channels >> 31));
  for (const end = v + channels * 4; v < end; v += 16) {
    // Columns, from the image to `temp`; then rows, from there to the matrices.
    let from = x, nextFrom = pixelBytes, step = rowBytes;
    let to = temp, nextTo: usize = 16, toStep = side * 16;
    while (true) {
      for (let lines = side; lines > 0; lines--) {
        f.forward(to, toStep, from, step, three);
        from += nextFrom;
        to += nextTo;
      }
      if (nextTo > 16) break;
      from = temp, nextFrom = side * 16, step = 16;
      to = v, nextTo = side * matrixBytes, toStep = matrixBytes;
    }
    x += 16;
  }
}

/**
 * Aᵀ m A of one tile for all channels, finished and stored to at most `rows` × `columns` pixels at `y`.
 * Element e of the tile is read at m + e · matrixBytes; `temp` holds pixels · (side + pixels) vectors. `residual` may be 0.
 */
// @ts-ignore: decorator
@inline
export function formInverse<F>(
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
  const f = changetype<F>(0), side = f.side(), pixels = f.pixels();
  const block = temp + pixels * side * 16;
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  const four = held(4, i32x4.splat(channels >> 31));
  for (let left: isize = channels; left > 0; left -= 4) {
    // Columns, from the matrices to `temp`; then rows, from there to `block`.
    let from = m, nextFrom = matrixBytes, step = side * matrixBytes;
    let to = temp, nextTo: usize = 16, toStep = side * 16, lines = side;
    while (true) {
      for (; lines > 0; lines--) {
        f.inverse(to, toStep, from, step, four);
        from += nextFrom;
        to += nextTo;
      }
      if (nextTo > 16) break;
      from = temp, nextFrom = side * 16, step = 16;
      to = block, nextTo = pixels * 16, toStep = 16, lines = rows;
    }
    for (let row = 0; row < rows; row++) {
      let p = y + row * yRow, r = residual ? residual + row * rRow : 0;
      from = block + row * pixels * 16;
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
