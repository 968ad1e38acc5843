// Between float32 and int8.
import { floorOf, magicOf, narrow16, narrow8, offsetOf, roundToZero, storeBytes } from "../lib/requantize";

/** y = x / scale, rounded half to even, plus zero, clamped to int8, for elements begin … end. NaN gives the lowest. */
export function qs8_from_f32(y: usize, x: usize, scale: f32, zero: i32, begin: usize, end: usize): void {
  const divisor = f32x4.splat(scale);
  const floor = floorOf(zero, -128), magic = magicOf(zero), offset = offsetOf(zero);
  x += begin << 2;
  y += begin;
  for (let left = <isize>(end - begin); left > 0; left -= 8, x += 32, y += 8) {
    const first = roundToZero(f32x4.div(v128.load(x), divisor), floor, magic, offset);
    const second = left > 4 ? roundToZero(f32x4.div(v128.load(x, 16), divisor), floor, magic, offset) : first;
    const words = narrow8(first, second);
    const bytes = i8x16.narrow_i16x8_s(words, words);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, i64x2.extract_lane(bytes, 0), left);
  }
}

/** y = (x − zero) · scale for elements begin … end. */
export function f32_from_qs8(y: usize, x: usize, scale: f32, zero: i32, begin: usize, end: usize): void {
  const factor = f32x4.splat(scale), zeros = i16x8.splat(<i16>zero);
  let i = begin;
  for (; i + 8 <= end; i += 8) {
    const words = i16x8.sub(v128.load8x8_s(x + i), zeros);
    v128.store(y + (i << 2), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), factor));
    v128.store(y + (i << 2), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), factor), 16);
  }
  for (; i < end; i++) store<f32>(y + (i << 2), <f32>(<i32>load<i8>(x + i) - zero) * scale);
}

/**
 * Rows begin … end of `cols` floats as int8 over their own range, which always holds 0. `rows` gets { scale f32, zero i32 }
 * of each.
 */
export function qs8_rows_from_f32(y: usize, rows: usize, x: usize, cols: usize, begin: usize, end: usize): void {
  for (let row = begin; row < end; row++) {
    const from = x + (row * cols) * 4;
    let least: f32 = 0, most: f32 = 0;
    for (let at = from, last = from + cols * 4; at < last; at += 4) {
      least = min(least, load<f32>(at));
      most = max(most, load<f32>(at));
    }
    const steps: f32 = least == most ? 1 : <f32>255 / (most - least);
    const low = least * steps, high = most * steps;
    // the end of the range that its zero point misses by less decides
    const fromLow = <f32>-128 - low, fromHigh = <f32>127 - high;
    const exact = (<f32>-128 + low) + (<f32>127 + high) > 0 ? fromLow : fromHigh;
    const zero = <i32>nearest(max<f32>(min<f32>(exact, 127), -128));
    store<f32>(rows + row * 8, 1 / steps);
    store<i32>(rows + row * 8, zero, 4);
    for (let col: usize = 0; col < cols; col++) {
      const step = <i32>nearest(load<f32>(from + col * 4) * steps) + zero;
      store<i8>(y + row * cols + col, <i8>max(min(step, 127), -128));
    }
  }
}

/** y = x as uint8 over its own range, which always holds 0; `scale` and `zero` get what ONNX's DynamicQuantizeLinear says. */
export function u8_dynamic_from_f32(y: usize, scale: usize, zero: usize, x: usize, size: usize): void {
  let least: f32 = 0, most: f32 = 0;
  const end = x + (size << 2);
  for (let at = x; at < end; at += 4) {
    least = min(least, load<f32>(at));
    most = max(most, load<f32>(at));
  }
  const step: f32 = most > least ? (most - least) / 255 : 1;
  const origin = <i32>max<f32>(min<f32>(nearest(-least / step), 255), 0);
  store<f32>(scale, step);
  store<u8>(zero, <u8>origin);
  for (let at = x; at < end; at += 4, y++) store<u8>(y, <u8>max(min(<i32>nearest(load<f32>(at) / step) + origin, 255), 0));
}
