// Rows of y = f(a, b) on int8, eight at a time: sums and products of values with scales and zero
// points of their own, and any function from a table of its 65,536 results.
import { floorOf, magicOf, narrow16, narrow8, offsetOf, roundToZero, storeBytes } from "./requantize";

/** What f is. */
// @ts-ignore: decorator
@inline export const SUM: u32 = 0;
// @ts-ignore: decorator
@inline export const PRODUCT: u32 = 1;
// @ts-ignore: decorator
@inline export const TABLE: u32 = 2;
/** A sum in float32, rounded half to even. */
// @ts-ignore: decorator
@inline export const FLOAT_SUM: u32 = 3;

/** The numbers of a sum or product, as 32-bit words in memory. */
@unmanaged
export class BinaryShape {
  code: u32;
  aZero: i32;
  bZero: i32;
  yZero: i32;
  lo: i32;
  hi: i32;
  /** Of a sum: (a · aMultiplier + b · bMultiplier + bias) >> shift; multipliers below 2²², zero points and rounding in the bias. */
  aMultiplier: i32;
  bMultiplier: i32;
  bias: i32;
  shift: i32;
  /** Of a product: scale of a · scale of b / scale of y. Of a float sum: (base + a · scale) + b · bScale. */
  scale: f32;
  bScale: f32;
  base: f32;
}

/** Eight elements as int16, or one that stands for all. */
// @ts-ignore: decorator
@inline
function operand(x: usize, step: usize): v128 {
  return step ? v128.load8x8_s(x) : i16x8.splat(<i16>load<i8>(x));
}

/** A multiplier below 2²² in two parts that fit int16: value = high · 2¹⁰ + low, in pairs for a and b. */
// @ts-ignore: decorator
@inline
function highs(a: i32, b: i32): v128 {
  return i32x4.splat(((a >> 10) & 0xffff) | ((b >> 10) << 16));
}
// @ts-ignore: decorator
@inline
function lows(a: i32, b: i32): v128 {
  return i32x4.splat((a & 1023) | ((b & 1023) << 16));
}

/** Four sums of pairs (a, b). */
// @ts-ignore: decorator
@inline
function sumPairs(pairs: v128, high: v128, low: v128, bias: v128, shift: i32): v128 {
  const sum = i32x4.add(i32x4.shl(i32x4.dot_i16x8_s(pairs, high), 10), i32x4.dot_i16x8_s(pairs, low));
  return i32x4.shr_s(i32x4.add(sum, bias), shift);
}

function sumRow(shape: BinaryShape, y: usize, a: usize, b: usize, count: usize, aStep: usize, bStep: usize): void {
  const high = highs(shape.aMultiplier, shape.bMultiplier), low = lows(shape.aMultiplier, shape.bMultiplier);
  const bias = i32x4.splat(shape.bias), zero = i16x8.splat(<i16>shape.yZero);
  const lo = i8x16.splat(<i8>shape.lo), hi = i8x16.splat(<i8>shape.hi), shift = shape.shift;
  let left = <isize>count;
  do {
    const a8 = operand(a, aStep), b8 = operand(b, bStep);
    const first = sumPairs(v128.shuffle<i16>(a8, b8, 0, 8, 1, 9, 2, 10, 3, 11), high, low, bias, shift);
    const second = sumPairs(v128.shuffle<i16>(a8, b8, 4, 12, 5, 13, 6, 14, 7, 15), high, low, bias, shift);
    const sums = i16x8.add_sat_s(i16x8.narrow_i32x4_s(first, second), zero);
    const bytes = i8x16.max_s(i8x16.min_s(i8x16.narrow_i16x8_s(sums, sums), hi), lo);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, i64x2.extract_lane(bytes, 0), left);
    left -= 8, y += 8, a += 8 * aStep, b += 8 * bStep;
  } while (left > 0);
}

function productRow(shape: BinaryShape, y: usize, a: usize, b: usize, count: usize, aStep: usize, bStep: usize): void {
  const aZero = i16x8.splat(<i16>shape.aZero), bZero = i16x8.splat(<i16>shape.bZero), scale = f32x4.splat(shape.scale);
  const floor = floorOf(shape.yZero, shape.lo), magic = magicOf(shape.yZero), offset = offsetOf(shape.yZero), hi = i8x16.splat(<i8>shape.hi);
  let left = <isize>count;
  do {
    const a8 = i16x8.sub(operand(a, aStep), aZero), b8 = i16x8.sub(operand(b, bStep), bZero);
    const first = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_low_i16x8_s(a8, b8)), scale);
    const second = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extmul_high_i16x8_s(a8, b8)), scale);
    const products = narrow8(roundToZero(first, floor, magic, offset), roundToZero(second, floor, magic, offset));
    const bytes = narrow16(products, products, hi);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, i64x2.extract_lane(bytes, 0), left);
    left -= 8, y += 8, a += 8 * aStep, b += 8 * bStep;
  } while (left > 0);
}

function floatSumRow(shape: BinaryShape, y: usize, a: usize, b: usize, count: usize, aStep: usize, bStep: usize): void {
  const aScale = f32x4.splat(shape.scale), bScale = f32x4.splat(shape.bScale), base = f32x4.splat(shape.base);
  // the zero point is in the base; this 0 is one that the compiler does not know, as V8 would build what it knows anew in the loop
  const zero = shape.code - FLOAT_SUM;
  const floor = floorOf(zero, shape.lo), magic = magicOf(zero), offset = offsetOf(zero), hi = i8x16.splat(<i8>shape.hi);
  let left = <isize>count;
  do {
    const a8 = operand(a, aStep), b8 = operand(b, bStep);
    const a0 = f32x4.add(base, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(a8)), aScale));
    const a1 = f32x4.add(base, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(a8)), aScale));
    const first = f32x4.add(a0, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(b8)), bScale));
    const second = f32x4.add(a1, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(b8)), bScale));
    const sums = narrow8(roundToZero(first, floor, magic, offset), roundToZero(second, floor, magic, offset));
    const bytes = narrow16(sums, sums, hi);
    if (left >= 8) v128.store64_lane(y, bytes, 0);
    else storeBytes(y, i64x2.extract_lane(bytes, 0), left);
    left -= 8, y += 8, a += 8 * aStep, b += 8 * bStep;
  } while (left > 0);
}

function tableRow(lut: usize, y: usize, a: usize, b: usize, count: usize, aStep: usize, bStep: usize): void {
  const table = lut + 128 * 256 + 128;
  for (const end = y + count; y < end; y++, a += aStep, b += bStep) {
    store<u8>(y, load<u8>(table + ((<isize>load<i8>(a) << 8) + <isize>load<i8>(b))));
  }
}

/**
 * y = f(a, b) for `count` elements; an operand with step 0 is one element. `lut` holds result[(a + 128) · 256 + b + 128] of a
 * TABLE. Reads up to 7 bytes past an operand. `count` > 0.
 */
export function binaryRow(shape: BinaryShape, lut: usize, y: usize, a: usize, b: usize, count: usize, aStep: usize, bStep: usize): void {
  if (shape.code == SUM) sumRow(shape, y, a, b, count, aStep, bStep);
  else if (shape.code == FLOAT_SUM) floatSumRow(shape, y, a, b, count, aStep, bStep);
  else if (shape.code == PRODUCT) productRow(shape, y, a, b, count, aStep, bStep);
  else tableRow(lut, y, a, b, count, aStep, bStep);
}
