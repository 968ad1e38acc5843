// Averages of windows of int8 [n, height, width, channels] in real numbers: every tap is dequantized, and the average
// is quantized by a division. The order of the sums, columns first, is that of ONNX runtimes, which it equals bit for bit.
import { storeBytes } from "../lib/requantize";
import { WindowAxis } from "../lib/window";

/** What averaging says once, as 32-bit words in memory. */
@unmanaged
class AverageShape {
  channels: usize;
  lo: i32;
  hi: i32;
  xZero: i32;
  yZero: i32;
  xScale: f32;
  yScale: f32;
}

/** Four averages as steps, still to be narrowed. */
// @ts-ignore: decorator
@inline
function stepsOf(sum: v128, counted: v128, scale: v128, zero: v128): v128 {
  return i32x4.add(i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(f32x4.div(sum, counted), scale))), zero);
}

/** The average of each channel over `counted` taps, of which `height` × `width` are inside the image. */
function averagePixel(
  y: usize, x: usize, shape: AverageShape, height: usize, width: usize, rowBytes: usize, tapBytes: usize, counted: i32,
): void {
  const zero = i32x4.splat(shape.xZero), scale = f32x4.splat(shape.xScale);
  const count = f32x4.splat(<f32>counted), yScale = f32x4.splat(shape.yScale), yZero = i32x4.splat(shape.yZero);
  const lo = i8x16.splat(<i8>shape.lo), hi = i8x16.splat(<i8>shape.hi);
  for (let channel: usize = 0; channel < shape.channels; channel += 8) {
    let sum0 = f32x4.splat(0), sum1 = sum0;
    for (let col: usize = 0, xCol = x + channel; col < width; col++, xCol += tapBytes) {
      let column0 = f32x4.splat(0), column1 = column0;
      for (let row: usize = 0, tap = xCol; row < height; row++, tap += rowBytes) {
        const steps = v128.load8x8_s(tap);
        const low = i32x4.sub(i32x4.extend_low_i16x8_s(steps), zero), high = i32x4.sub(i32x4.extend_high_i16x8_s(steps), zero);
        column0 = f32x4.add(column0, f32x4.mul(f32x4.convert_i32x4_s(low), scale));
        column1 = f32x4.add(column1, f32x4.mul(f32x4.convert_i32x4_s(high), scale));
      }
      sum0 = f32x4.add(sum0, column0);
      sum1 = f32x4.add(sum1, column1);
    }
    const words = i16x8.narrow_i32x4_s(stepsOf(sum0, count, yScale, yZero), stepsOf(sum1, count, yScale, yZero));
    const bytes = i8x16.max_s(i8x16.min_s(i8x16.narrow_i16x8_s(words, words), hi), lo);
    storeBytes(y + channel, i64x2.extract_lane(bytes, 0), min<usize>(shape.channels - channel, 8));
  }
}

/**
 * y = the average of each window, for output rows begin … end of all samples.
 * `table` is an AverageShape, `vertical` and `horizontal` are the axes of the window; reads up to 7 bytes past a pixel.
 */
export function qs8_average(y: usize, x: usize, table: usize, vertical: usize, horizontal: usize, begin: usize, end: usize): void {
  const shape = changetype<AverageShape>(table);
  const rows = changetype<WindowAxis>(vertical), cols = changetype<WindowAxis>(horizontal);
  const pixel = <i32>shape.channels, rowBytes = cols.input * pixel, tapBytes = cols.dilation * pixel;
  y += begin * cols.output * pixel;
  for (let unit = begin; unit < end; unit++) {
    const n = <i32>unit / rows.output;
    const top = rows.start(<i32>unit - n * rows.output), skipped = rows.tapsBefore(top, 0);
    const height = max(rows.tapsBefore(top, rows.input) - skipped, 0);
    const xRow = x + (n * rows.input + top + skipped * rows.dilation) * rowBytes;
    for (let col = 0; col < cols.output; col++, y += pixel) {
      const left = cols.start(col), hidden = cols.tapsBefore(left, 0);
      const width = max(cols.tapsBefore(left, cols.input) - hidden, 0);
      const from = xRow + (left + hidden * cols.dilation) * pixel;
      averagePixel(y, from, shape, height, width, rows.dilation * rowBytes, tapBytes, max(rows.counted(top) * cols.counted(left), 1));
    }
  }
}
