// The one place that says how an int32 sum becomes an int8: times a float32 scale, rounded half
// to even, plus the zero point, clamped.
//
// The rounding is an addition: 1.5·2²³ + v has its last bit worth 1, so the sum is rounded by the
// adder, and its bits less those of 1.5·2²³ are the integer. That holds for |v| ≤ 2²²; a greater v
// keeps its order (its bits still grow), so the narrowing that follows saturates it, and a lower
// v is first raised to `floor`.

/** The bits of 1.5 · 2²³. */
// @ts-ignore: decorator
@inline const MAGIC_BITS: i32 = 0x4b400000;

/** The `floor` of `requantize`, in all lanes: the lowest result, before the zero point is added. */
// @ts-ignore: decorator
@inline
export function floorOf(zero: i32, lo: i32): v128 {
  return f32x4.splat(<f32>(lo - zero));
}

/** The `offset` of `requantize`, in all lanes. */
// @ts-ignore: decorator
@inline
export function offsetOf(zero: i32): v128 {
  return i32x4.splat(MAGIC_BITS - zero);
}

/** The `magic` of `requantize`. It is computed, because V8 builds a vector constant anew at every use. */
// @ts-ignore: decorator
@inline
export function magicOf(zero: i32): v128 {
  return i32x4.add(offsetOf(zero), i32x4.splat(zero));
}

/** Four floats, rounded, with the zero point added; exact up to 2²², ordered beyond. */
// @ts-ignore: decorator
@inline
export function roundToZero(value: v128, floor: v128, magic: v128, offset: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.pmax(value, floor), magic), offset);
}

/** Four sums to four integers that still have to be narrowed to int8 and clamped from above. */
// @ts-ignore: decorator
@inline
export function requantize(sums: v128, scale: v128, floor: v128, magic: v128, offset: v128): v128 {
  return roundToZero(f32x4.mul(f32x4.convert_i32x4_s(sums), scale), floor, magic, offset);
}

/**
 * requantize where no product is below −2²³, so that no floor is needed: below −2²² the sum's bits shrink still, in order, and it
 * saturates at −128 before a lower bound is taken.
 */
// @ts-ignore: decorator
@inline
export function requantizeNear(sums: v128, scale: v128, magic: v128, offset: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), scale), magic), offset);
}

/** Eight requantized integers as int16. */
// @ts-ignore: decorator
@inline
export function narrow8(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_s(low, high);
}

/** Sixteen int16 as int8, clamped from above; saturation has clamped them from below at −128, `floor` at more. */
// @ts-ignore: decorator
@inline
export function narrow16(low: v128, high: v128, hi: v128): v128 {
  return i8x16.min_s(i8x16.narrow_i16x8_s(low, high), hi);
}

/** Stores the first `count` ≤ 8 bytes of `bytes`. */
export function storeBytes(y: usize, bytes: i64, count: usize): void {
  if (count & 8) store<i64>(y, bytes);
  if (count & 4) {
    store<u32>(y, <u32>bytes);
    y += 4;
    bytes >>= 32;
  }
  if (count & 2) {
    store<u16>(y, <u16>bytes);
    y += 2;
    bytes >>= 16;
  }
  if (count & 1) store<u8>(y, <u8>bytes);
}
