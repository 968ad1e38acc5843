// Depthwise convolution by any kernel, stride and dilation: four pixels of an output row, eight channels after eight.
// The last block of a row ends with it: pixels that the one before has computed are computed again, but not stored.
import { Epilogue, storeSum } from "./f32-epilogue";
import { ConvShape } from "./f32-windows";
import { madd } from "./simd";

/** Stores at most eight channels of a pixel. */
// @ts-ignore: decorator
@inline
function storePixel(y: usize, residual: usize, c0: v128, c1: v128, lo: v128, hi: v128, lanes: isize): void {
  storeSum(y, residual, c0, lo, hi, lanes);
  if (lanes > 4) storeSum(y + 16, residual ? residual + 16 : 0, c1, lo, hi, lanes - 4);
}

/**
 * Four pixels, of which those from `first` up to `count` are stored. `x`: first tap of the first pixel, which is column `ix`,
 * in the first of the `rows` rows of the kernel that are inside the image; `skip`: bytes of the kernel's rows before those.
 * Taps are outside the image on the left or right only where `isEdge`. `channels` from the pointers on are computed.
 */
function fourPixels(
  isEdge: bool, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape,
  ix: usize, first: usize, count: usize, rows: usize, skip: usize, channels: isize,
): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi);
  const pixelBytes = shape.inChannels * 4, yStep = shape.ldy * 4, rStep = residual ? shape.ldr * 4 : 0, rNext = residual ? 32 : 0;
  const stride = shape.strideWidth, step = stride * pixelBytes, tapStep = shape.dilationWidth * pixelBytes;
  const rowStep = shape.dilationHeight * shape.inWidth * pixelBytes, weightRow = shape.kernelWidth * 16;
  const blockBytes = shape.kernelHeight * weightRow + 16;
  const width = shape.inWidth, dilation = shape.dilationWidth;
  for (; channels > 0; channels -= 8) {
    const next = channels > 4 ? blockBytes : 0;
    let c00 = v128.load(w), c10 = c00, c20 = c00, c30 = c00;
    let c01 = v128.load(w + next), c11 = c01, c21 = c01, c31 = c01;
    let a = w + 16 + skip, row = x;
    for (let i = rows; i > 0; i--) {
      let p = row, column = ix;
      const end = a + weightRow;
      if (isEdge) {
        for (; a != end; a += 16, p += tapStep, column += dilation) {
          const w0 = v128.load(a), w1 = v128.load(a + next), p1 = p + step, p2 = p1 + step, p3 = p2 + step;
          if (column < width) c00 = madd(v128.load(p), w0, c00), c01 = madd(v128.load(p, 16), w1, c01);
          if (column + stride < width) c10 = madd(v128.load(p1), w0, c10), c11 = madd(v128.load(p1, 16), w1, c11);
          if (column + 2 * stride < width) c20 = madd(v128.load(p2), w0, c20), c21 = madd(v128.load(p2, 16), w1, c21);
          if (column + 3 * stride < width) c30 = madd(v128.load(p3), w0, c30), c31 = madd(v128.load(p3, 16), w1, c31);
        }
      } else {
        for (; a != end; a += 16, p += tapStep) {
          const p1 = p + step, p2 = p1 + step, p3 = p2 + step;
          // Never 0, as in lib/f32-depthwise-3x3.
          if (a) {
            const w0 = v128.load(a);
            c00 = madd(v128.load(p), w0, c00), c10 = madd(v128.load(p1), w0, c10);
            c20 = madd(v128.load(p2), w0, c20), c30 = madd(v128.load(p3), w0, c30);
          }
          if (p) {
            const w1 = v128.load(a + next);
            c01 = madd(v128.load(p, 16), w1, c01), c11 = madd(v128.load(p1, 16), w1, c11);
            c21 = madd(v128.load(p2, 16), w1, c21), c31 = madd(v128.load(p3, 16), w1, c31);
          }
        }
      }
      row += rowStep;
    }
    let to = y, r = residual;
    if (first < 1) storePixel(to, r, c00, c01, lo, hi, channels);
    to += yStep, r += rStep;
    if (first < 2 && count > 1) storePixel(to, r, c10, c11, lo, hi, channels);
    to += yStep, r += rStep;
    if (first < 3 && count > 2) storePixel(to, r, c20, c21, lo, hi, channels);
    if (count > 3) storePixel(to + yStep, r + rStep, c30, c31, lo, hi, channels);
    w += 2 * blockBytes, x += 32, y += 32, residual += rNext;
  }
}

/** Taps of a kernel row or column that lie before the image. */
// @ts-ignore: decorator
@inline
function tapsBefore(first: isize, dilation: isize): isize {
  return first < 0 ? (dilation - 1 - first) / dilation : 0;
}

/** Taps from the first one to the last one inside the image. */
// @ts-ignore: decorator
@inline
function tapsUntilEnd(first: isize, size: isize, dilation: isize, taps: isize): isize {
  return first >= size ? 0 : min(taps, (size - first + dilation - 1) / dilation);
}

/** One output row from `channel`, a multiple of four, on. Its first tap lies in row `iy` of the image at `x`. */
export function anyRow(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, iy: isize, channel: usize): void {
  const width = shape.outWidth, channels = <isize>(shape.inChannels - channel), pixelBytes = shape.inChannels * 4;
  const top = tapsBefore(iy, shape.dilationHeight);
  const rows = max<isize>(tapsUntilEnd(iy, shape.inHeight, shape.dilationHeight, shape.kernelHeight) - top, 0);
  const skip = top * shape.kernelWidth * 16, lastColumn = 3 * shape.strideWidth + (shape.kernelWidth - 1) * shape.dilationWidth;
  const row = x + (iy + top * shape.dilationHeight) * shape.inWidth * pixelBytes + channel * 4;
  const weights = w + (channel >> 2) * (shape.kernelHeight * shape.kernelWidth + 1) * 16;
  for (let ox: usize = 0; ox < width; ox += 4) {
    const at = width < 4 ? 0 : min(ox, width - 4), ix = <isize>(at * shape.strideWidth) - <isize>shape.padLeft;
    const to = y + (at * shape.ldy + channel) * 4, from = row + ix * pixelBytes, r = residual ? residual + (at * shape.ldr + channel) * 4 : 0;
    const isEdge = ix < 0 || <usize>ix + lastColumn >= shape.inWidth;
    fourPixels(isEdge, to, from, weights, r, epilogue, shape, ix, ox - at, min<usize>(width, 4), rows, skip, channels);
  }
}
