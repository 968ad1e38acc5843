// Depthwise convolution of neighbouring output pixels, four channels at a time.
//
// Weights lie by blocks of four channels, in the order in which they are read; channels past the last one are zero:
//   block:  | bias 4×f32 | tap (0, 0): 4×f32 | tap (0, 1): 4×f32 | … |
import { Epilogue } from "./f32-epilogue";
import { clamp, madd } from "./simd";
import { storeSome } from "./tail";

/** sum + x · (weight of tap `tap` of a row of `k`), where there is such a tap. `tap` and `k` are constants. */
// @ts-ignore: decorator
@inline
function mac(sum: v128, x: v128, tap: i32, k: i32, w0: v128, w1: v128, w2: v128, w3: v128, w4: v128): v128 {
  if (tap < 0 || tap >= k) return sum;
  if (tap == 0) return madd(x, w0, sum);
  if (tap == 1) return madd(x, w1, sum);
  if (tap == 2) return madd(x, w2, sum);
  if (tap == 3) return madd(x, w3, sum);
  return madd(x, w4, sum);
}

/** sum + the residual's pixel `i` of `count`, or the last one's past it, so that nothing far away is read. */
// @ts-ignore: decorator
@inline
function addResidual(sum: v128, residual: usize, step: usize, i: usize, count: usize): v128 {
  return f32x4.add(sum, v128.load(residual + min(i, count - 1) * step));
}

/** Clamps and stores `lanes` channels of `count` pixels, at most four, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function storePixels(y: usize, step: usize, count: usize, lanes: isize, c0: v128, c1: v128, c2: v128, c3: v128, lo: v128, hi: v128): void {
  c0 = clamp(c0, lo, hi);
  c1 = clamp(c1, lo, hi);
  c2 = clamp(c2, lo, hi);
  c3 = clamp(c3, lo, hi);
  if (lanes >= 4) {
    v128.store(y, c0);
    if (count > 1) v128.store(y + step, c1);
    if (count > 2) v128.store(y + 2 * step, c2);
    if (count > 3) v128.store(y + 3 * step, c3);
  } else {
    storeSome(y, c0, lanes);
    if (count > 1) storeSome(y + step, c1, lanes);
    if (count > 2) storeSome(y + 2 * step, c2, lanes);
    if (count > 3) storeSome(y + 3 * step, c3, lanes);
  }
}

/**
 * All channels of `count` output pixels, at most `n`, of one row for a kernel of width `k` and a stride `s`.
 * `n` (4 or 8), `k` (3 or 5) and `s` (1 or 2; 1 where n is 8) are constants.
 * `x`: first input column of the first pixel, in the first of `rows` rows of the kernel that lie inside the image.
 * `w`: first weight block; `skip`: bytes of the kernel's rows before those. Bit j of `inside`: column j is inside.
 * `residual` may be 0. Reads, but does not use, up to 12 bytes past the last channel.
 */
// @ts-ignore: decorator
@inline
export function pixelBlock(
  n: i32,
  k: i32,
  s: i32,
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  channels: usize,
  pixelBytes: usize,
  rowBytes: usize,
  yBytes: usize,
  rBytes: usize,
  count: usize,
  inside: u32,
  rows: usize,
  skip: usize,
): void {
  const columns = (n - 1) * s + k;
  const weightRow: usize = k * 16;
  const blockBytes: usize = weightRow * k + 16;
  const after = blockBytes - skip - rows * weightRow;
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  for (let left: isize = channels; left > 0; left -= 4) {
    let c0 = v128.load(w), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
    if (residual) {
      c0 = addResidual(c0, residual, rBytes, 0, count);
      c1 = addResidual(c1, residual, rBytes, 1, count);
      c2 = addResidual(c2, residual, rBytes, 2, count);
      c3 = addResidual(c3, residual, rBytes, 3, count);
      if (n > 4) {
        c4 = addResidual(c4, residual, rBytes, 4, count);
        c5 = addResidual(c5, residual, rBytes, 5, count);
        c6 = addResidual(c6, residual, rBytes, 6, count);
        c7 = addResidual(c7, residual, rBytes, 7, count);
      }
      residual += 16;
    }
    w += skip;
    let row = x;
    for (let i = rows; i > 0; i--) {
      const w0 = v128.load(w, 16);
      const w1 = v128.load(w, 32);
      const w2 = v128.load(w, 48);
      const w3 = k > 3 ? v128.load(w, 64) : w0;
      const w4 = k > 4 ? v128.load(w, 80) : w0;
      let p = row;
      if (inside & 1) {
        const v = v128.load(p);
        c0 = mac(c0, v, 0, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 0 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 0 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 0 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 0 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 0 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 0 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 0 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (inside & 2) {
        const v = v128.load(p);
        c0 = mac(c0, v, 1, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 1 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 1 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 1 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 1 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 1 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 1 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 1 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (inside & 4) {
        const v = v128.load(p);
        c0 = mac(c0, v, 2, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 2 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 2 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 2 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 2 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 2 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 2 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 2 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (inside & 8) {
        const v = v128.load(p);
        c0 = mac(c0, v, 3, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 3 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 3 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 3 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 3 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 3 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 3 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 3 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (inside & 16) {
        const v = v128.load(p);
        c0 = mac(c0, v, 4, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 4 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 4 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 4 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 4 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 4 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 4 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 4 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (inside & 32) {
        const v = v128.load(p);
        c0 = mac(c0, v, 5, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 5 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 5 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 5 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 5 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 5 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 5 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 5 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (6 < columns && inside & 64) {
        const v = v128.load(p);
        c0 = mac(c0, v, 6, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 6 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 6 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 6 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 6 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 6 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 6 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 6 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (7 < columns && inside & 128) {
        const v = v128.load(p);
        c0 = mac(c0, v, 7, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 7 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 7 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 7 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 7 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 7 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 7 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 7 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (8 < columns && inside & 256) {
        const v = v128.load(p);
        c0 = mac(c0, v, 8, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 8 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 8 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 8 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 8 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 8 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 8 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 8 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (9 < columns && inside & 512) {
        const v = v128.load(p);
        c0 = mac(c0, v, 9, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 9 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 9 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 9 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 9 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 9 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 9 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 9 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (10 < columns && inside & 1024) {
        const v = v128.load(p);
        c0 = mac(c0, v, 10, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 10 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 10 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 10 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 10 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 10 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 10 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 10 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      p += pixelBytes;
      if (11 < columns && inside & 2048) {
        const v = v128.load(p);
        c0 = mac(c0, v, 11, k, w0, w1, w2, w3, w4); c1 = mac(c1, v, 11 - s, k, w0, w1, w2, w3, w4);
        c2 = mac(c2, v, 11 - 2 * s, k, w0, w1, w2, w3, w4); c3 = mac(c3, v, 11 - 3 * s, k, w0, w1, w2, w3, w4);
        if (n > 4) {
          c4 = mac(c4, v, 11 - 4 * s, k, w0, w1, w2, w3, w4); c5 = mac(c5, v, 11 - 5 * s, k, w0, w1, w2, w3, w4);
          c6 = mac(c6, v, 11 - 6 * s, k, w0, w1, w2, w3, w4); c7 = mac(c7, v, 11 - 7 * s, k, w0, w1, w2, w3, w4);
        }
      }
      row += rowBytes;
      w += weightRow;
    }
    storePixels(y, yBytes, count, left, c0, c1, c2, c3, lo, hi);
    if (n > 4 && count > 4) storePixels(y + 4 * yBytes, yBytes, count - 4, left, c4, c5, c6, c7, lo, hi);
    w += after;
    x += 16;
    y += 16;
  }
}
