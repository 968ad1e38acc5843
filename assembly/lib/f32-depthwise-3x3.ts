// Depthwise convolution by 3 × 3 taps with stride 1 or 2: by blocks of four pixels of an output row, four channels after four.
// A block at an edge of the image has a body of its own, so that the others load without asking. The last block of a row
// ends with it: pixels that the one before has computed are computed again, but not stored.
import { stillPairs } from "./f32-depthwise-pairs";
import { finish, QUAD, taps } from "./f32-depthwise-pixels";
import { Epilogue } from "./f32-epilogue";
import { ConvShape } from "./f32-windows";
import { madd, RELAXED } from "./simd";

/**
 * With a multiple of so many channels, pixels fall on one or two sets of a first-level cache of 64 × 64-byte lines a way.
 * GF/s at 7×7×1024 by four pixels and by `wide`: relaxed 14 and 23, simd128 in V8 11.3 10 and 19; at 14×14×512 26 and 32,
 * 20 and 25. Elsewhere `wide` is a quarter slower.
 */
// @ts-ignore: decorator
@inline const COLLIDING: usize = 512;

/**
 * `blocks` blocks with stride 1; `x` is the first tap of the first pixel. Only where `isEdge`, a constant, the first or the last
 * column may be outside the image, the bits of `rows` say which rows are inside, and pixels before `first` are not stored.
 */
// @ts-ignore: decorator
@inline
function still(isEdge: bool, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, blocks: usize, left: bool, right: bool, rows: u32, first: isize): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi), zero = f32x4.splat(0);
  const step = shape.inChannels * 4, rowBytes = shape.inWidth * step, yStep = shape.ldy * 4, rStep = shape.ldr * 4;
  const quadBytes = (shape.inChannels >> 2) * 16, rNext = residual ? 16 : 0;
  let wa: v128, wb: v128, wc: v128, v0: v128, v1: v128, v2: v128, v3: v128, v4: v128, v5: v128;
  for (; blocks > 0; blocks--) {
    let r0 = x, r1 = r0 + rowBytes, r2 = r1 + rowBytes, to = y, r = residual, weights = w, p: usize;
    const end = y + quadBytes;
    do {
      let c0 = v128.load(weights), c1 = c0, c2 = c0, c3 = c0;
      if (!isEdge || rows & 1) {
        wa = v128.load(weights, 16), wb = v128.load(weights, 32), wc = v128.load(weights, 48);
        v0 = isEdge && left ? zero : v128.load(r0), p = r0 + step, v1 = v128.load(p), p += step, v2 = v128.load(p), p += step;
        v3 = v128.load(p), p += step, v4 = v128.load(p), v5 = isEdge && right ? zero : v128.load(p + step);
        c0 = taps(c0, v0, v1, v2, wa, wb, wc), c1 = taps(c1, v1, v2, v3, wa, wb, wc);
        c2 = taps(c2, v2, v3, v4, wa, wb, wc), c3 = taps(c3, v3, v4, v5, wa, wb, wc);
      }
      // A pointer is never 0: asked all the same, because a branch keeps the optimizer from moving all loads to the top, where
      // registers run out. Each asks for another pointer, as what was asked before is known and dropped.
      if (isEdge ? rows & 2 : r1) {
        wa = v128.load(weights, 64), wb = v128.load(weights, 80), wc = v128.load(weights, 96);
        v0 = isEdge && left ? zero : v128.load(r1), p = r1 + step, v1 = v128.load(p), p += step, v2 = v128.load(p), p += step;
        v3 = v128.load(p), p += step, v4 = v128.load(p), v5 = isEdge && right ? zero : v128.load(p + step);
        c0 = taps(c0, v0, v1, v2, wa, wb, wc), c1 = taps(c1, v1, v2, v3, wa, wb, wc);
        c2 = taps(c2, v2, v3, v4, wa, wb, wc), c3 = taps(c3, v3, v4, v5, wa, wb, wc);
      }
      if (isEdge ? rows & 4 : r2) {
        wa = v128.load(weights, 112), wb = v128.load(weights, 128), wc = v128.load(weights, 144);
        v0 = isEdge && left ? zero : v128.load(r2), p = r2 + step, v1 = v128.load(p), p += step, v2 = v128.load(p), p += step;
        v3 = v128.load(p), p += step, v4 = v128.load(p), v5 = isEdge && right ? zero : v128.load(p + step);
        c0 = taps(c0, v0, v1, v2, wa, wb, wc), c1 = taps(c1, v1, v2, v3, wa, wb, wc);
        c2 = taps(c2, v2, v3, v4, wa, wb, wc), c3 = taps(c3, v3, v4, v5, wa, wb, wc);
      }
      finish(to, yStep, r, rStep, isEdge ? first : 0, c0, c1, c2, c3, lo, hi);
      r0 += 16, r1 += 16, r2 += 16, to += 16, r += rNext, weights += QUAD;
    } while (to < end);
    x += 4 * step, y += 4 * yStep, residual += residual ? 4 * rStep : 0;
  }
}

