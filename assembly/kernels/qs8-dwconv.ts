// Depthwise int8 convolution, eight channels at a time. The input under a band of output rows is
// widened to int16 with two rows interleaved, so that one i32x4.dot_i16x8_s takes two taps of four
// channels; or four rows are interleaved as bytes, for the dot product of bytes, two of them again with the next two.
// An output row that begins on the second row of a pair has weights of its own, shifted
// down by a zero. Padding is the input's zero point, which the bias takes off.
//
// Scratch:
//   | 16 × xZero as int8 | sums of some rows: (max(outWidth, BATCH) + 3) × 8 channels × i32
//   | up to four blocks of eight channels: for every two rows, for every column: 4 channels × 2 rows × i16, the next 4 × 2;
//     or 4 channels × 4 rows × i8, the next 4 × 4 |
// Weights, a panel for every eight output channels, with R = 2 rows as i16, or 4 as i8, in a group:
//   | bias 8×i32 | scale 8×f32 | even: ⌈kernelHeight / R⌉ groups × kernelWidth × 8 channels × R rows
//   | odd: ⌈(kernelHeight + 1) / R⌉ groups × kernelWidth × 8 channels × R rows
//   | 1 where requantizeNear can round the sums: i32, 12 bytes |
import { interleave, interleaveHigh } from "../lib/bytes";
import { COLUMN, requantizeRow, sumMovingRow3Bytes, sumRow, sumRow3Bytes, sumRow5, sumRows3 } from "../lib/qs8-depthwise-row";
import { ConvShape, PANEL_HEAD, widthOf } from "../lib/qs8-panel";
import { RELAXED } from "../lib/simd";

/** Pixels whose sums are rounded at once: several rows of a narrow image, which a call for each row would slow down. */
// @ts-ignore: decorator
@inline const BATCH: usize = 128;

