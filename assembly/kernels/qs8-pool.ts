// Pooling of int8 [n, height, width, channels] by windows that may hang over the edges, sixteen
// channels at a time; a last block reads up to 15 bytes past its pixel.
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize, storeBytes } from "../lib/requantize";
import { WindowAxis } from "../lib/window";

/** What becomes of a window. An average is a requantized sum, or a quotient of steps with halves up, or away from zero. */
// @ts-ignore: decorator
@inline const MAXIMUM: u32 = 0;
// @ts-ignore: decorator
@inline const AVERAGE: u32 = 1;
// @ts-ignore: decorator
@inline const QUOTIENT_UP: u32 = 3;

/** What pooling says once, as 32-bit words in memory. */
@unmanaged
class PoolShape {
  channels: usize;
  /** MAXIMUM, AVERAGE, or an average as a quotient, for equal scales and zero points: halves away from zero (2) or up (3). */
  kind: u32;
  lo: i32;
  hi: i32;
  xZero: i32;
  yZero: i32;
  xScale: f32;
  yScale: f32;
}

/** Stores the first `count` bytes of sixteen, or all of them. */
// @ts-ignore: decorator
@inline
function storeSixteen(y: usize, bytes: v128, count: usize): void {
  if (count >= 16) {
    v128.store(y, bytes);
    return;
  }
  storeBytes(y, i64x2.extract_lane(bytes, 0), min<usize>(count, 8));
  if (count > 8) storeBytes(y + 8, i64x2.extract_lane(bytes, 1), count - 8);
}

/** The largest of each channel of `height` × `width` taps. */
function maximumPixel(y: usize, x: usize, shape: PoolShape, height: usize, width: usize, rowBytes: usize, tapBytes: usize): void {
  const lo = i8x16.splat(<i8>shape.lo), hi = i8x16.splat(<i8>shape.hi);
  for (let channel: usize = 0; channel < shape.channels; channel += 16) {
    let most = lo;
    for (let row: usize = 0, xRow = x + channel; row < height; row++, xRow += rowBytes) {
      for (let tap = xRow, last = xRow + width * tapBytes; tap < last; tap += tapBytes) most = i8x16.max_s(most, v128.load(tap));
    }
    storeSixteen(y + channel, i8x16.min_s(most, hi), shape.channels - channel);
  }
}

/** sum / count, halves up or away from zero. |sum| < 2²⁰, so that the float32 quotient never rounds up to an integer. */
// @ts-ignore: decorator
@inline
function quotient(sum: v128, half: v128, count: v128, isUp: bool): v128 {
  if (isUp) return i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.div(f32x4.convert_i32x4_s(i32x4.add(sum, half)), count)));
  const sign = i32x4.shr_s(sum, 31);
  const away = i32x4.add(sum, i32x4.sub(v128.xor(half, sign), sign));
  return i32x4.trunc_sat_f32x4_s(f32x4.div(f32x4.convert_i32x4_s(away), count));
}

/** The average of each channel over `counted` taps, of which `height` × `width` are inside the image. */
function averagePixel(
  y: usize, x: usize, shape: PoolShape, height: usize, width: usize, rowBytes: usize, tapBytes: usize, counted: u32,
): void {
  const lo = i8x16.splat(<i8>shape.lo), hi = i8x16.splat(<i8>shape.hi);
  const scale = f32x4.splat(shape.xScale / (shape.yScale * <f32>counted));
  const floor = floorOf(shape.yZero, shape.lo), magic = magicOf(shape.yZero), offset = offsetOf(shape.yZero);
  const isSum = shape.kind == AVERAGE, isUp = shape.kind == QUOTIENT_UP;
  const start = i32x4.splat(isSum ? -<i32>(height * width) * shape.xZero : 0);
  const count = f32x4.splat(<f32>counted), half = i32x4.splat(counted >> 1);
  for (let channel: usize = 0; channel < shape.channels; channel += 16) {
    let sum0 = start, sum1 = start, sum2 = start, sum3 = start;
    for (let row: usize = 0, xRow = x + channel; row < height; row++, xRow += rowBytes) {
      for (let tap = xRow, last = xRow + width * tapBytes; tap < last; tap += tapBytes) {
        const low = v128.load8x8_s(tap), high = v128.load8x8_s(tap, 8);
        sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_s(low));
        sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_s(low));
        sum2 = i32x4.add(sum2, i32x4.extend_low_i16x8_s(high));
        sum3 = i32x4.add(sum3, i32x4.extend_high_i16x8_s(high));
      }
    }
    const bytes = isSum
      ? narrow16(
          narrow8(requantize(sum0, scale, floor, magic, offset), requantize(sum1, scale, floor, magic, offset)),
          narrow8(requantize(sum2, scale, floor, magic, offset), requantize(sum3, scale, floor, magic, offset)),
          hi,
        )
      : narrow16(
          narrow8(quotient(sum0, half, count, isUp), quotient(sum1, half, count, isUp)),
          narrow8(quotient(sum2, half, count, isUp), quotient(sum3, half, count, isUp)),
          hi,
        );
    storeSixteen(y + channel, i8x16.max_s(bytes, lo), shape.channels - channel);
  }
}

/**
 * y = the largest element or the average of each window, for output rows begin … end of all samples.
 * `table` is a PoolShape, `vertical` and `horizontal` are the axes of the window.
 */
export function qs8_pool(y: usize, x: usize, table: usize, vertical: usize, horizontal: usize, begin: usize, end: usize): void {
  const shape = changetype<PoolShape>(table);
  const rows = changetype<WindowAxis>(vertical), cols = changetype<WindowAxis>(horizontal);
  const pixel = <i32>shape.channels, rowBytes = cols.input * pixel, tapBytes = cols.dilation * pixel;
  y += begin * cols.output * pixel;
  for (let unit = begin; unit < end; unit++) {
    const n = <i32>unit / rows.output;
    const top = rows.start(<i32>unit - n * rows.output), skipped = rows.tapsBefore(top, 0);
    const height = max(rows.tapsBefore(top, rows.input) - skipped, 0);
    const xRow = x + (n * rows.input + top + skipped * rows.dilation) * rowBytes;
    const rowsCounted = rows.counted(top), reach = (cols.kernel - 1) * cols.dilation;
    for (let col = 0; col < cols.output; col++, y += pixel) {
      const left = cols.start(col);
      // most windows lie inside, and dividing takes longer than a small one does
      let hidden = 0, width = cols.kernel, colsCounted = width;
      if (left < 0 || left + reach >= cols.input) {
        hidden = cols.tapsBefore(left, 0);
        width = max(cols.tapsBefore(left, cols.input) - hidden, 0);
        colsCounted = cols.counted(left);
      }
      const from = xRow + (left + hidden * cols.dilation) * pixel;
      if (shape.kind == MAXIMUM) maximumPixel(y, from, shape, height, width, rows.dilation * rowBytes, tapBytes);
      else averagePixel(y, from, shape, height, width, rows.dilation * rowBytes, tapBytes, max(rowsCounted * colsCounted, 1));
    }
  }
}
