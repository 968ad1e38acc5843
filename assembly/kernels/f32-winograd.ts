// 3 × 3 convolution with stride 1 by Winograd's algorithm on tiles of 4 × 4 pixels: 4 times fewer
// multiplications. A band of tiles goes through all three stages while it is in the second-level cache.
//
// scratch:  | temp 36 vectors | V: 36 matrices [tiles, C] | M: 36 matrices [tiles, O rounded up to 4] | 36 pixels |
// The matrices are a cache line further apart than they need, so that they do not fall on the same cache sets.
import { product } from "../lib/f32-bands";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { ConvShape, copyFloats, zeroFloats } from "../lib/f32-windows";
import { SIDE, tileForward, tileInverse } from "../lib/f32-winograd";

const ELEMENTS: usize = SIDE * SIDE;
const TEMP_BYTES: usize = ELEMENTS * 16;
/** Output pixels a side of a tile. */
const N: usize = SIDE - 2;

/**
 * Copies the 6 × 6 pixels from row `iy`, column `ix` of an image on to `to`; what lies outside the image is zero.
 * `image` is its first byte.
 */
function copyTile(to: usize, image: usize, iy: isize, ix: isize, shape: ConvShape): void {
  const channels = shape.inChannels, side = <isize>SIDE;
  const first = max<isize>(-ix, 0);
  const inside = max<isize>(min<isize>(<isize>shape.inWidth - ix, side) - first, 0);
  for (let row: isize = 0; row < side; row++, iy++) {
    if (<usize>iy >= shape.inHeight || inside == 0) {
      to = zeroFloats(to, side * channels);
      continue;
    }
    to = zeroFloats(to, first * channels);
    to = copyFloats(to, image + (<usize>iy * shape.inWidth + (ix + first)) * channels * 4, inside * channels);
    to = zeroFloats(to, (side - first - inside) * channels);
  }
}

/** The bytes of one matrix of a band. */
// @ts-ignore: decorator
@inline
function matrixBytes(tiles: usize, columns: usize): usize {
  return (((tiles * columns + 3) & ~3) + 16) * 4;
}

/** `count` tiles from tile `first` on. */
function winogradBand(
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
  const channels = shape.inChannels;
  const filters = shape.outChannels;
  const pixelBytes = channels * 4;
  const rowBytes = shape.inWidth * pixelBytes;
  const across = (shape.outWidth + N - 1) / N;
  const down = (shape.outHeight + N - 1) / N;
  const ldm = (filters + 3) & ~3;
  const v = scratch + TEMP_BYTES;
  const vBytes = matrixBytes(count, channels);
  const m = v + ELEMENTS * vBytes;
  const mBytes = matrixBytes(count, ldm);

  const copy = m + ELEMENTS * mBytes;
  for (let tile: usize = 0; tile < count; tile++) {
    const at = first + tile;
    const line = at / across;
    const iy = <isize>((line % down) * N) - <isize>shape.padTop;
    const ix = <isize>((at % across) * N) - <isize>shape.padLeft;
    const image = x + (line / down) * shape.inHeight * rowBytes;
    let from = image + iy * rowBytes + ix * pixelBytes;
    let step = rowBytes;
    if (iy < 0 || ix < 0 || iy + <isize>SIDE > <isize>shape.inHeight || ix + <isize>SIDE > <isize>shape.inWidth) {
      copyTile(copy, image, iy, ix, shape);
      from = copy;
      step = SIDE * pixelBytes;
    }
    tileForward(v + tile * pixelBytes, from, scratch, channels, pixelBytes, step, vBytes);
  }

  const wBytes = ((filters + PANEL - 1) / PANEL) * panelBytes(channels);
  for (let element: usize = 0; element < ELEMENTS; element++) {
    const at = m + element * mBytes;
    product(at, v + element * vBytes, w + element * wBytes, 0, count, filters, channels, ldm * 4, pixelBytes, 0, -Infinity, Infinity);
  }

  const yPixel = shape.ldy * 4;
  const rPixel = shape.ldr * 4;
  for (let tile: usize = 0; tile < count; tile++) {
    const at = first + tile;
    const line = at / across;
    const oy = (line % down) * N;
    const ox = (at % across) * N;
    const rows = min(N, shape.outHeight - oy);
    const columns = min(N, shape.outWidth - ox);
    const pixel = ((line / down) * shape.outHeight + oy) * shape.outWidth + ox;
    const to = y + pixel * yPixel;
    const r = residual ? residual + pixel * rPixel : 0;
    const yRow = shape.outWidth * yPixel;
    tileInverse(to, m + tile * ldm * 4, scratch, r, epilogue, filters, rows, columns, mBytes, yPixel, yRow, rPixel, shape.outWidth * rPixel);
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
    winogradBand(y, x, w, residual, epilogue, shape, scratch, tile, min(shape.bandRows, end - tile));
  }
}
