// Output rows of eight channels of a depthwise int8 convolution: first their int32 sums, then their
// rounding, so that each loop keeps all it needs in registers. The layouts are drawn in kernels/qs8-dwconv.
import { dot, PANEL_HEAD } from "./qs8-panel";
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize, requantizeNear, storeBytes } from "./requantize";
import { dotBytes } from "./simd";

/** Bytes of a column of two rows; also of a pixel's eight sums. */
// @ts-ignore: decorator
@inline export const COLUMN: usize = 32;

/** sum + w · x: two products of int16 to each sum, or four of bytes. */
// @ts-ignore: decorator
@inline
function dotOf<T>(x: v128, w: v128, sum: v128): v128 {
  return sizeof<T>() == 1 ? dotBytes(w, x, sum) : dot(x, w, sum);
}

/**
 * Sums of pixels up to a multiple of four ≥ `width`, for any kernel: `groups` of two rows of int16 or four of bytes, as T says, `pitch`
 * bytes apart, of `taps` columns, `tapStep` bytes apart; a pixel's window begins `pixelStep` bytes after its neighbour's.
 */
export function sumRow<T>(
  sums: usize, x: usize, bias: usize, weights: usize, width: usize, groups: usize, pitch: usize, taps: usize, tapStep: usize, pixelStep: usize,
): void {
  const bias0 = v128.load(bias), bias1 = v128.load(bias, 16);
  const rewind = pitch - taps * tapStep;
  for (const end = sums + width * COLUMN; sums < end; sums += 4 * COLUMN, x += 4 * pixelStep) {
    let acc00 = bias0, acc01 = bias1, acc10 = bias0, acc11 = bias1;
    let acc20 = bias0, acc21 = bias1, acc30 = bias0, acc31 = bias1;
    let w = weights;
    let a0 = x, a1 = a0 + pixelStep, a2 = a1 + pixelStep, a3 = a2 + pixelStep;
    for (let group = groups; group > 0; group--) {
      for (let tap = taps; tap > 0; tap--) {
        const w0 = v128.load(w), w1 = v128.load(w, 16);
        acc00 = dotOf<T>(v128.load(a0), w0, acc00), acc01 = dotOf<T>(v128.load(a0, 16), w1, acc01);
        acc10 = dotOf<T>(v128.load(a1), w0, acc10), acc11 = dotOf<T>(v128.load(a1, 16), w1, acc11);
        // never taken: without it V8 11.3 moves all loads to the top of the loop and spills; with more of them V8 13.6 loses
        if (!a2) break;
        acc20 = dotOf<T>(v128.load(a2), w0, acc20), acc21 = dotOf<T>(v128.load(a2, 16), w1, acc21);
        acc30 = dotOf<T>(v128.load(a3), w0, acc30), acc31 = dotOf<T>(v128.load(a3, 16), w1, acc31);
        w += COLUMN;
        a0 += tapStep, a1 += tapStep, a2 += tapStep, a3 += tapStep;
      }
      a0 += rewind, a1 += rewind, a2 += rewind, a3 += rewind;
    }
    v128.store(sums, acc00), v128.store(sums, acc01, 16);
    v128.store(sums, acc10, 32), v128.store(sums, acc11, 48);
    v128.store(sums, acc20, 64), v128.store(sums, acc21, 80);
    v128.store(sums, acc30, 96), v128.store(sums, acc31, 112);
  }
}

