// Depthwise convolution in float32 with one filter a channel. A channel multiplier is a grouped convolution.
import { pixelBlock, storePixels } from "../lib/f32-depthwise";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { ConvShape } from "../lib/f32-windows";
import { madd } from "../lib/simd";

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

/** `count` output pixels, at most `n`, of a k × k kernel with stride s from column `ox` on; n, k and s are constants. */
// @ts-ignore: decorator
@inline
function squareBlock(
  n: i32,
  k: i32,
  s: i32,
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  iy: isize,
  ox: usize,
  count: usize,
): void {
  const channels = shape.inChannels;
  const pixelBytes = channels * 4;
  const rowBytes = shape.inWidth * pixelBytes;
  const yBytes = shape.ldy * 4;
  const rBytes = shape.ldr * 4;
  const top = max<isize>(-iy, 0);
  const rows = max<isize>(min<isize>(shape.inHeight - iy, k) - top, 0);
  const columns = (n - 1) * s + k;
  const ix = <isize>(ox * s) - <isize>shape.padLeft;
  const before = min<isize>(max<isize>(-ix, 0), columns);
  const until = max<isize>(min<isize>(shape.inWidth - ix, columns), 0);
  const inside = ((1 << <u32>until) - 1) & ~((1 << <u32>before) - 1);
  const from = x + (iy + top) * rowBytes + ix * pixelBytes;
  const r = residual ? residual + ox * rBytes : 0;
  pixelBlock(n, k, s, y + ox * yBytes, from, w, r, epilogue, channels, pixelBytes, rowBytes, yBytes, rBytes, count, inside, rows, top * k * 16);
}

/** One output row of a k × k kernel with stride s, both constants, without dilation. */
// @ts-ignore: decorator
@inline
function squareLine(k: i32, s: i32, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, iy: isize): void {
  const width = shape.outWidth;
  let ox: usize = 0;
  // Eight pixels share more of what they read, but where all of it falls on the same cache sets, four disturb it less.
  const eight = k == 5 || shape.inChannels % 256 != 0;
  if (s == 1 && eight) for (; ox + 4 < width; ox += 8) squareBlock(8, k, s, y, x, w, residual, epilogue, shape, iy, ox, min(width - ox, 8));
  for (; ox < width; ox += 4) squareBlock(4, k, s, y, x, w, residual, epilogue, shape, iy, ox, min(width - ox, 4));
}

/** Output rows [begin, end), counted over the whole batch, of a 3 × 3 or 5 × 5 kernel with stride 1 or 2, without dilation. `residual` may be 0. */
export function f32_dwconv_square(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  begin: usize,
  end: usize,
): void {
  const imageBytes = shape.inHeight * shape.inWidth * shape.inChannels * 4;
  const lineBytes = shape.outWidth * shape.ldy * 4;
  const stride = shape.strideHeight;
  for (let line = begin; line < end; line++) {
    const image = x + (line / shape.outHeight) * imageBytes;
    const iy = <isize>((line % shape.outHeight) * stride) - <isize>shape.padTop;
    const to = y + line * lineBytes;
    const r = residual ? residual + line * shape.outWidth * shape.ldr * 4 : 0;
    if (shape.kernelHeight == 3) {
      if (stride == 1) squareLine(3, 1, to, image, w, r, epilogue, shape, iy);
      else squareLine(3, 2, to, image, w, r, epilogue, shape, iy);
    } else {
      if (stride == 1) squareLine(5, 1, to, image, w, r, epilogue, shape, iy);
      else squareLine(5, 2, to, image, w, r, epilogue, shape, iy);
    }
    activateRows(to, shape.ldy * 4, shape.outWidth, shape.inChannels, epilogue);
  }
}

/** Output pixels that are computed at once where all their taps are inside the image. */
const BLOCK: usize = 4;