/** `still` with stride 2. Each row is summed in two steps, as one would need too many registers. */
// @ts-ignore: decorator
@inline
function moving(isEdge: bool, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, blocks: usize, left: bool, right: bool, rows: u32, first: isize): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi), zero = f32x4.splat(0);
  const step = shape.inChannels * 4, two = 2 * step, rowBytes = shape.inWidth * step, yStep = shape.ldy * 4, rStep = shape.ldr * 4;
  const quadBytes = (shape.inChannels >> 2) * 16, rNext = residual ? 16 : 0;
  let wa: v128, wc: v128, v0: v128, v2: v128, v4: v128, v6: v128, v8: v128;
  for (; blocks > 0; blocks--) {
    let r0 = x, r1 = r0 + rowBytes, r2 = r1 + rowBytes, to = y, r = residual, weights = w, p: usize;
    const end = y + quadBytes;
    do {
      let c0 = v128.load(weights), c1 = c0, c2 = c0, c3 = c0;
      if (!isEdge || rows & 1) {
        wa = v128.load(weights, 16), wc = v128.load(weights, 48), v0 = isEdge && left ? zero : v128.load(r0), p = r0 + two;
        v2 = v128.load(p), p += two, v4 = v128.load(p), p += two, v6 = v128.load(p), v8 = isEdge && right ? zero : v128.load(p + two);
        c0 = madd(v2, wc, madd(v0, wa, c0)), c1 = madd(v4, wc, madd(v2, wa, c1));
        c2 = madd(v6, wc, madd(v4, wa, c2)), c3 = madd(v8, wc, madd(v6, wa, c3));
      }
      if (isEdge ? rows & 1 : r0) {
        wa = v128.load(weights, 32), p = r0 + step, c0 = madd(v128.load(p), wa, c0), p += two, c1 = madd(v128.load(p), wa, c1);
        p += two, c2 = madd(v128.load(p), wa, c2), c3 = madd(v128.load(p + two), wa, c3);
      }
      if (isEdge ? rows & 2 : r1) {
        wa = v128.load(weights, 64), wc = v128.load(weights, 96), v0 = isEdge && left ? zero : v128.load(r1), p = r1 + two;
        v2 = v128.load(p), p += two, v4 = v128.load(p), p += two, v6 = v128.load(p), v8 = isEdge && right ? zero : v128.load(p + two);
        c0 = madd(v2, wc, madd(v0, wa, c0)), c1 = madd(v4, wc, madd(v2, wa, c1));
        c2 = madd(v6, wc, madd(v4, wa, c2)), c3 = madd(v8, wc, madd(v6, wa, c3));
      }
      if (isEdge ? rows & 2 : weights) {
        wa = v128.load(weights, 80), p = r1 + step, c0 = madd(v128.load(p), wa, c0), p += two, c1 = madd(v128.load(p), wa, c1);
        p += two, c2 = madd(v128.load(p), wa, c2), c3 = madd(v128.load(p + two), wa, c3);
      }
      if (isEdge ? rows & 4 : r2) {
        wa = v128.load(weights, 112), wc = v128.load(weights, 144), v0 = isEdge && left ? zero : v128.load(r2), p = r2 + two;
        v2 = v128.load(p), p += two, v4 = v128.load(p), p += two, v6 = v128.load(p), v8 = isEdge && right ? zero : v128.load(p + two);
        c0 = madd(v2, wc, madd(v0, wa, c0)), c1 = madd(v4, wc, madd(v2, wa, c1));
        c2 = madd(v6, wc, madd(v4, wa, c2)), c3 = madd(v8, wc, madd(v6, wa, c3));
      }
      if (isEdge ? rows & 4 : to) {
        wa = v128.load(weights, 128), p = r2 + step, c0 = madd(v128.load(p), wa, c0), p += two, c1 = madd(v128.load(p), wa, c1);
        p += two, c2 = madd(v128.load(p), wa, c2), c3 = madd(v128.load(p + two), wa, c3);
      }
      finish(to, yStep, r, rStep, isEdge ? first : 0, c0, c1, c2, c3, lo, hi);
      r0 += 16, r1 += 16, r2 += 16, to += 16, r += rNext, weights += QUAD;
    } while (to < end);
    x += 4 * two, y += 4 * yStep, residual += residual ? 4 * rStep : 0;
  }
}

