// Convolution along one axis with stride 1 by Winograd's algorithm: 1.75 (two or seven taps) to 2.5 times (four or five)
// fewer multiplications. A band of tiles goes through all three stages while it is in the second-level cache.
//
// scratch:  | V: eight matrices [tiles, C] | M: eight matrices [tiles, O rounded up to 4] | eight pixels |
import { product } from "../lib/f32-bands";
import { activateRows, Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { copyFloats, zeroFloats } from "../lib/f32-windows";
import { matrixBytes } from "../lib/f32-winograd";
import { lineForward, lineInverse, TILE } from "../lib/f32-winograd-line";

/** What a call says once, as 32-bit words in memory: x[outer, inLength, inner, channels] gives y[outer, outLength, inner, filters]. */
@unmanaged
class LineShape {
  inLength: usize;
  outLength: usize;
  inner: usize;
  channels: usize;
  filters: usize;
  taps: usize;
  /** Zeros before the first pixel of a line. */
  pad: usize;
  /** Elements between two output pixels, and between two pixels of the residual. */
  ldy: usize;
  ldr: usize;
  /** Tiles that lie in scratch at once. */
  bandTiles: usize;
}

/** Copies the eight pixels from pixel `at` of a line on to `to`; what lies outside the line is zero. */
function copyTile(to: usize, line: usize, at: isize, step: usize, shape: LineShape): void {
  for (const end = at + TILE; at < end; at++) {
    to = <usize>at < shape.inLength ? copyFloats(to, line + <usize>at * step, shape.channels) : zeroFloats(to, shape.channels);
  }
}

/** `count` tiles from tile `first` on. */
function lineBand(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: LineShape, scratch: usize, first: usize, count: usize): void {
  const channels = shape.channels, filters = shape.filters, inner = shape.inner;
  const n = TILE + 1 - shape.taps;
  const pixelBytes = channels * 4;
  const step = inner * pixelBytes;
  const along = (shape.outLength + n - 1) / n;
  const ldm = (filters + 3) & ~3;
  const vBytes = matrixBytes(count, channels);
  const mBytes = matrixBytes(count, ldm);
  const m = scratch + TILE * vBytes;
  const copy = m + TILE * mBytes;

  for (let tile: usize = 0; tile < count; tile++) {
    const line = (first + tile) / along;
    const at = <isize>(((first + tile) % along) * n) - <isize>shape.pad;
    const from = x + ((line / inner) * shape.inLength * inner + (line % inner)) * pixelBytes;
    const to = scratch + tile * pixelBytes;
    if (at < 0 || at + <isize>TILE > <isize>shape.inLength) {
      copyTile(copy, from, at, step, shape);
      lineForward(to, copy, channels, pixelBytes, vBytes);
    } else {
      lineForward(to, from + at * step, channels, step, vBytes);
    }
  }

  const wBytes = ((filters + PANEL - 1) / PANEL) * panelBytes(channels);
  for (let element: usize = 0; element < TILE; element++) {
    product(m + element * mBytes, scratch + element * vBytes, w + element * wBytes, 0, count, filters, channels, ldm * 4, pixelBytes, 0, -Infinity, Infinity);
  }

  const yStep = inner * shape.ldy * 4, rStep = inner * shape.ldr * 4;
  for (let tile: usize = 0; tile < count; tile++) {
    const line = (first + tile) / along;
    const at = ((first + tile) % along) * n;
    const pixels = min(n, shape.outLength - at);
    const pixel = ((line / inner) * shape.outLength + at) * inner + (line % inner);
    const to = y + pixel * shape.ldy * 4;
    const r = residual ? residual + pixel * shape.ldr * 4 : 0;
    lineInverse(to, m + tile * ldm * 4, r, epilogue, filters, n, pixels, mBytes, yStep, rStep);
    activateRows(to, yStep, pixels, filters, epilogue);
  }
}

/**
 * y = epilogue(x ∗ w + bias, residual) for the tiles of [begin, end), counted over all lines: 9 − taps output pixels each,
 * fewer at a line's end. `w`: eight times the panels of the transformed filters, the bias with element 1. `residual` may
 * be 0. 2 to 7 taps.
 */
export function f32_winograd_line(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: LineShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  for (let tile = begin; tile < end; tile += shape.bandTiles) {
    lineBand(y, x, w, residual, epilogue, shape, scratch, tile, min(shape.bandTiles, end - tile));
  }
}
