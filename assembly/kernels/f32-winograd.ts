// 3 × 3 convolution by Winograd's algorithm on tiles of n × n pixels. A tile has side × side input pixels and elements:
// | n | stride | side | multiplications |
// | 4 | 1 | 6 | 4 times fewer |
// | 4 | 2 | 9 | 1.78 times |
// | 2 | 1 | 4 | 2.25 times, with less that is computed in vain at the edges of small pictures |
// A band of tiles goes through all three stages while it is in the second-level cache.
//
// scratch:  | temp 81 vectors | V: side² matrices [tiles, C] | M: side² matrices [tiles, O rounded up to 4] | side² pixels |
import { product } from "../lib/f32-bands";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { ConvShape, copyFloats, zeroFloats } from "../lib/f32-windows";
import { matrixBytes, tileForward, tileInverse } from "../lib/f32-winograd";
import { formForward, formInverse, Small, Strided } from "../lib/f32-winograd-forms";

const TEMP_BYTES: usize = 81 * 16;

/**
 * Copies the `side`² pixels from row `iy`, column `ix` of an image on to `to`; what lies outside the image is zero.
 * `image` is its first byte.
 */
function copyTile(to: usize, image: usize, iy: isize, ix: isize, side: isize, shape: ConvShape): void {
  const channels = shape.inChannels;
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

/** `count` tiles of n × n pixels from tile `first` on. */
function winogradBand(
  n: usize,
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
  const stride = shape.strideHeight;
  const side: usize = n == 2 ? 4 : stride == 1 ? 6 : 9;
  // Matrices of weights a side.
  const weights = n + 2;
  const elements = side * side;
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

  const copy = m + elements * mBytes;
  for (let tile: usize = 0; tile < count; tile++) {
    const at = first + tile;
    const line = at / across;
    const iy = <isize>((line % down) * n * stride) - <isize>shape.padTop;
    const ix = <isize>((at % across) * n * stride) - <isize>shape.padLeft;
    const image = x + (line / down) * shape.inHeight * rowBytes;
    let from = image + iy * rowBytes + ix * pixelBytes;
    let step = rowBytes;
    if (iy < 0 || ix < 0 || iy + <isize>side > <isize>shape.inHeight || ix + <isize>side > <isize>shape.inWidth) {
      copyTile(copy, image, iy, ix, side, shape);
      from = copy;
      step = side * pixelBytes;
    }
    const to = v + tile * pixelBytes;
    if (side == 6) tileForward(to, from, scratch, channels, pixelBytes, step, vBytes);
    else if (side == 9) formForward<Strided>(to, from, scratch, channels, pixelBytes, step, vBytes);
    else formForward<Small>(to, from, scratch, channels, pixelBytes, step, vBytes);
  }

  const wBytes = ((filters + PANEL - 1) / PANEL) * panelBytes(channels);
  for (let top: usize = 0; top < weights; top++) {
    for (let left: usize = 0; left < weights; left++) {
      // With stride 2 the last weights of an axis are those of four elements.
      const bottom = top == weights - 1 ? side : top + 1, right = left == weights - 1 ? side : left + 1;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          const element = row * side + column;
          product(m + element * mBytes, v + element * vBytes, w, 0, count, filters, channels, ldm * 4, pixelBytes, 0, -Infinity, Infinity);
        }
      }
      w += wBytes;
    }
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
    const from = m + tile * ldm * 4, rRow = shape.outWidth * rPixel;
    if (side == 6) tileInverse(to, from, scratch, r, epilogue, filters, rows, columns, mBytes, yPixel, yRow, rPixel, rRow);
    else if (side == 9) formInverse<Strided>(to, from, scratch, r, epilogue, filters, rows, columns, mBytes, yPixel, yRow, rPixel, rRow);
    else formInverse<Small>(to, from, scratch, r, epilogue, filters, rows, columns, mBytes, yPixel, yRow, rPixel, rRow);
    if (epilogue.activation) for (let row: usize = 0; row < rows; row++) activateRows(to + row * yRow, yPixel, columns, filters, epilogue);
  }
}

/**
 * y = epilogue(x ∗ w + bias, residual) for the tiles of [begin, end), counted over the whole batch, 4 × 4 output pixels
 * each; the stride is 1 or 2. `w`: 36 times the panels of the transformed filters, the bias with element 7. `residual` may be 0.
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
    winogradBand(4, y, x, w, residual, epilogue, shape, scratch, tile, min(shape.bandRows, end - tile));
  }
}

/** The same with stride 1 for tiles of 2 × 2 output pixels; `w` holds 16 times the panels, the bias with element 5. */
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
    winogradBand(2, y, x, w, residual, epilogue, shape, scratch, tile, min(shape.bandRows, end - tile));
  }
}