/**
 * Two pixels with stride 1, sixteen channels after sixteen, for pixels that fall on the same few cache sets: of each line is
 * read all that is needed, before others replace it. `x` is the first tap inside the image, the first of `rows` rows;
 * `w` begins `skip` bytes before their weights.
 */
// @ts-ignore: decorator
@inline
function wide(isEdge: bool, y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, left: bool, right: bool, rows: usize, skip: usize, first: isize): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi), zero = f32x4.splat(0);
  const step = shape.inChannels * 4, rowBytes = shape.inWidth * step, yStep = shape.ldy * 4, rStep = shape.ldr * 4;
  const end = y + shape.inChannels * 4, rNext = residual ? 64 : 0;
  let wa: v128, wb: v128, wc: v128, v0: v128, v1: v128, v2: v128, v3: v128;
  do {
    let c00 = v128.load(w), c01 = v128.load(w, QUAD), c02 = v128.load(w, 2 * QUAD), c03 = v128.load(w, 3 * QUAD);
    let c10 = c00, c11 = c01, c12 = c02, c13 = c03;
    let p0 = x, weights = w + skip;
    for (let i = rows; i > 0; i--) {
      const p1 = p0 + step, p2 = p1 + step, p3 = p2 + step;
      if (weights) {
        wa = v128.load(weights, 16), wb = v128.load(weights, 32), wc = v128.load(weights, 48);
        v0 = isEdge && left ? zero : v128.load(p0), v1 = v128.load(p1), v2 = v128.load(p2), v3 = isEdge && right ? zero : v128.load(p3);
        c00 = taps(c00, v0, v1, v2, wa, wb, wc), c10 = taps(c10, v1, v2, v3, wa, wb, wc);
      }
      if (p1) {
        wa = v128.load(weights, QUAD + 16), wb = v128.load(weights, QUAD + 32), wc = v128.load(weights, QUAD + 48);
        v0 = isEdge && left ? zero : v128.load(p0, 16), v1 = v128.load(p1, 16), v2 = v128.load(p2, 16), v3 = isEdge && right ? zero : v128.load(p3, 16);
        c01 = taps(c01, v0, v1, v2, wa, wb, wc), c11 = taps(c11, v1, v2, v3, wa, wb, wc);
      }
      if (p2) {
        wa = v128.load(weights, 2 * QUAD + 16), wb = v128.load(weights, 2 * QUAD + 32), wc = v128.load(weights, 2 * QUAD + 48);
        v0 = isEdge && left ? zero : v128.load(p0, 32), v1 = v128.load(p1, 32), v2 = v128.load(p2, 32), v3 = isEdge && right ? zero : v128.load(p3, 32);
        c02 = taps(c02, v0, v1, v2, wa, wb, wc), c12 = taps(c12, v1, v2, v3, wa, wb, wc);
      }
      if (p3) {
        wa = v128.load(weights, 3 * QUAD + 16), wb = v128.load(weights, 3 * QUAD + 32), wc = v128.load(weights, 3 * QUAD + 48);
        v0 = isEdge && left ? zero : v128.load(p0, 48), v1 = v128.load(p1, 48), v2 = v128.load(p2, 48), v3 = isEdge && right ? zero : v128.load(p3, 48);
        c03 = taps(c03, v0, v1, v2, wa, wb, wc), c13 = taps(c13, v1, v2, v3, wa, wb, wc);
      }
      p0 += rowBytes, weights += 48;
    }
    if (!first) finish(y, 16, residual, 16, 0, c00, c01, c02, c03, lo, hi);
    finish(y + yStep, 16, residual ? residual + rStep : 0, 16, 0, c10, c11, c12, c13, lo, hi);
    x += 64, y += 64, residual += rNext, w += 4 * QUAD;
  } while (y < end);
}