/** All channels of `count` pixels, `step` input bytes apart, over the taps of a rows × cols part of the kernel. */
function anyBlock(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  count: usize,
  rows: usize,
  cols: usize,
  skip: usize,
): void {
  const pixelBytes = shape.inChannels * 4;
  // A lone pixel is computed four times over: no slower than once, and one path serves both.
  const step = count > 1 ? shape.strideWidth * pixelBytes : 0;
  const rStep = count > 1 ? shape.ldr * 4 : 0;
  const colStep = shape.dilationWidth * pixelBytes;
  const rowStep = shape.dilationHeight * shape.inWidth * pixelBytes;
  const weightRow = shape.kernelWidth * 16;
  const blockBytes = shape.kernelHeight * weightRow + 16;
  const lo = f32x4.splat(epilogue.sumLo);
  const hi = f32x4.splat(epilogue.sumHi);
  for (let left: isize = shape.inChannels; left > 0; left -= 4) {
    let c0 = v128.load(w), c1 = c0, c2 = c0, c3 = c0;
    if (residual) {
      c0 = f32x4.add(c0, v128.load(residual));
      c1 = f32x4.add(c1, v128.load(residual + rStep));
      c2 = f32x4.add(c2, v128.load(residual + 2 * rStep));
      c3 = f32x4.add(c3, v128.load(residual + 3 * rStep));
      residual += 16;
    }
    let weights = w + 16 + skip;
    let row = x;
    for (let i = rows; i > 0; i--) {
      let p = row;
      let tap = weights;
      for (let j = cols; j > 0; j--) {
        const v = v128.load(tap);
        c0 = madd(v128.load(p), v, c0);
        c1 = madd(v128.load(p + step), v, c1);
        c2 = madd(v128.load(p + 2 * step), v, c2);
        c3 = madd(v128.load(p + 3 * step), v, c3);
        p += colStep;
        tap += 16;
      }
      row += rowStep;
      weights += weightRow;
    }
    storePixels(y, shape.ldy * 4, count, left, c0, c1, c2, c3, lo, hi);
    w += blockBytes;
    x += 16;
    y += 16;
  }
}

/** Output rows [begin, end), counted over the whole batch, of any kernel, stride and dilation. `residual` may be 0. */
export function f32_dwconv(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  begin: usize,
  end: usize,
): void {
  const pixelBytes = shape.inChannels * 4;
  const rowBytes = shape.inWidth * pixelBytes;
  const yBytes = shape.ldy * 4;
  const dilation: isize = shape.dilationWidth;
  const lastTap: isize = (shape.kernelWidth - 1) * dilation;
  for (let line = begin; line < end; line++) {
    const image = x + (line / shape.outHeight) * shape.inHeight * rowBytes;
    const iy = <isize>((line % shape.outHeight) * shape.strideHeight) - <isize>shape.padTop;
    const top = tapsBefore(iy, shape.dilationHeight);
    const rows = max<isize>(tapsUntilEnd(iy, shape.inHeight, shape.dilationHeight, shape.kernelHeight) - top, 0);
    const first = image + (iy + top * shape.dilationHeight) * rowBytes;
    const to = y + line * shape.outWidth * yBytes;
    const rLine = residual ? residual + line * shape.outWidth * shape.ldr * 4 : 0;
    for (let ox: usize = 0; ox < shape.outWidth; ) {
      const ix = <isize>(ox * shape.strideWidth) - <isize>shape.padLeft;
      const whole = ix >= 0 && ix + <isize>((BLOCK - 1) * shape.strideWidth) + lastTap < <isize>shape.inWidth;
      const count: usize = whole && ox + BLOCK <= shape.outWidth ? BLOCK : 1;
      const before = tapsBefore(ix, dilation);
      const cols = max<isize>(tapsUntilEnd(ix, shape.inWidth, dilation, shape.kernelWidth) - before, 0);
      const skip = (top * shape.kernelWidth + before) * 16;
      const from = first + (ix + before * dilation) * pixelBytes;
      const r = rLine ? rLine + ox * shape.ldr * 4 : 0;
      anyBlock(to + ox * yBytes, from, w, r, epilogue, shape, count, rows, cols, skip);
      ox += count;
    }
    activateRows(to, yBytes, shape.outWidth, shape.inChannels, epilogue);
  }
}
