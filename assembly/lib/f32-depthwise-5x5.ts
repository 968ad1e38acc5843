// Depthwise convolution by 5 × 5 taps with stride 1 or 2: four pixels of an output row, four channels after four.
// With stride 1, a block at an edge of the image has a body of its own, so that the others load without asking. The last block of a row
// ends with it: pixels that the one before has computed are computed again, but not stored.
import { finish } from "./f32-depthwise-pixels";
import { Epilogue } from "./f32-epilogue";
import { ConvShape } from "./f32-windows";
import { madd, RELAXED } from "./simd";

/** Bytes of the weights of a row, and of four channels: bias and 25 taps. */
// @ts-ignore: decorator
@inline const ROW: usize = 80;
// @ts-ignore: decorator
@inline const QUAD: usize = 416;

/** sum + (a · wa + b · wb + c · wc). Summed apart, so that the next row's products need not wait for it. */
// @ts-ignore: decorator
@inline
function three(sum: v128, a: v128, b: v128, c: v128, wa: v128, wb: v128, wc: v128): v128 {
  return f32x4.add(sum, madd(c, wc, madd(b, wb, f32x4.mul(a, wa))));
}

/** sum + (a · wa + b · wb) */
// @ts-ignore: decorator
@inline
function two(sum: v128, a: v128, b: v128, wa: v128, wb: v128): v128 {
  return f32x4.add(sum, madd(b, wb, f32x4.mul(a, wa)));
}

/**
 * Four pixels with stride `s`; `x` is the first tap of the first one inside the image's rows, the first of `rows` rows; `w` begins
 * `skip` bytes before their weights. Only where `isEdge`, `left` and `right` columns, at most two, are outside the image, and
 * pixels before `first` are not stored. `isEdge` and `s` are constants.
 *
 * Taps are taken three and two at a time, each time those whose pixels lie `s` pixels apart, and so serve several sums:
 * with stride 1, taps 0, 1, 2 and 3, 4; with stride 2, taps 0, 2, 4 and 1, 3.
 */
// @ts-ignore: decorator
@inline
function fourPixels(
  isEdge: bool, s: i32, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape,
  left: isize, right: isize, rows: usize, skip: usize, first: isize,
): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi), zero = f32x4.splat(0);
  const step = shape.inChannels * 4, rowBytes = shape.inWidth * step, yStep = shape.ldy * 4, rStep = shape.ldr * 4;
  const end = y + (shape.inChannels >> 2) * 16, rNext = residual ? 16 : 0, apart = s * step, second = s == 1 ? 3 * step : step;
  let wa: v128, wb: v128, wc: v128, v0: v128, v1: v128, v2: v128, v3: v128, v4: v128, v5: v128;
  do {
    let c0 = v128.load(w), c1 = c0, c2 = c0, c3 = c0;
    let row = x, weights = w + skip;
    for (let i = rows; i > 0; i--) {
      // Never 0, as in lib/f32-depthwise-3x3: the third column is always inside the image.
      const middle = row + 2 * step;
      if (weights) {
        wa = v128.load(weights, 16), wb = s == 1 ? v128.load(weights, 32) : v128.load(weights, 48);
        wc = s == 1 ? v128.load(weights, 48) : v128.load(weights, 80);
        let p = row;
        v0 = isEdge && left > 0 ? zero : v128.load(p), p += apart, v1 = isEdge && s == 1 && left > 1 ? zero : v128.load(p);
        p += apart, v2 = v128.load(p), p += apart, v3 = v128.load(p), p += apart, v4 = v128.load(p);
        p += apart, v5 = isEdge && s == 2 && right > 0 ? zero : v128.load(p);
        c0 = three(c0, v0, v1, v2, wa, wb, wc), c1 = three(c1, v1, v2, v3, wa, wb, wc);
        c2 = three(c2, v2, v3, v4, wa, wb, wc), c3 = three(c3, v3, v4, v5, wa, wb, wc);
      }
      if (middle) {
        wa = s == 1 ? v128.load(weights, 64) : v128.load(weights, 32), wb = s == 1 ? v128.load(weights, 80) : v128.load(weights, 64);
        let p = row + second;
        v0 = isEdge && s == 2 && left > 1 ? zero : v128.load(p), p += apart, v1 = v128.load(p), p += apart, v2 = v128.load(p);
        p += apart, v3 = isEdge && s == 1 && right > 1 ? zero : v128.load(p), p += apart;
        v4 = isEdge && right > (s == 1 ? 0 : 1) ? zero : v128.load(p);
        c0 = two(c0, v0, v1, wa, wb), c1 = two(c1, v1, v2, wa, wb), c2 = two(c2, v2, v3, wa, wb), c3 = two(c3, v3, v4, wa, wb);
      }
      row += rowBytes, weights += ROW;
    }
    finish(y, yStep, residual, rStep, isEdge ? first : 0, c0, c1, c2, c3, lo, hi);
    x += 16, y += 16, residual += rNext, w += QUAD;
  } while (y < end);
}

/**
 * Eight pixels with stride 1, for machines where a product needs no register of its own. `x` is the first tap of the first one,
 * and bit j of `inside` says that column j is inside the image; the rest as in `fourPixels`.
 */
