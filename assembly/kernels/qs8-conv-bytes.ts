// Dense int8 convolution, and matrix product, on the relaxed tier's dot product of bytes: for engines in which it is exact, and
// weights without zero points. A band of output pixels at a time: their windows are put one after another, as bytes, and six of them
// at a time are multiplied with panel after panel of weights.
//
// Weights, a panel for every eight output channels, in the order in which they are read:
//   | bias 8×i32 | scale 8×f32 | sums of all weights 8×i32 | for every four elements of a window: 8 channels × 4 × i8 |
// Where the output is float32, the integer bias is 0 and 8×f32 of bias follow the weights.
// Scratch:
//   | bias less the input's zero point 8×i32 | sums of the band's pixels: 8 × i32 each | where each run begins in a window: u32 × runs
//   | where each window begins in the band: u32 × (pixels of a band + 4) | windows, each of whole four bytes | band, unless it is a matrix |
import { flipBits } from "../lib/bytes";
import { requantizeRow } from "../lib/qs8-depthwise-row";
import { ConvShape, PANEL_HEAD, storeSums, TO_INT8, widthOf } from "../lib/qs8-panel";
import { isNear } from "../lib/qs8-product";
import { isMatrix, placeRuns, placeWindows } from "../lib/qs8-windows";
import { dotBytes, RELAXED } from "../lib/simd";
import { bandRows } from "../lib/widen";

/** Bytes of a panel before its weights, and of eight sums. */
// @ts-ignore: decorator
@inline const HEAD: usize = PANEL_HEAD + 32;
// @ts-ignore: decorator
@inline const SUMS: usize = 32;

/** Sums of six windows of `bytes` bytes each at a time, up to `end`: eight channels of each, from those at `start` on. */
function sumWindows(sums: usize, end: usize, windows: usize, bytes: usize, start: usize, panel: usize): void {
  for (; sums < end; sums += 6 * SUMS, windows += 6 * bytes) {
    let acc00 = v128.load(start), acc01 = v128.load(start, 16);
    let acc10 = acc00, acc11 = acc01, acc20 = acc00, acc21 = acc01, acc30 = acc00, acc31 = acc01;
    let acc40 = acc00, acc41 = acc01, acc50 = acc00, acc51 = acc01;
    let w = panel, x0 = windows, x1 = x0 + bytes, x2 = x1 + bytes, x3 = x2 + bytes, x4 = x3 + bytes, x5 = x4 + bytes;
    for (const last = x1; x0 < last; w += 32, x0 += 4, x1 += 4, x2 += 4, x3 += 4, x4 += 4, x5 += 4) {
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      let x = v128.load32_splat(x0);
      acc00 = dotBytes(w0, x, acc00), acc01 = dotBytes(w1, x, acc01);
      x = v128.load32_splat(x1);
      acc10 = dotBytes(w0, x, acc10), acc11 = dotBytes(w1, x, acc11);
      x = v128.load32_splat(x2);
      acc20 = dotBytes(w0, x, acc20), acc21 = dotBytes(w1, x, acc21);
      x = v128.load32_splat(x3);
      acc30 = dotBytes(w0, x, acc30), acc31 = dotBytes(w1, x, acc31);
      x = v128.load32_splat(x4);
      acc40 = dotBytes(w0, x, acc40), acc41 = dotBytes(w1, x, acc41);
      x = v128.load32_splat(x5);
      acc50 = dotBytes(w0, x, acc50), acc51 = dotBytes(w1, x, acc51);
    }
    v128.store(sums, acc00), v128.store(sums, acc01, 16), v128.store(sums, acc10, 32), v128.store(sums, acc11, 48);
    v128.store(sums, acc20, 64), v128.store(sums, acc21, 80), v128.store(sums, acc30, 96), v128.store(sums, acc31, 112);
    v128.store(sums, acc40, 128), v128.store(sums, acc41, 144), v128.store(sums, acc50, 160), v128.store(sums, acc51, 176);
  }
}

