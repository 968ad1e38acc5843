// 3 × 3 convolution with stride 1 by Winograd's algorithm: 4 times (tiles of 4 × 4) or 2.25 times (2 × 2) fewer
// multiplications. A band of tiles goes through all three stages while it is in the second-level cache.
//
// scratch:  | temp 36 vectors | V: side² matrices [tiles, C] | M: side² matrices [tiles, O rounded up to 4] |
// The matrices are a cache line further apart than they need, so that they do not fall on the same cache sets.
import { product } from "../lib/f32-bands";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { ConvShape } from "../lib/f32-windows";
import { tileForward, tileInverse } from "../lib/f32-winograd";

const TEMP_BYTES: usize = 36 * 16;

/** Bits first … last of those rows or columns that lie inside the image. */
// @ts-ignore: decorator
@inline
function insideMask(first: isize, size: isize, side: isize): u32 {
  const from = min<isize>(max<isize>(-first, 0), side);
  const until = max<isize>(min<isize>(size - first, side), 0);
  return ((1 << <u32>until) - 1) & ~((1 << <u32>from) - 1);
}

/** The bytes of one matrix of a band. */
// @ts-ignore: decorator
@inline
function matrixBytes(tiles: usize, columns: usize): usize {
  return (((tiles * columns + 3) & ~3) + 16) * 4;
}

/** `count` tiles from tile `first` on; `side` is a constant. */
// @ts-ignore: decorator
@inline
function winogradBand(
  side: i32,
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  scratch: usize,
  first: usize,
  count: usize,
): void {
  const n: usize = side - 2;
  const elements: usize = side * side;
  const channels = shape.inChannels;
  const filters = shape.outChannels;
  const pixelBytes = channels * 4;
  const rowBytes = shape.inWidth * pixelBytes;
  const across = (shape.outWidth + n - 1) / n;
  const down = (shape.outHeight + n - 1) / n;
  const ldm = (filters + 3) & ~3;
  const v = scratch + TEMP_BYTES;
  const vBytes = matrixBytes(count, channels);
  const m = v + elements * vBytes;
  const mBytes = matrixBytes(count, ldm);

  for (let tile: usize = 0; tile < count; tile++) {
    const at = first + tile;
    const line = at / across;
    const iy = <isize>((line % down) * n) - <isize>shape.padTop;
    const ix = <isize>((at % across) * n) - <isize>shape.padLeft;
    const from = x + (line / down) * shape.inHeight * rowBytes + iy * rowBytes + ix * pixelBytes;
    const rows = insideMask(iy, shape.inHeight, side);
    const columns = insideMask(ix, shape.inWidth, side);
    tileForward(side, v + tile * pixelBytes, from, scratch, channels, pixelBytes, rowBytes, rows, columns, vBytes);
  }

  const wBytes = ((filters + PANEL - 1) / PANEL) * panelBytes(channels);
  for (let element: usize = 0; element < elements; element++) {
    const at = m + element * mBytes;
    product(at, v + element * vBytes, w + element * wBytes, 0, count, filters, channels, ldm * 4, pixelBytes, 0, -Infinity, Infinity);
  }

  const yPixel = shape.ldy * 4;
  const rPixel = shape.ldr * 4;
  for (let tile: usize = 0; tile < count; tile++) {
    const at = first + tile;
    const line = at / across;
    const oy = (line % down) * n;
    const ox = (at % across) * n;
    const rows = min(n, shape.outHeight - oy);
    const columns = min(n, shape.outWidth - ox);
    const pixel = ((line / down) * shape.outHeight + oy) * shape.outWidth + ox;
    const to = y + pixel * yPixel;
    const r = residual ? residual + pixel * rPixel : 0;
    const yRow = shape.outWidth * yPixel;
    tileInverse(side, to, m + tile * ldm * 4, scratch, r, epilogue, filters, rows, columns, mBytes, yPixel, yRow, rPixel, shape.outWidth * rPixel);
    if (epilogue.activation) for (let row: usize = 0; row < rows; row++) activateRows(to + row * yRow, yPixel, columns, filters, epilogue);
  }
}

/**
 * y = epilogue(x ∗ w + bias, residual) for the tiles of [begin, end), counted over the whole batch, 4 × 4 output pixels
 * each. `w`: 36 times the panels of the transformed filters, the bias with element 7. `residual` may be 0.
 * `scratch` holds a band of `shape.bandRows` tiles.
 */
export function f32_winograd_4x4(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  for (let tile = begin; tile < end; tile += shape.bandRows) {
    winogradBand(6, y, x, w, residual, epilogue, shape, scratch, tile, min(shape.bandRows, end - tile));
  }
}

/** The same with tiles of 2 × 2 output pixels: 16 times the panels, the bias with element 5. */
export function f32_winograd_2x2(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  for (let tile = begin; tile < end; tile += shape.bandRows) {
    winogradBand(4, y, x, w, residual, epilogue, shape, scratch, tile, min(shape.bandRows, end - tile));
  }
}
