// Between float32 and int8.
import { flipBits } from "../lib/bytes";
import { floorOf, magicOf, narrow8, offsetOf, roundToZero, storeBytes } from "../lib/requantize";

/** y = x / scale, rounded half to even, plus zero, clamped to int8, for elements begin … end. NaN gives the lowest. */
export function qs8_from_f32(y: usize, x: usize, scale: f32, zero: i32, begin: usize, end: usize): void {
  const divisor = f32x4.splat(scale);
  const floor = floorOf(zero, -128), magic = magicOf(zero), offset = offsetOf(zero);
  x += begin << 2;
  y += begin;
  let left = <isize>(end - begin);
  do {
    const first = roundToZero(f32x4.div(v128.load(x), divisor), floor, magic, offset);
    const second = left > 4 ? roundToZero(f32x4.div(v128.load(x, 16), divisor), floor, magic, offset) : first;
    const words = narrow8(first, second);
    const bytes = i8x16.narrow_i16x8_s(words, words);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, i64x2.extract_lane(bytes, 0), left);
    left -= 8, x += 32, y += 8;
  } while (left > 0);
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

/** The least and the greatest of `count` floats and 0. */
// @ts-ignore: decorator
@inline
function leastOf(x: usize, count: usize): f32 {
  let least4 = f32x4.splat(0), least: f32 = 0;
  const end = x + (count << 2);
  for (const fours = end - ((count & 3) << 2); x < fours; x += 16) least4 = f32x4.pmin(least4, v128.load(x));
  for (; x < end; x += 4) least = min(least, load<f32>(x));
  least4 = f32x4.pmin(least4, v128.shuffle<i32>(least4, least4, 2, 3, 0, 1));
  return min(least, min(f32x4.extract_lane(least4, 0), f32x4.extract_lane(least4, 1)));
}
// @ts-ignore: decorator
@inline
function mostOf(x: usize, count: usize): f32 {
  let most4 = f32x4.splat(0), most: f32 = 0;
  const end = x + (count << 2);
  for (const fours = end - ((count & 3) << 2); x < fours; x += 16) most4 = f32x4.pmax(most4, v128.load(x));
  for (; x < end; x += 4) most = max(most, load<f32>(x));
  most4 = f32x4.pmax(most4, v128.shuffle<i32>(most4, most4, 2, 3, 0, 1));
  return max(most, max(f32x4.extract_lane(most4, 0), f32x4.extract_lane(most4, 1)));
}

/** y = x · steps, rounded half to even, plus zero, clamped to int8. */
function stepRow(y: usize, x: usize, steps: f32, zero: i32, count: usize): void {
  const factor = f32x4.splat(steps);
  const floor = floorOf(zero, -128), magic = magicOf(zero), offset = offsetOf(zero);
  let left = <isize>count;
  do {
    const first = roundToZero(f32x4.mul(v128.load(x), factor), floor, magic, offset);
    const second = left > 4 ? roundToZero(f32x4.mul(v128.load(x, 16), factor), floor, magic, offset) : first;
    const words = narrow8(first, second), bytes = i8x16.narrow_i16x8_s(words, words);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, i64x2.extract_lane(bytes, 0), left);
    left -= 8, x += 32, y += 8;
  } while (left > 0);
}

/**
 * Rows begin … end of `cols` floats as int8 over their own range, which always holds 0. `rows` gets { scale f32, zero i32 }
 * of each.
 */
export function qs8_rows_from_f32(y: usize, rows: usize, x: usize, cols: usize, begin: usize, end: usize): void {
  for (let row = begin; row < end; row++) {
    const from = x + row * cols * 4;
    const least = leastOf(from, cols), most = mostOf(from, cols);
    const steps: f32 = least == most ? 1 : <f32>255 / (most - least);
    // the end of the range that its zero point misses by less decides
    const low = least * steps, high = most * steps;
    const exact = (<f32>-128 + low) + (<f32>127 + high) > 0 ? <f32>-128 - low : <f32>127 - high;
    const zero = <i32>nearest(max<f32>(min<f32>(exact, 127), -128));
    store<f32>(rows + row * 8, 1 / steps);
    store<i32>(rows + row * 8, zero, 4);
    stepRow(y + row * cols, from, steps, zero, cols);
  }
}

/** The scale that ONNX's DynamicQuantizeLinear finds for x, and its zero point as uint8. */
// @ts-ignore: decorator
@inline
function dynamicStep(least: f32, most: f32): f32 {
  return most > least ? (most - least) / 255 : 1;
}
// @ts-ignore: decorator
@inline
function dynamicZero(least: f32, step: f32): i32 {
  return <i32>max<f32>(min<f32>(nearest(-least / step), 255), 0);
}

/**
 * y = x as uint8 over its own range, which always holds 0; `scale` and `zero` get what ONNX's DynamicQuantizeLinear says.
 */
export function u8_dynamic_from_f32(y: usize, scale: usize, zero: usize, x: usize, size: usize): void {
  const least = leastOf(x, size), step = dynamicStep(least, mostOf(x, size)), origin = dynamicZero(least, step);
  store<f32>(scale, step);
  store<u8>(zero, <u8>origin);
  // as int8 first, 128 lower, where the saturation of the rounding is
  qs8_from_f32(y, x, step, origin - 128, 0, size);
  flipBits(y, y, size, i8x16.splat(-128));
}

/** u8_dynamic_from_f32 as int8, 128 lower; `row` gets { scale f32, zero i32 }. */
export function qs8_dynamic_from_f32(y: usize, row: usize, x: usize, size: usize): void {
  const least = leastOf(x, size), step = dynamicStep(least, mostOf(x, size)), zero = dynamicZero(least, step) - 128;
  store<f32>(row, step);
  store<i32>(row, zero, 4);
  qs8_from_f32(y, x, step, zero, 0, size);
}

/** rows = { 1, zero } for the layers that read a zero point from memory: an int8, or with `isUnsigned` a uint8 less 128. */
export function qs8_zero_row(rows: usize, zero: usize, isUnsigned: u32): void {
  store<f32>(rows, 1);
  store<i32>(rows, isUnsigned ? <i32>load<u8>(zero) - 128 : <i32>load<i8>(zero), 4);
}