/** sumRow<i8> for 3×3 taps, which are one group of rows, and stride 1: a column is read once, and no pixel past the row's end is summed. */
export function sumRow3Bytes(sums: usize, x: usize, bias: usize, w: usize, width: usize): void {
  const first0 = v128.load(bias), first1 = v128.load(bias, 16);
  const w00 = v128.load(w), w01 = v128.load(w, 16), w10 = v128.load(w, 32), w11 = v128.load(w, 48), w20 = v128.load(w, 64), w21 = v128.load(w, 80);
  let v0 = v128.load(x, 32), v1 = v128.load(x, 48);
  let a0 = dotBytes(w10, v0, dotBytes(w00, v128.load(x), first0)), a1 = dotBytes(w11, v1, dotBytes(w01, v128.load(x, 16), first1));
  let b0 = dotBytes(w00, v0, first0), b1 = dotBytes(w01, v1, first1);
  for (const end = sums + width * COLUMN; ; ) {
    v0 = v128.load(x, 64), v1 = v128.load(x, 80);
    v128.store(sums, dotBytes(w20, v0, a0)), v128.store(sums, dotBytes(w21, v1, a1), 16);
    sums += COLUMN;
    if (sums == end) return;
    b0 = dotBytes(w10, v0, b0), b1 = dotBytes(w11, v1, b1);
    a0 = dotBytes(w00, v0, first0), a1 = dotBytes(w01, v1, first1);
    v0 = v128.load(x, 96), v1 = v128.load(x, 112);
    v128.store(sums, dotBytes(w20, v0, b0)), v128.store(sums, dotBytes(w21, v1, b1), 16);
    sums += COLUMN;
    if (sums == end) return;
    a0 = dotBytes(w10, v0, a0), a1 = dotBytes(w11, v1, a1);
    b0 = dotBytes(w00, v0, first0), b1 = dotBytes(w01, v1, first1);
    x += 2 * COLUMN;
  }
}

/** sumRow3Bytes for stride 2. */
export function sumMovingRow3Bytes(sums: usize, x: usize, bias: usize, w: usize, width: usize): void {
  const first0 = v128.load(bias), first1 = v128.load(bias, 16);
  const w00 = v128.load(w), w01 = v128.load(w, 16), w10 = v128.load(w, 32), w11 = v128.load(w, 48), w20 = v128.load(w, 64), w21 = v128.load(w, 80);
  for (const end = sums + width * COLUMN; sums < end; sums += COLUMN, x += 2 * COLUMN) {
    const a0 = dotBytes(w10, v128.load(x, 32), dotBytes(w00, v128.load(x), first0)), a1 = dotBytes(w11, v128.load(x, 48), dotBytes(w01, v128.load(x, 16), first1));
    v128.store(sums, dotBytes(w20, v128.load(x, 64), a0)), v128.store(sums, dotBytes(w21, v128.load(x, 80), a1), 16);
  }
}

/** The taps of one column in two pairs of rows. */
// @ts-ignore: decorator
@inline
function tap(top: v128, bottom: v128, wTop: v128, wBottom: v128, sum: v128): v128 {
  return dot(bottom, wBottom, dot(top, wTop, sum));
}

/**
 * Sums of the rows from `begin` to `end` of a band for 3×3 taps and stride 1 (S is i8) or 2 (S is i16), a row's sums right after those
 * of the row before. The weights of four channels stay in registers, each column is read once, and no pixel past a row's end is summed.
 */
