// Dense convolution in float32 without a copy of the windows: the input is read where it lies, or, where there is
// padding, from a copy of some rows with their zeros around them.
import { directTile } from "../lib/f32-direct";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes, TILE_ROWS } from "../lib/f32-panel";
import { ConvShape, copyFloats, zeroFloats } from "../lib/f32-windows";

/** Copies `rows` rows of the padded image from row `iy` on, which may be outside; a padded row has `width` floats. */
function padRows(y: usize, x: usize, iy: isize, rows: usize, width: usize, shape: ConvShape): void {
  const before = min(shape.padLeft * shape.inChannels, width);
  const inside = min(shape.inWidth * shape.inChannels, width - before);
  const rowBytes = shape.inWidth * shape.inChannels * 4;
  for (; rows > 0; rows--) {
    if (<usize>iy < shape.inHeight) {
      y = zeroFloats(y, before);
      y = copyFloats(y, x + <usize>iy * rowBytes, inside);
      y = zeroFloats(y, width - before - inside);
    } else {
      y = zeroFloats(y, width);
    }
    iy++;
  }
}

/** Apart from the wide tiles, which are inlined for speed. */
function narrowTile(
  y: usize, a0: usize, a1: usize, a2: usize, a3: usize, a4: usize, a5: usize, panel: usize, residual: usize, rows: usize,
  cols: usize, runs: usize, run: usize, stepBytes: usize, ldy: usize, ldr: usize, lo: f32, hi: f32,
): void {
  directTile(false, y, a0, a1, a2, a3, a4, a5, panel, residual, rows, cols, runs, run, stepBytes, ldy, ldr, lo, hi);
}

/** Bytes from the window of an output pixel to that of the next, which may be in the next row. */
// @ts-ignore: decorator
@inline
function stepFrom(column: usize, lastColumn: usize, pixelBytes: usize, turnBytes: usize): usize {
  return column == lastColumn ? turnBytes : pixelBytes;
}

// @ts-ignore: decorator
@inline
function columnAfter(column: usize, lastColumn: usize): usize {
  return column == lastColumn ? 0 : column + 1;
}

/**
 * `pixels` output pixels whose first window begins at `x`, in an image of rows of `rowBytes`; for `n` filters, whose panels
 * begin at `w`.
 */
function directRows(
  y: usize, x: usize, w: usize, residual: usize, pixels: usize, n: usize, rowBytes: usize, epilogue: Epilogue, shape: ConvShape,
): void {
  const run = shape.kernelWidth * shape.inChannels;
  const runs = shape.kernelHeight;
  const lo = epilogue.sumLo;
  const hi = epilogue.sumHi;
  const ldy = shape.ldy * 4;
  const ldr = shape.ldr * 4;
  const pixelBytes = shape.strideWidth * shape.inChannels * 4;
  // From the window of the last column to that of the first in the next row.
  const turnBytes = shape.strideHeight * rowBytes - (shape.outWidth - 1) * pixelBytes;
  const lastColumn = shape.outWidth - 1;
  const stepBytes = shape.dilationHeight * rowBytes;
  let column: usize = 0;
  for (let pixel: usize = 0; pixel < pixels; pixel += TILE_ROWS) {
    const rows = min(pixels - pixel, TILE_ROWS);
    const a0 = x;
    x += stepFrom(column, lastColumn, pixelBytes, turnBytes); column = columnAfter(column, lastColumn);
    // Pixels past the last one are the last one again.
    const a1 = rows > 1 ? x : a0;
    x += stepFrom(column, lastColumn, pixelBytes, turnBytes); column = columnAfter(column, lastColumn);
    const a2 = rows > 2 ? x : a1;
    x += stepFrom(column, lastColumn, pixelBytes, turnBytes); column = columnAfter(column, lastColumn);
    const a3 = rows > 3 ? x : a2;
    x += stepFrom(column, lastColumn, pixelBytes, turnBytes); column = columnAfter(column, lastColumn);
    let a4 = a3, a5 = a3;
    if (TILE_ROWS > 4) {
      a4 = rows > 4 ? x : a3;
      x += stepFrom(column, lastColumn, pixelBytes, turnBytes); column = columnAfter(column, lastColumn);
      a5 = rows > 5 ? x : a4;
      x += stepFrom(column, lastColumn, pixelBytes, turnBytes); column = columnAfter(column, lastColumn);
    }
    let panel = w;
    for (let at: usize = 0; at < n; at += PANEL) {
      const cols = min(n - at, PANEL);
      const to = y + pixel * ldy + at * 4;
      const r = residual ? residual + pixel * ldr + at * 4 : 0;
      if (cols > 4) directTile(true, to, a0, a1, a2, a3, a4, a5, panel, r, rows, cols, runs, run, stepBytes, ldy, ldr, lo, hi);
      else narrowTile(to, a0, a1, a2, a3, a4, a5, panel, r, rows, cols, runs, run, stepBytes, ldy, ldr, lo, hi);
      panel += panelBytes(runs * run);
    }
  }
}

/** Bytes of panels that go over all pixels of a band before the next ones: what the first-level cache keeps. */
const NEAR_BYTES: usize = 16 << 10;

/** `directRows` for all filters. */
function directBand(
  y: usize, x: usize, w: usize, residual: usize, pixels: usize, rowBytes: usize, epilogue: Epilogue, shape: ConvShape,
): void {
  const bytes = panelBytes(shape.kernelHeight * shape.kernelWidth * shape.inChannels);
  const near = max<usize>(NEAR_BYTES / bytes, 1);
  for (let at: usize = 0; at < shape.outChannels; at += near * PANEL) {
    const n = min(near * PANEL, shape.outChannels - at);
    directRows(y + at * 4, x, w, residual ? residual + at * 4 : 0, pixels, n, rowBytes, epilogue, shape);
    w += near * bytes;
  }
  activateRows(y, shape.ldy * 4, pixels, shape.outChannels, epilogue);
}

/**
 * y = epilogue(x ∗ w + bias, residual) for the output rows of [begin, end), counted over the whole batch; one group, no
 * dilation across. `w` holds the panels of the filters, with k = (ky, kx, input channel). `residual` may be 0. `scratch` holds the
 * padded rows of the input under `shape.bandRows` output rows; it is 0 where no window leaves the image.
 */
export function f32_conv_direct(
  y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, scratch: usize, begin: usize, end: usize,
): void {
  const width = ((shape.outWidth - 1) * shape.strideWidth + shape.kernelWidth) * shape.inChannels;
  const imageBytes = shape.inHeight * shape.inWidth * shape.inChannels * 4;
  while (begin < end) {
    const image = begin / shape.outHeight;
    const row = begin - image * shape.outHeight;
    const rows = min(min(shape.bandRows, shape.outHeight - row), end - begin);
    const iy = <isize>(row * shape.strideHeight) - <isize>shape.padTop;
    const from = x + image * imageBytes;
    const pixel = begin * shape.outWidth;
    const to = y + pixel * shape.ldy * 4;
    const r = residual ? residual + pixel * shape.ldr * 4 : 0;
    if (scratch) {
      const taken = (rows - 1) * shape.strideHeight + (shape.kernelHeight - 1) * shape.dilationHeight + 1;
      padRows(scratch, from, iy, taken, width, shape);
      directBand(to, scratch, w, r, rows * shape.outWidth, width * 4, epilogue, shape);
    } else {
      const rowBytes = shape.inWidth * shape.inChannels * 4;
      directBand(to, from + <usize>iy * rowBytes, w, r, rows * shape.outWidth, rowBytes, epilogue, shape);
    }
    begin += rows;
  }
}