/** Sums of one window: four quads at a time, as each sum waits for the one before. */
function sumWindow(sums: usize, x: usize, bytes: usize, start: usize, w: usize): void {
  let acc0 = v128.load(start), acc1 = v128.load(start, 16), b0 = i32x4.splat(0), b1 = b0, c0 = b0, c1 = b0, d0 = b0, d1 = b0;
  const end = x + bytes;
  for (; x + 16 <= end; x += 16, w += 128) {
    let quad = v128.load32_splat(x);
    acc0 = dotBytes(v128.load(w), quad, acc0), acc1 = dotBytes(v128.load(w, 16), quad, acc1);
    quad = v128.load32_splat(x, 4);
    b0 = dotBytes(v128.load(w, 32), quad, b0), b1 = dotBytes(v128.load(w, 48), quad, b1);
    quad = v128.load32_splat(x, 8);
    c0 = dotBytes(v128.load(w, 64), quad, c0), c1 = dotBytes(v128.load(w, 80), quad, c1);
    quad = v128.load32_splat(x, 12);
    d0 = dotBytes(v128.load(w, 96), quad, d0), d1 = dotBytes(v128.load(w, 112), quad, d1);
  }
  for (; x < end; x += 4, w += 32) {
    const quad = v128.load32_splat(x);
    acc0 = dotBytes(v128.load(w), quad, acc0), acc1 = dotBytes(v128.load(w, 16), quad, acc1);
  }
  v128.store(sums, i32x4.add(i32x4.add(acc0, b0), i32x4.add(c0, d0)));
  v128.store(sums, i32x4.add(i32x4.add(acc1, b1), i32x4.add(c1, d1)), 16);
}

/** Copies the windows of the group whose channels begin at `band`. */
function copyWindows(to: usize, bytes: usize, band: usize, runs: usize, runBytes: usize, windows: usize, count: usize): void {
  // three short runs: the first layer of most networks on images
  if (windows - runs == 12 && runBytes <= 16) {
    const run1 = load<u32>(runs, 4), run2 = load<u32>(runs, 8);
    for (const end = windows + count * 4; windows < end; windows += 4, to += bytes) {
      const x = band + load<u32>(windows);
      v128.store(to, v128.load(x));
      v128.store(to + runBytes, v128.load(x + run1));
      v128.store(to + 2 * runBytes, v128.load(x + run2));
    }
    return;
  }
  for (const runsEnd = windows, end = windows + count * 4; windows < end; windows += 4, to += bytes) {
    const from = band + load<u32>(windows);
    let at = to;
    for (let run = runs; run < runsEnd; run += 4, at += runBytes) {
      // what is copied too much is overwritten by the next run, or meets weights of zero
      const x = from + load<u32>(run);
      for (let done: usize = 0; done < runBytes; done += 16) v128.store(at + done, v128.load(x + done));
    }
  }
}

/** Stores `count` pixels' sums as floats or int32; a zero point of each row is taken off here. */
function storePixels(shape: ConvShape, y: usize, sums: usize, count: usize, panel: usize, cols: usize, rowScale: usize): void {
  const bias = panel + shape.panelBytes - 32, sum0 = v128.load(panel, PANEL_HEAD), sum1 = v128.load(panel, PANEL_HEAD + 16), step = shape.rowScaleStep;
  for (const end = sums + count * SUMS; sums < end; sums += SUMS, y += shape.ldy * 4, rowScale += step) {
    const zero = i32x4.splat(step ? load<i32>(rowScale, 4) + shape.flip : 0);
    const low = i32x4.sub(v128.load(sums), i32x4.mul(zero, sum0)), high = i32x4.sub(v128.load(sums, 16), i32x4.mul(zero, sum1));
    storeSums(shape, y, low, high, panel, bias, cols, rowScale);
  }
}

