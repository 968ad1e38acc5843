// Dense int8 convolution, and matrix product: a band of input rows is widened to int16 in scratch
// with its padding as zeros, and every window is then read there in place, without im2col.
// A matrix product, and a 1×1 convolution of stride 1, is an image of one pixel a row.
//
// Scratch:
//   | where each run begins in a window: u32 × runs | where each window begins in the band: u32 × (pixels of a band + 4)
//   | band of int16 |
import { ConvShape, panelTiles, TO_INT8, widthOf } from "../lib/qs8-panel";
import { widenRows } from "../lib/widen";

/** Widens the input under the windows of output rows `from` … `to` of the image at x; `rowScale` holds its zero points, where they are computed. */
function widenBand(shape: ConvShape, band: usize, x: usize, rowScale: usize, from: usize, to: usize): void {
  const covered = (shape.kernelHeight - 1) * shape.dilationHeight + 1;
  const top = <i32>(from * shape.strideHeight - shape.padTop), rows = (to - from - 1) * shape.strideHeight + covered;
  const width = widthOf(shape);
  if (rowScale == 0) {
    widenRows(shape, band, x, shape.xZero, top, rows, width);
  } else if (shape.rowScaleStep == 0) {
    widenRows(shape, band, x, load<i32>(rowScale, 4), top, rows, width);
  } else {
    // the rows of a matrix, each with a zero point of its own
    for (let row = from; row < to; row++, band += width * shape.inChannels * 2) {
      widenRows(shape, band, x, load<i32>(rowScale + row * shape.rowScaleStep, 4), <i32>row, 1, width);
    }
  }
}

/** Writes where the windows of `count` pixels begin, the first one at column `column`; four more repeat the last. */
function placeWindows(shape: ConvShape, windows: usize, column: usize, count: usize): void {
  const stepX = shape.strideWidth * shape.inChannels * 2, stepY = shape.strideHeight * widthOf(shape) * shape.inChannels * 2;
  const end = windows + count * 4;
  for (let row: usize = 0; windows < end; row += stepY, column = 0) {
    for (; column < shape.outWidth && windows < end; column++, windows += 4) store<u32>(windows, row + column * stepX);
  }
  v128.store(windows, v128.load32_splat(windows - 4));
}

/** Writes where the runs of a window begin. */
function placeRuns(shape: ConvShape, to: usize): void {
  const rowStep = shape.dilationHeight * widthOf(shape) * shape.inChannels * 2, step = shape.runStep * 2;
  for (let row: usize = 0; row < shape.kernelHeight; row++) {
    for (let run: usize = 0; run < shape.runs; run++, to += 4) store<u32>(to, row * rowStep + run * step);
  }
}

/** All groups and channels of output pixels `pixel` … `pixel + count`, whose windows are placed. */
function multiplyBand<W>(shape: ConvShape, y: usize, w: usize, rowScale: usize, runs: usize, windows: usize, band: usize, pixel: usize, count: usize): void {
  const outChannels = shape.outChannels, groupBytes = (shape.inChannels / shape.groups) * 2;
  const elementBytes: usize = shape.output == TO_INT8 ? 1 : 4;
  for (let group: usize = 0; group < shape.groups; group++, band += groupBytes) {
    for (let channel: usize = 0; channel < outChannels; channel += 8, w += shape.panelBytes) {
      const at = (pixel * shape.ldy + group * outChannels + channel) * elementBytes;
      const cols = min<usize>(8, outChannels - channel);
      panelTiles<W>(shape, y + at, band, runs, windows, windows + count * 4, w, cols, rowScale + pixel * shape.rowScaleStep);
    }
  }
}

// @ts-ignore: decorator
@inline
function convolve<W>(y: usize, x: usize, w: usize, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const imageBytes = shape.inHeight * shape.inWidth * shape.inChannels;
  const imagePixels = shape.outHeight * shape.outWidth;
  const windows = scratch + shape.kernelHeight * shape.runs * 4;
  const band = (windows + (shape.bandRows * shape.outWidth + 4) * 4 + 15) & ~15;
  placeRuns(shape, scratch);
  for (let pixel = begin; pixel < end; ) {
    const image = pixel / imagePixels;
    const first = pixel - image * imagePixels;
    const row = first / shape.outWidth;
    const last = min(end - image * imagePixels, min(row + shape.bandRows, shape.outHeight) * shape.outWidth);
    widenBand(shape, band, x + image * imageBytes, rowScale && rowScale + image * imagePixels * shape.rowScaleStep, row, (last - 1) / shape.outWidth + 1);
    placeWindows(shape, windows, first - row * shape.outWidth, last - first);
    multiplyBand<W>(shape, y, w, rowScale, scratch, windows, band, pixel, last - first);
    pixel += last - first;
  }
}

/**
 * y = conv(x, w) on the int8 image x[N, inHeight, inWidth, inChannels], as the ConvShape at `table` says;
 * `w` holds its panels of int16 weights, group by group. Where the zero point of x is computed, `rowScale` holds
 * { scale f32, zero i32 } for all, or for each row of a matrix; else it is 0. Split by output pixels of all images.
 */
export function qs8_conv_4x8(
  y: usize, x: usize, w: usize, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize,
): void {
  convolve<i16>(y, x, w, rowScale, scratch, table, begin, end);
}

/** qs8_conv_4x8 with panels of int8 weights: half the bytes, symmetric weights only. */
export function qs8_conv_4x8_small(
  y: usize, x: usize, w: usize, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize,
): void {
  convolve<i8>(y, x, w, rowScale, scratch, table, begin, end);
}