export function sumRows3<S>(sums: usize, band: usize, panel: usize, width: usize, begin: usize, end: usize, pitch: usize): void {
  for (let half: usize = 0; half < 32; half += 16) {
    const first = v128.load(panel + half);
    for (let row = begin, to = sums + half; row < end; row++) {
      const start = row * sizeof<S>();
      const w = panel + half + PANEL_HEAD + (start & 1) * (6 * COLUMN);
      const wa0 = v128.load(w), wa1 = v128.load(w, 32), wa2 = v128.load(w, 64);
      const wb0 = v128.load(w, 96), wb1 = v128.load(w, 128), wb2 = v128.load(w, 160);
      let a = band + half + (start >> 1) * pitch, b = a + pitch;
      const rowEnd = to + width * COLUMN;
      let acc0 = tap(v128.load(a), v128.load(b), wa0, wb0, first), acc1 = first;
      if (sizeof<S>() == 1) {
        const top = v128.load(a, 32), bottom = v128.load(b, 32);
        acc0 = tap(top, bottom, wa1, wb1, acc0);
        acc1 = tap(top, bottom, wa0, wb0, acc1);
      }
      for (;;) {
        if (sizeof<S>() == 2) acc0 = tap(v128.load(a, 32), v128.load(b, 32), wa1, wb1, acc0);
        let top = v128.load(a, 64), bottom = v128.load(b, 64);
        v128.store(to, tap(top, bottom, wa2, wb2, acc0));
        to += COLUMN;
        if (to == rowEnd) break;
        if (sizeof<S>() == 1) {
          acc1 = tap(top, bottom, wa1, wb1, acc1);
          acc0 = tap(top, bottom, wa0, wb0, first);
          top = v128.load(a, 96), bottom = v128.load(b, 96);
        } else {
          acc1 = tap(top, bottom, wa0, wb0, first);
          acc1 = tap(v128.load(a, 96), v128.load(b, 96), wa1, wb1, acc1);
          top = v128.load(a, 128), bottom = v128.load(b, 128);
        }
        v128.store(to, tap(top, bottom, wa2, wb2, acc1));
        to += COLUMN;
        if (to == rowEnd) break;
        a += 2 * COLUMN * sizeof<S>(), b += 2 * COLUMN * sizeof<S>();
        if (sizeof<S>() == 1) {
          acc0 = tap(top, bottom, wa1, wb1, acc0);
          acc1 = tap(top, bottom, wa0, wb0, first);
        } else {
          acc0 = tap(top, bottom, wa0, wb0, first);
        }
      }
    }
  }
}

/** sumRow<i16> for five taps in a row and stride 1 (S is i8) or 2 (S is i16): a pair's weights of four channels stay in registers for four pixels. */
export function sumRow5<S>(sums: usize, x: usize, bias: usize, weights: usize, width: usize, pairs: usize, pitch: usize): void {
  for (let half: usize = 0; half < 32; half += 16) {
    const first = v128.load(bias + half);
    let from = x + half, to = sums + half;
    for (const end = to + width * COLUMN; to < end; to += 4 * COLUMN, from += 4 * COLUMN * sizeof<S>()) {
      let acc0 = first, acc1 = first, acc2 = first, acc3 = first;
      let a = from, w = weights + half;
      for (let pair = pairs; pair > 0; pair--) {
        const w0 = v128.load(w), w1 = v128.load(w, 32), w2 = v128.load(w, 64), w3 = v128.load(w, 96), w4 = v128.load(w, 128);
        if (sizeof<S>() == 1) {
          acc0 = dot(v128.load(a), w0, acc0);
          let v = v128.load(a, 32);
          acc0 = dot(v, w1, acc0), acc1 = dot(v, w0, acc1);
          v = v128.load(a, 64);
          acc0 = dot(v, w2, acc0), acc1 = dot(v, w1, acc1), acc2 = dot(v, w0, acc2);
          v = v128.load(a, 96);
          acc0 = dot(v, w3, acc0), acc1 = dot(v, w2, acc1), acc2 = dot(v, w1, acc2), acc3 = dot(v, w0, acc3);
          // never taken: without it V8 11.3 moves all loads to the top of the loop and spills
          if (!a) break;
          v = v128.load(a, 128);
          acc0 = dot(v, w4, acc0), acc1 = dot(v, w3, acc1), acc2 = dot(v, w2, acc2), acc3 = dot(v, w1, acc3);
          v = v128.load(a, 160);
          acc1 = dot(v, w4, acc1), acc2 = dot(v, w3, acc2), acc3 = dot(v, w2, acc3);
          v = v128.load(a, 192);
          acc2 = dot(v, w4, acc2), acc3 = dot(v, w3, acc3);
          acc3 = dot(v128.load(a, 224), w4, acc3);
        } else {
          acc0 = dot(v128.load(a), w0, acc0);
          acc0 = dot(v128.load(a, 32), w1, acc0);
          let v = v128.load(a, 64);
          acc0 = dot(v, w2, acc0), acc1 = dot(v, w0, acc1);
          v = v128.load(a, 96);
          acc0 = dot(v, w3, acc0), acc1 = dot(v, w1, acc1);
          v = v128.load(a, 128);
          acc0 = dot(v, w4, acc0), acc1 = dot(v, w2, acc1), acc2 = dot(v, w0, acc2);
          v = v128.load(a, 160);
          acc1 = dot(v, w3, acc1), acc2 = dot(v, w1, acc2);
          if (!a) break;
          v = v128.load(a, 192);
          acc1 = dot(v, w4, acc1), acc2 = dot(v, w2, acc2), acc3 = dot(v, w0, acc3);
          v = v128.load(a, 224);
          acc2 = dot(v, w3, acc2), acc3 = dot(v, w1, acc3);
          v = v128.load(a, 256);
          acc2 = dot(v, w4, acc2), acc3 = dot(v, w2, acc3);
          acc3 = dot(v128.load(a, 288), w3, acc3);
          acc3 = dot(v128.load(a, 320), w4, acc3);
        }
        a += pitch, w += 5 * COLUMN;
      }
      v128.store(to, acc0), v128.store(to, acc1, 32), v128.store(to, acc2, 64), v128.store(to, acc3, 96);
    }
  }
}