/** Interleaves eight channels of two rows, or of two pairs of rows of bytes. */
// @ts-ignore: decorator
@inline
function pairEight(to: usize, top: v128, bottom: v128): void {
  v128.store(to, v128.shuffle<i16>(top, bottom, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(to, v128.shuffle<i16>(top, bottom, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** Columns up to `end` of eight channels; with `next`, also the eight that follow, `next` bytes away. A row outside the image has step 0. */
function pairColumns(to: usize, end: usize, a: usize, b: usize, aStep: usize, bStep: usize, next: usize): void {
  if (next) {
    for (; to < end; to += COLUMN, a += aStep, b += bStep) {
      pairEight(to, v128.load8x8_s(a), v128.load8x8_s(b));
      pairEight(to + next, v128.load8x8_s(a, 8), v128.load8x8_s(b, 8));
    }
  } else {
    for (; to < end; to += COLUMN, a += aStep, b += bStep) pairEight(to, v128.load8x8_s(a), v128.load8x8_s(b));
  }
}

/** pairColumns for fewer than eight channels, or several outputs for each input channel. */
function gatherColumns(to: usize, end: usize, a: usize, b: usize, aStep: usize, bStep: usize, first: usize, lanes: usize, each: usize): void {
  for (; to < end; to += COLUMN, a += aStep, b += bStep) {
    for (let lane: usize = 0; lane < lanes; lane++) {
      const channel = (first + lane) / each;
      store<i16>(to + lane * 4, load<i8>(a + (aStep ? channel : 0)));
      store<i16>(to + lane * 4, load<i8>(b + (bStep ? channel : 0)), 2);
    }
  }
}

/** pairColumns of four rows as bytes, with flipped bits. */
function quadColumns(
  to: usize, end: usize, a: usize, b: usize, c: usize, d: usize, aStep: usize, bStep: usize, cStep: usize, dStep: usize, next: usize, flip: i32,
): void {
  const flips = i8x16.splat(<i8>flip);
  for (; to < end; to += COLUMN, a += aStep, b += bStep, c += cStep, d += dStep) {
    if (next) {
      const va = v128.xor(v128.load(a), flips), vb = v128.xor(v128.load(b), flips), vc = v128.xor(v128.load(c), flips), vd = v128.xor(v128.load(d), flips);
      pairEight(to, interleave(va, vb), interleave(vc, vd));
      pairEight(to + next, interleaveHigh(va, vb), interleaveHigh(vc, vd));
    } else {
      const ab = interleave(v128.load64_zero(a), v128.load64_zero(b)), cd = interleave(v128.load64_zero(c), v128.load64_zero(d));
      pairEight(to, v128.xor(ab, flips), v128.xor(cd, flips));
    }
  }
}

/** One row of gatherColumns as bytes. */
function gatherBytes(to: usize, end: usize, a: usize, step: usize, first: usize, lanes: usize, each: usize, flip: i32): void {
  for (; to < end; to += COLUMN, a += step) {
    for (let lane: usize = 0; lane < lanes; lane++) store<u8>(to + lane * 4, load<u8>(a + (step ? (first + lane) / each : 0)) ^ flip);
  }
}

/**
 * Fills the band for `lanes` output channels from `first` on, in blocks of eight: `rows` input rows, `rowStep` apart,
 * from `top` on. Two blocks at once, and all blocks of a pair of rows before the next, halve the traffic of input lines twice.
 */
function fillBand(
  shape: ConvShape, isBytes: bool, band: usize, zeros: usize, x: usize, top: i32, rows: usize, rowStep: usize, first: usize, lanes: usize, blockBytes: usize,
): void {
  const width = widthOf(shape);
  const left = min(shape.padLeft, width), inside = min(shape.inWidth, width - left);
  const channels = shape.inChannels, each = shape.outChannels, rowBytes = shape.inWidth * channels;
  const padding = isBytes ? i8x16.splat(<i8>(shape.xZero ^ shape.flip)) : i16x8.splat(<i16>shape.xZero);
  for (let row: usize = 0, to = band; row < rows; row += 2) {
    const atA = top + <i32>(row * rowStep), atB = atA + <i32>rowStep;
    const hasA = atA >= 0 && atA < <i32>shape.inHeight, hasB = atB >= 0 && atB < <i32>shape.inHeight && row + 1 < rows;
    const a = hasA ? x + <usize>atA * rowBytes : zeros, b = hasB ? x + <usize>atB * rowBytes : zeros;
    const aStep = hasA ? channels : 0, bStep = hasB ? channels : 0;
    const atC = atB + <i32>rowStep, atD = atC + <i32>rowStep;
    const hasC = atC >= 0 && atC < <i32>shape.inHeight, hasD = atD >= 0 && atD < <i32>shape.inHeight;
    const c = hasC ? x + <usize>atC * rowBytes : zeros, d = hasD ? x + <usize>atD * rowBytes : zeros;
    const cStep = hasC ? channels : 0, dStep = hasD ? channels : 0;
    const end = to + width * COLUMN;
    for (let done: usize = 0, block = to; done < lanes; done += 16, block += 2 * blockBytes) {
      const channel = first + done, some = min<usize>(16, lanes - done), next = some > 8 ? blockBytes : 0;
      const from = block + left * COLUMN, until = from + inside * COLUMN, last = block + width * COLUMN;
      for (let at = block; at < from; at += 16) v128.store(at, padding), v128.store(at + next, padding);
      for (let at = until; at < last; at += 16) v128.store(at, padding), v128.store(at + next, padding);
      if (isBytes) {
        if (each == 1 && (some & 7) == 0) {
          quadColumns(from, until, hasA ? a + channel : a, hasB ? b + channel : b, hasC ? c + channel : c, hasD ? d + channel : d, aStep, bStep, cStep, dStep, next, shape.flip);
          continue;
        }
        for (let gap: usize = 0, left = some; left > 0; gap = next, left -= min<usize>(left, 8)) {
          const group = channel + some - left, count = min<usize>(left, 8);
          gatherBytes(from + gap, until + gap, a, aStep, group, count, each, shape.flip);
          gatherBytes(from + gap + 1, until + gap, b, bStep, group, count, each, shape.flip);
          gatherBytes(from + gap + 2, until + gap, c, cStep, group, count, each, shape.flip);
          gatherBytes(from + gap + 3, until + gap, d, dStep, group, count, each, shape.flip);
        }
      } else if (each == 1 && (some & 7) == 0) {
        pairColumns(from, until, hasA ? a + channel : a, hasB ? b + channel : b, aStep, bStep, next);
      } else {
        gatherColumns(from, until, a, b, aStep, bStep, channel, min<usize>(some, 8), each);
        if (next) gatherColumns(from + next, until + next, a, b, aStep, bStep, channel + 8, some - 8, each);
      }
    }
    to = end;
  }
}

/** Sums of the output rows from `begin` to `end` of a band, a row's right after those of the row before. */
function sumRows(shape: ConvShape, isBytes: bool, sums: usize, band: usize, panel: usize, begin: usize, end: usize, pitch: usize): void {
  const kernelHeight = shape.kernelHeight, taps = shape.kernelWidth, width = shape.outWidth, stride = shape.strideHeight;
  const isSliding = shape.dilationWidth == 1 && shape.strideWidth < 3, isMoving = shape.strideWidth == 2;
  if (isBytes) {
    const even = (kernelHeight + 3) >> 2, odd = (kernelHeight + 4) >> 2;
    if (isSliding && kernelHeight == 3 && taps == 3) {
      for (let row = begin; row < end; row++, sums += width * COLUMN) {
        const start = row * stride, weights = panel + PANEL_HEAD + (start & 1) * (3 * COLUMN), windows = band + (start >> 1) * pitch;
        if (isMoving) sumMovingRow3Bytes(sums, windows, panel, weights, width);
        else sumRow3Bytes(sums, windows, panel, weights, width);
      }
      return;
    }
    for (let row = begin; row < end; row++, sums += width * COLUMN) {
      const start = row * stride, weights = panel + PANEL_HEAD + (start & 1 ? even * taps * COLUMN : 0);
      sumRow<i8>(sums, band + (start >> 1) * pitch, panel, weights, width, start & 1 ? odd : even, pitch * 2, taps, shape.dilationWidth * COLUMN, shape.strideWidth * COLUMN);
    }
    return;
  }
  if (isSliding && kernelHeight == 3 && taps == 3 && shape.strideWidth == stride) {
    if (isMoving) sumRows3<i16>(sums, band, panel, width, begin, end, pitch);
    else sumRows3<i8>(sums, band, panel, width, begin, end, pitch);
    return;
  }
  const evenPairs = (kernelHeight + 1) >> 1, oddPairs = (kernelHeight >> 1) + 1;
  for (let row = begin; row < end; row++, sums += width * COLUMN) {
    const start = row * stride, odd = start & 1, pairs = odd ? oddPairs : evenPairs;
    const weights = panel + PANEL_HEAD + (odd ? evenPairs * taps * COLUMN : 0), windows = band + (start >> 1) * pitch;
    if (isSliding && taps == 5) {
      if (isMoving) sumRow5<i16>(sums, windows, panel, weights, width, pairs, pitch);
      else sumRow5<i8>(sums, windows, panel, weights, width, pairs, pitch);
    } else {
      sumRow<i16>(sums, windows, panel, weights, width, pairs, pitch, taps, shape.dilationWidth * COLUMN, shape.strideWidth * COLUMN);
    }
  }
}

/**
 * y = depthwise conv(x, w) as the ConvShape at `table` says: `groups` = inChannels, each with
 * `outChannels` outputs; bands have up to `pairs` channels. Split by output rows of all images.
 */
export function qs8_dwconv(y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  convolve(false, y, x, w, scratch, table, begin, end);
}

/** qs8_dwconv on the relaxed tier's dot product of bytes, for engines in which it is exact. */
export function qs8_dwconv_8c4(y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  if (!RELAXED) unreachable();
  convolve(true, y, x, w, scratch, table, begin, end);
}

function convolve(isBytes: bool, y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const channels = shape.groups * shape.outChannels;
  const outWidth = shape.outWidth, lanes = shape.pairs, ldy = shape.ldy, pitch = widthOf(shape) * COLUMN;
  const kernelHeight = shape.kernelHeight, dilation = shape.dilationHeight, stride = shape.strideHeight;
  const batch = max<usize>(BATCH / outWidth, 1);
  const sums = scratch + 16, band = sums + (max(outWidth, BATCH) + 3) * COLUMN;
  v128.store(scratch, i8x16.splat(<i8>shape.xZero));
  for (let row = begin; row < end; ) {
    const image = row / shape.outHeight, first = row - image * shape.outHeight;
    // the rows that a dilated kernel takes do not touch: one output row a band
    const count: usize = dilation > 1 ? 1 : min(min(shape.band, shape.outHeight - first), end - row);
    const from = x + image * shape.inHeight * shape.inWidth * shape.inChannels;
    const top = <i32>(first * stride - shape.padTop);
    // all rows of windows in pairs, or the quads that windows begin in and those that go on with them
    const inRows = isBytes ? ((((count - 1) * stride) >> 1) + 1 + (kernelHeight >> 2) * 2) * 2 : (count - 1) * stride + kernelHeight;
    const blockBytes = ((inRows + 1) >> 1) * pitch;
    for (let channel: usize = 0, panel = w; channel < channels; channel += 8, panel += shape.panelBytes) {
      const part = channel % lanes, isNear = load<i32>(panel + shape.panelBytes - 16) != 0;
      if (!part) fillBand(shape, isBytes, band, scratch, from, top, inRows, dilation, channel, min(lanes, channels - channel), blockBytes);
      for (let i: usize = 0; i < count; i += batch) {
        const until = min(i + batch, count), pixels = (until - i) * outWidth;
        sumRows(shape, isBytes, sums, band + (part >> 3) * blockBytes, panel, i, until, pitch);
        const to = y + (row + i) * outWidth * ldy + channel, cols = min<usize>(8, channels - channel);
        requantizeRow(to, sums, panel + 32, isNear, pixels, ldy, cols, shape.yZero, shape.lo, shape.hi);
      }
    }
    row += count;
  }
}