/** All channels of one group of pixels `pixel` … `pixel + count`, whose windows lie there; `zero` is that of what they hold. */
function multiplyWindows(
  shape: ConvShape, y: usize, w: usize, group: usize, rowScale: usize, scratch: usize, windows: usize, bytes: usize, zero: i32, pixel: usize, count: usize,
): void {
  const outChannels = shape.outChannels, isInt8 = shape.output == TO_INT8, sums = scratch + SUMS, zeros = i32x4.splat(zero);
  const end = sums + ((count + 5) / 6) * 6 * SUMS;
  for (let channel: usize = 0; channel < outChannels; channel += 8, w += shape.panelBytes) {
    v128.store(scratch, i32x4.sub(v128.load(w), i32x4.mul(zeros, v128.load(w, PANEL_HEAD))));
    v128.store(scratch, i32x4.sub(v128.load(w, 16), i32x4.mul(zeros, v128.load(w, PANEL_HEAD + 16))), 16);
    if (count == 1) sumWindow(sums, windows, bytes, scratch, w + HEAD);
    else sumWindows(sums, end, windows, bytes, scratch, w + HEAD);
    const at = pixel * shape.ldy + group * outChannels + channel, cols = min<usize>(8, outChannels - channel);
    if (isInt8) requantizeRow(y + at, sums, w + 32, isNear(w, bytes), count, shape.ldy, cols, shape.yZero, shape.lo, shape.hi);
    else storePixels(shape, y + at * 4, sums, count, w, cols, rowScale + pixel * shape.rowScaleStep);
  }
}

/**
 * y = conv(x, w) on the int8 image x[N, inHeight, inWidth, inChannels], as the ConvShape at `table` says, `band` pixels, a multiple
 * of six, at a time. Where the zero point of x is computed, `rowScale` holds { scale f32, zero i32 } for all, or for each row of a
 * matrix; else it is 0. Split by output pixels of all images.
 */
export function qs8_conv_6x8c4(
  y: usize, x: usize, w: usize, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize,
): void {
  if (!RELAXED) unreachable();
  const shape = changetype<ConvShape>(table), groups = shape.groups, channels = shape.inChannels, groupIn = channels / groups;
  const imageBytes = shape.inHeight * shape.inWidth * channels, imagePixels = shape.outHeight * shape.outWidth, bandPixels = shape.band;
  const covered = (shape.kernelHeight - 1) * shape.dilationHeight + 1, elements = shape.kernelHeight * shape.kernelWidth * groupIn;
  const bytes = (elements + 3) & ~3, runCount = shape.kernelHeight * shape.runs, groupBytes = ((shape.outChannels + 7) >> 3) * shape.panelBytes;
  const runs = scratch + SUMS + bandPixels * SUMS, starts = runs + runCount * 4, windows = (starts + (bandPixels + 4) * 4 + 15) & ~15;
  const band = windows + bandPixels * bytes + 16, flip = i8x16.splat(<i8>shape.flip), step = shape.rowScaleStep;
  const xZero = rowScale ? load<i32>(rowScale, 4) : shape.xZero, zero = step ? 0 : xZero + shape.flip;
  placeRuns(shape, runs, 1);
  for (let pixel = begin, count: usize = 0; pixel < end; pixel += count) {
    const image = pixel / imagePixels, first = pixel - image * imagePixels;
    count = min(min(bandPixels, imagePixels - first), end - pixel);
    const from = x + image * imageBytes;
    if (isMatrix(shape)) {
      if (bytes == elements) flipBits(windows, from + first * bytes, count * bytes, flip);
      else for (let row: usize = 0; row < count; row++) flipBits(windows + row * bytes, from + (first + row) * elements, elements, flip);
      multiplyWindows(shape, y, w, 0, rowScale, scratch, windows, bytes, zero, pixel, count);
      continue;
    }
    const row = first / shape.outWidth, lastRow = (first + count - 1) / shape.outWidth;
    const top = <i32>(row * shape.strideHeight - shape.padTop), rows = (lastRow - row) * shape.strideHeight + covered;
    bandRows<u8>(shape, band, from, xZero, top, rows, widthOf(shape));
    placeWindows(shape, starts, first - row * shape.outWidth, count, 1);
    for (let group: usize = 0; group < groups; group++) {
      copyWindows(windows, bytes, band + group * groupIn, runs, elements / runCount, starts, count);
      multiplyWindows(shape, y, w + group * groupBytes, group, rowScale, scratch, windows, bytes, zero, pixel, count);
    }
  }
}