/** requantizeRow for fewer than eight channels, or products of any size. */
function requantizeSome(y: usize, sums: usize, scales: usize, width: usize, ldy: usize, cols: usize, zero: i32, lo: i32, hi: i32): void {
  const scale0 = v128.load(scales), scale1 = v128.load(scales, 16);
  const floor = floorOf(zero, lo), magic = magicOf(zero), offset = offsetOf(zero), top = i8x16.splat(<i8>hi);
  for (const end = y + width * ldy; y < end; y += ldy, sums += COLUMN) {
    const low = requantize(v128.load(sums), scale0, floor, magic, offset), high = requantize(v128.load(sums, 16), scale1, floor, magic, offset);
    const pixel = narrow8(low, high);
    storeBytes(y, i64x2.extract_lane(narrow16(pixel, pixel, top), 0), cols);
  }
}

/** Eight rounded sums. */
// @ts-ignore: decorator
@inline
function roundOne(sums: usize, scale0: v128, scale1: v128, magic: v128, offset: v128): v128 {
  return narrow8(requantizeNear(v128.load(sums), scale0, magic, offset), requantizeNear(v128.load(sums, 16), scale1, magic, offset));
}

/**
 * Rounds the sums of `width` pixels to their first `cols` ≤ 8 channels, pixels `ldy` apart; `isNear` says that requantizeNear can.
 * May read a pixel's sums more. A call in the loop would make it keep everything on the stack.
 */
export function requantizeRow(y: usize, sums: usize, scales: usize, isNear: bool, width: usize, ldy: usize, cols: usize, zero: i32, lo: i32, hi: i32): void {
  if (cols < 8 || !isNear) {
    requantizeSome(y, sums, scales, width, ldy, cols, zero, lo, hi);
    return;
  }
  const scale0 = v128.load(scales), scale1 = v128.load(scales, 16);
  const magic = magicOf(zero), offset = offsetOf(zero), bottom = i8x16.splat(<i8>lo), top = i8x16.splat(<i8>hi);
  const last = sums + (width - 1) * COLUMN, isClamped = lo > -128 || hi < 127;
  do {
    const first = roundOne(sums, scale0, scale1, magic, offset), second = roundOne(sums + COLUMN, scale0, scale1, magic, offset);
    let bytes = i8x16.narrow_i16x8_s(first, second);
    if (isClamped) bytes = i8x16.max_s(i8x16.min_s(bytes, top), bottom);
    v128.store64_lane(y, bytes, 0);
    if (sums == last) break;
    v128.store64_lane(y + ldy, bytes, 1);
    sums += 2 * COLUMN, y += 2 * ldy;
  } while (sums <= last);
}