function wideBlock(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, left: bool, right: bool, rows: usize, skip: usize, first: isize): void {
  if (left || right) wide(true, y, x, w, residual, epilogue, shape, left, right, rows, skip, first);
  else wide(false, y, x, w, residual, epilogue, shape, left, right, rows, skip, first);
}

function stillBlock(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, blocks: usize, left: bool, right: bool, rows: u32, first: isize): void {
  if (left || right || first || rows != 7) still(true, y, x, w, residual, epilogue, shape, 1, left, right, rows, first);
  else if (RELAXED && !(shape.inChannels & 4)) stillPairs(y, x, w, residual, epilogue, shape, blocks);
  else still(false, y, x, w, residual, epilogue, shape, blocks, left, right, rows, first);
}

function movingBlock(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, blocks: usize, left: bool, right: bool, rows: u32, first: isize): void {
  if (left || right || first || rows != 7) moving(true, y, x, w, residual, epilogue, shape, 1, left, right, rows, first);
  else moving(false, y, x, w, residual, epilogue, shape, blocks, left, right, rows, first);
}

/** True where `row3x3` can do a layer: no block has more than its first or last column outside the image. */
export function is3x3(shape: ConvShape): bool {
  const width = shape.outWidth, stride = shape.strideWidth;
  const isAlike = shape.kernelHeight == 3 && shape.kernelWidth == 3 && shape.dilationHeight == 1 && shape.dilationWidth == 1 && stride <= 2;
  return isAlike && shape.inChannels >= 4 && width >= 4 && shape.padLeft <= 1 && (width - 1) * stride + 2 - shape.padLeft <= shape.inWidth;
}

/** Whole fours of channels of one output row, whose first tap lies in row `iy` of the image at `x`. */
export function row3x3(y: usize, x: usize, w: usize, residual: usize, epilogue: Epilogue, shape: ConvShape, iy: isize): void {
  const width = shape.outWidth, stride = shape.strideWidth, columns: usize = 3 * stride + 3;
  const step = shape.inChannels * 4, yStep = shape.ldy * 4, rStep = shape.ldr * 4;
  const row = x + (iy * <isize>shape.inWidth - <isize>shape.padLeft) * step;
  let rows: u32 = 0;
  for (let i = 0; i < 3; i++) if (<usize>(iy + i) < shape.inHeight) rows |= 1 << i;
  if (stride == 1 && shape.inChannels % COLLIDING == 0) {
    const top = max<isize>(-iy, 0), inside = max<isize>(min<isize>(shape.inHeight - iy, 3) - top, 0);
    for (let ox: usize = 0; ox < width; ox += 2) {
      const at = min(ox, width - 2), left = at < shape.padLeft, right = at + 4 > shape.inWidth + shape.padLeft;
      const r = residual ? residual + at * rStep : 0;
      wideBlock(y + at * yStep, row + (top * shape.inWidth + at) * step, w, r, epilogue, shape, left, right, inside, top * 48, ox - at);
    }
    return;
  }
  for (let ox: usize = 0, blocks: usize = 1; ox < width; ox += 4 * blocks) {
    const at = min(ox, width - 4), column = at * stride, room: usize = shape.inWidth + shape.padLeft - column;
    const left = column < shape.padLeft, right = room < columns;
    blocks = left || right || rows != 7 ? 1 : min((width - at) >> 2, (room - columns) / (4 * stride) + 1);
    const to = y + at * yStep, from = row + column * step, r = residual ? residual + at * rStep : 0;
    if (stride == 1) stillBlock(to, from, w, r, epilogue, shape, blocks, left, right, rows, ox - at);
    else movingBlock(to, from, w, r, epilogue, shape, blocks, left, right, rows, ox - at);
  }
}
