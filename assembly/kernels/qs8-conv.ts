// Dense int8 convolution, and matrix product, a band of output pixels at a time. The input under the
// band is widened to int16 with its padding as zeros; from there the windows of four pixels at a time are
// put side by side, and multiplied with panel after panel of weights.
// A matrix product, and a 1×1 convolution of stride 1, is an image of one pixel a row: its rows are the windows.
//
// Scratch:
//   | what the product needs: PRODUCT_BYTES | where each run begins in a window: u32 × runs | where each window begins in the band: u32 × (pixels of a band + 4)
//   | tiles of the band's windows | band of int16, unless it is a matrix |
import { ConvShape, TO_INT8, widthOf } from "../lib/qs8-panel";
import { panelTiles, PRODUCT_BYTES, Rounding, writeRounding } from "../lib/qs8-product";
import { tileRows, tileRun } from "../lib/qs8-tiles";
import { isMatrix, placeRuns, placeWindows } from "../lib/qs8-windows";
import { bandRows } from "../lib/widen";

/** Tiles of the windows of the band at x, for the group whose channels begin there. */
function tileWindows(tiles: usize, x: usize, runs: usize, windows: usize, count: usize, pairs: usize): void {
  const runsEnd = windows;
  for (const end = windows + count * 4; windows < end; windows += 16) {
    const x0 = x + load<u32>(windows), x1 = x + load<u32>(windows, 4), x2 = x + load<u32>(windows, 8), x3 = x + load<u32>(windows, 12);
    for (let run = runs; run < runsEnd; run += 4) {
      const at = load<u32>(run);
      tiles = tileRun(tiles, x0 + at, x1 + at, x2 + at, x3 + at, pairs);
    }
  }
}

/** The zero point of row `row` of a matrix. */
// @ts-ignore: decorator
@inline
function zeroOf(shape: ConvShape, rowScale: usize, row: usize): v128 {
  return i16x8.splat(<i16>(rowScale ? load<i32>(rowScale + row * shape.rowScaleStep, 4) : shape.xZero));
}

/** Tiles of `count` rows of the matrix x from row `row` on; what the last tile lacks repeats the last row. */
function tileMatrix(shape: ConvShape, tiles: usize, x: usize, rowScale: usize, row: usize, count: usize): void {
  const k = shape.inChannels, last = row + count - 1;
  for (; row <= last; row += 4, tiles += shape.pairs * 16) {
    const r1 = min(row + 1, last), r2 = min(row + 2, last), r3 = min(row + 3, last);
    const z0 = zeroOf(shape, rowScale, row), z1 = zeroOf(shape, rowScale, r1), z2 = zeroOf(shape, rowScale, r2), z3 = zeroOf(shape, rowScale, r3);
    tileRows(tiles, x + row * k, x + r1 * k, x + r2 * k, x + r3 * k, z0, z1, z2, z3, shape.pairs);
  }
}

/** All groups and channels of output pixels `pixel` … `pixel + count`; `band` holds their input, or is 0 when the tiles are made. */
function multiplyBand(
  shape: ConvShape, y: usize, w: usize, isSmall: bool, rowScale: usize, product: usize, windows: usize, tiles: usize, band: usize, pixel: usize, count: usize,
): void {
  const outChannels = shape.outChannels, groupBytes = (shape.inChannels / shape.groups) * 2;
  const elementBytes: usize = shape.output == TO_INT8 ? 1 : 4;
  const tileBytes = shape.kernelHeight * shape.runs * shape.pairs * 16;
  for (let group: usize = 0; group < shape.groups; group++) {
    if (band) tileWindows(tiles, band + group * groupBytes, product + PRODUCT_BYTES, windows, count, shape.pairs);
    for (let channel: usize = 0; channel < outChannels; channel += 8, w += shape.panelBytes) {
      const at = (pixel * shape.ldy + group * outChannels + channel) * elementBytes;
      const cols = min<usize>(8, outChannels - channel);
      panelTiles(shape, y + at, tiles, tileBytes, count, w, isSmall, cols, rowScale + pixel * shape.rowScaleStep, product);
    }
  }
}

function convolve(y: usize, x: usize, w: usize, isSmall: bool, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const imageBytes = shape.inHeight * shape.inWidth * shape.inChannels, imagePixels = shape.outHeight * shape.outWidth;
  const covered = (shape.kernelHeight - 1) * shape.dilationHeight + 1, tileBytes = shape.kernelHeight * shape.runs * shape.pairs * 16;
  const windows = scratch + PRODUCT_BYTES + shape.kernelHeight * shape.runs * 4;
  const tiles = (windows + (shape.band + 4) * 4 + 15) & ~15, band = isMatrix(shape) ? 0 : tiles + ((shape.band + 3) >> 2) * tileBytes;
  writeRounding(changetype<Rounding>(scratch), shape);
  placeRuns(shape, scratch + PRODUCT_BYTES, 2);
  for (let pixel = begin, count: usize = 0; pixel < end; pixel += count) {
    const image = pixel / imagePixels, first = pixel - image * imagePixels;
    count = min(min(shape.band, imagePixels - first), end - pixel);
    const from = x + image * imageBytes, row = first / shape.outWidth, lastRow = (first + count - 1) / shape.outWidth;
    if (band) {
      const top = <i32>(row * shape.strideHeight - shape.padTop), rows = (lastRow - row) * shape.strideHeight + covered;
      const zero = rowScale ? load<i32>(rowScale, 4) : shape.xZero;
      bandRows<u16>(shape, band, from, zero, top, rows, widthOf(shape));
      placeWindows(shape, windows, first - row * shape.outWidth, count, 2);
    } else {
      tileMatrix(shape, tiles, from, rowScale ? rowScale + image * imagePixels * shape.rowScaleStep : 0, first, count);
    }
    multiplyBand(shape, y, w, isSmall, rowScale, scratch, windows, tiles, band, pixel, count);
  }
}

/**
 * y = conv(x, w) on the int8 image x[N, inHeight, inWidth, inChannels], as the ConvShape at `table` says, `band` pixels
 * at a time; `w` holds its panels of int16 weights, group by group. Where the zero point of x is computed, `rowScale`
 * holds { scale f32, zero i32 } for all, or for each row of a matrix; else it is 0. Split by output pixels of all images.
 */
export function qs8_conv_4x8(
  y: usize, x: usize, w: usize, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize,
): void {
  convolve(y, x, w, false, rowScale, scratch, table, begin, end);
}

/** qs8_conv_4x8 with panels of int8 weights: half the bytes, symmetric weights only. */
export function qs8_conv_4x8_small(
  y: usize, x: usize, w: usize, rowScale: usize, scratch: usize, table: usize, begin: usize, end: usize,
): void {
  convolve(y, x, w, true, rowScale, scratch, table, begin, end);
}
