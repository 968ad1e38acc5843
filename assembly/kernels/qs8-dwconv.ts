// Depthwise int8 convolution, eight channels at a time. The input under a band of output rows is
// widened to int16 with two rows interleaved, so that one i32x4.dot_i16x8_s takes two taps of four
// channels. An output row that begins on the second row of a pair has weights of its own, shifted
// down by a zero. Padding is the input's zero point, which the bias takes off.
//
// Scratch:
//   | 16 × xZero as int8 | sums of some rows: (max(outWidth, BATCH) + 3) × 8 channels × i32
//   | up to four blocks of eight channels: for every two rows, for every column: 4 channels × 2 rows × i16, the next 4 × 2 |
// Weights, a panel for every eight output channels:
//   | bias 8×i32 | scale 8×f32 | even: ⌈kernelHeight / 2⌉ row pairs × kernelWidth × 8 channels × 2 × i16
//   | odd: ⌈(kernelHeight + 1) / 2⌉ row pairs × kernelWidth × 8 channels × 2 × i16
//   | 1 where requantizeNear can round the sums: i32, 12 bytes |
import { COLUMN, requantizeRow, sumRow, sumRow5, sumRows3 } from "../lib/qs8-depthwise-row";
import { ConvShape, PANEL_HEAD, widthOf } from "../lib/qs8-panel";

/** Channels of a band at most. Input lines are read from the second-level cache for every band, and most of a line belongs to other channels. */
// @ts-ignore: decorator
@inline const LANES: usize = 32;
/** Pixels whose sums are rounded at once: several rows of a narrow image, which a call for each row would slow down. */
// @ts-ignore: decorator
@inline const BATCH: usize = 128;

/** Widens and interleaves eight channels of two rows. */
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

/**
 * Fills the band for `lanes` output channels from `first` on, in blocks of eight: `rows` input rows, `rowStep` apart,
 * from `top` on. Two blocks at once, and all blocks of a pair of rows before the next, halve the traffic of input lines twice.
 */
function fillBand(shape: ConvShape, band: usize, zeros: usize, x: usize, top: i32, rows: usize, rowStep: usize, first: usize, lanes: usize, blockBytes: usize): void {
  const width = widthOf(shape);
  const left = min(shape.padLeft, width), inside = min(shape.inWidth, width - left);
  const channels = shape.inChannels, each = shape.outChannels, rowBytes = shape.inWidth * channels;
  const padding = i16x8.splat(<i16>shape.xZero);
  for (let row: usize = 0, to = band; row < rows; row += 2) {
    const atA = top + <i32>(row * rowStep), atB = atA + <i32>rowStep;
    const hasA = atA >= 0 && atA < <i32>shape.inHeight, hasB = atB >= 0 && atB < <i32>shape.inHeight && row + 1 < rows;
    const a = hasA ? x + <usize>atA * rowBytes : zeros, b = hasB ? x + <usize>atB * rowBytes : zeros;
    const aStep = hasA ? channels : 0, bStep = hasB ? channels : 0;
    const end = to + width * COLUMN;
    for (let done: usize = 0, block = to; done < lanes; done += 16, block += 2 * blockBytes) {
      const channel = first + done, some = min<usize>(16, lanes - done), next = some > 8 ? blockBytes : 0;
      const from = block + left * COLUMN, until = from + inside * COLUMN, last = block + width * COLUMN;
      for (let at = block; at < from; at += 16) v128.store(at, padding), v128.store(at + next, padding);
      for (let at = until; at < last; at += 16) v128.store(at, padding), v128.store(at + next, padding);
      if (each == 1 && (some & 7) == 0) {
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
function sumRows(shape: ConvShape, sums: usize, band: usize, panel: usize, begin: usize, end: usize, pitch: usize): void {
  const kernelHeight = shape.kernelHeight, taps = shape.kernelWidth, width = shape.outWidth, stride = shape.strideHeight;
  const isSliding = shape.dilationWidth == 1 && shape.strideWidth < 3, isMoving = shape.strideWidth == 2;
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
      sumRow(sums, windows, panel, weights, width, pairs, pitch, taps, shape.dilationWidth * COLUMN, shape.strideWidth * COLUMN);
    }
  }
}

/**
 * y = depthwise conv(x, w) as the ConvShape at `table` says: `groups` = inChannels, each with
 * `outChannels` outputs. Split by output rows of all images.
 */
export function qs8_dwconv(y: usize, x: usize, w: usize, scratch: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const channels = shape.groups * shape.outChannels;
  const outWidth = shape.outWidth, ldy = shape.ldy, pitch = widthOf(shape) * COLUMN;
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
    const inRows = (count - 1) * stride + kernelHeight, blockBytes = ((inRows + 1) >> 1) * pitch;
    for (let channel: usize = 0, panel = w; channel < channels; channel += 8, panel += shape.panelBytes) {
      const part = channel & (LANES - 1), isNear = load<i32>(panel + shape.panelBytes - 16) != 0;
      if (!part) fillBand(shape, band, scratch, from, top, inRows, dilation, channel, min(LANES, channels - channel), blockBytes);
      for (let i: usize = 0; i < count; i += batch) {
        const until = min(i + batch, count), pixels = (until - i) * outWidth;
        sumRows(shape, sums, band + (part >> 3) * blockBytes, panel, i, until, pitch);
        const to = y + (row + i) * outWidth * ldy + channel, cols = min<usize>(8, channels - channel);
        requantizeRow(to, sums, panel + 32, isNear, pixels, ldy, cols, shape.yZero, shape.lo, shape.hi);
      }
    }
    row += count;
  }
}