function eightPixels(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, inside: u32, rows: usize, skip: usize, first: isize): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi);
  const step = shape.inChannels * 4, rowBytes = shape.inWidth * step, yStep = shape.ldy * 4, rStep = residual ? shape.ldr * 4 : 0;
  const end = y + (shape.inChannels >> 2) * 16, rNext = residual ? 16 : 0;
  let v: v128;
  do {
    let c0 = v128.load(w), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
    let row = x, weights = w + skip;
    for (let i = rows; i > 0; i--) {
      const w0 = v128.load(weights, 16), w1 = v128.load(weights, 32), w2 = v128.load(weights, 48), w3 = v128.load(weights, 64), w4 = v128.load(weights, 80);
      let p = row;
      if (inside & 1) v = v128.load(p), c0 = madd(v, w0, c0);
      p += step;
      if (inside & 2) v = v128.load(p), c0 = madd(v, w1, c0), c1 = madd(v, w0, c1);
      p += step;
      if (inside & 4) v = v128.load(p), c0 = madd(v, w2, c0), c1 = madd(v, w1, c1), c2 = madd(v, w0, c2);
      p += step;
      if (inside & 8) v = v128.load(p), c0 = madd(v, w3, c0), c1 = madd(v, w2, c1), c2 = madd(v, w1, c2), c3 = madd(v, w0, c3);
      p += step;
      if (inside & 16) v = v128.load(p), c0 = madd(v, w4, c0), c1 = madd(v, w3, c1), c2 = madd(v, w2, c2), c3 = madd(v, w1, c3), c4 = madd(v, w0, c4);
      p += step;
      if (inside & 32) v = v128.load(p), c1 = madd(v, w4, c1), c2 = madd(v, w3, c2), c3 = madd(v, w2, c3), c4 = madd(v, w1, c4), c5 = madd(v, w0, c5);
      p += step;
      if (inside & 64) v = v128.load(p), c2 = madd(v, w4, c2), c3 = madd(v, w3, c3), c4 = madd(v, w2, c4), c5 = madd(v, w1, c5), c6 = madd(v, w0, c6);
      p += step;
      if (inside & 128) v = v128.load(p), c3 = madd(v, w4, c3), c4 = madd(v, w3, c4), c5 = madd(v, w2, c5), c6 = madd(v, w1, c6), c7 = madd(v, w0, c7);
      p += step;
      if (inside & 256) v = v128.load(p), c4 = madd(v, w4, c4), c5 = madd(v, w3, c5), c6 = madd(v, w2, c6), c7 = madd(v, w1, c7);
      p += step;
      if (inside & 512) v = v128.load(p), c5 = madd(v, w4, c5), c6 = madd(v, w3, c6), c7 = madd(v, w2, c7);
      p += step;
      if (inside & 1024) v = v128.load(p), c6 = madd(v, w4, c6), c7 = madd(v, w3, c7);
      p += step;
      if (inside & 2048) v = v128.load(p), c7 = madd(v, w4, c7);
      row += rowBytes, weights += ROW;
    }
    if (first < 4) finish(y, yStep, residual, rStep, first, c0, c1, c2, c3, lo, hi);
    finish(y + 4 * yStep, yStep, residual + 4 * rStep, rStep, first - 4, c4, c5, c6, c7, lo, hi);
    x += 16, y += 16, residual += rNext, w += QUAD;
  } while (y < end);
}

function stillBlock(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, left: isize, right: isize, rows: usize, skip: usize, first: isize): void {
  // In the relaxed tier only the end of a row comes here.
  if (RELAXED || left > 0 || right > 0 || first) fourPixels(true, 1, y, x, w, residual, epilogue, shape, left, right, rows, skip, first);
  else fourPixels(false, 1, y, x, w, residual, epilogue, shape, left, right, rows, skip, first);
}

/** One body for all blocks: another one inside the image gains 4 % and takes 0.8 KB. */
function movingBlock(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, left: isize, right: isize, rows: usize, skip: usize, first: isize): void {
  fourPixels(true, 2, y, x, w, residual, epilogue, shape, left, right, rows, skip, first);
}

/** True where `row5x5` can do a layer: no block has more than two columns outside the image on either side. */
export function is5x5(shape: ConvShape): bool {
  const width = shape.outWidth, stride = shape.strideWidth;
  const isAlike = shape.kernelHeight == 5 && shape.kernelWidth == 5 && shape.dilationHeight == 1 && shape.dilationWidth == 1 && stride <= 2;
  return isAlike && shape.inChannels >= 4 && width >= 4 && shape.padLeft <= 2 && (width - 1) * stride + 3 <= shape.inWidth + shape.padLeft;
}

/** Whole fours of channels of one output row, whose first tap lies in row `iy` of the image at `x`. */
export function row5x5(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, iy: isize): void {
  const width = <isize>shape.outWidth, stride = <isize>shape.strideWidth;
  const step = shape.inChannels * 4, yStep = shape.ldy * 4, rStep = residual ? shape.ldr * 4 : 0;
  const top = max<isize>(-iy, 0), rows = max<isize>(min<isize>(shape.inHeight - iy, 5) - top, 0);
  const row = x + (iy + top) * shape.inWidth * step;
  let ox: isize = 0;
  if (RELAXED && stride == 1) {
    for (; ox + 4 < width; ox += 8) {
      const at = min(ox, width - 8), ix = at - <isize>shape.padLeft;
      const before = max<isize>(-ix, 0), until = max<isize>(min<isize>(shape.inWidth - ix, 12), 0);
      const inside = ((1 << <u32>until) - 1) & ~((1 << <u32>before) - 1);
      eightPixels(y + at * yStep, row + ix * step, w, residual + at * rStep, epilogue, shape, inside, rows, top * ROW, ox - at);
    }
  }
  for (; ox < width; ox += 4) {
    const at = min(ox, width - 4), ix = at * stride - <isize>shape.padLeft;
    const to = y + at * yStep, from = row + ix * step, r = residual + at * rStep;
    const right = ix + 3 * stride + 5 - <isize>shape.inWidth;
    if (stride == 1) stillBlock(to, from, w, r, epilogue, shape, -ix, right, rows, top * ROW, ox - at);
    else movingBlock(to, from, w, r, epilogue, shape, -ix, right, rows, top * ROW, ox - at);
  }
}
