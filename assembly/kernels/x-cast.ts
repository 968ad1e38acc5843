// Casts between the types that stand in memory as they are; y and x do not overlap unless noted.
// Floats become integers by truncation towards zero, saturating, NaN to 0; integers wrap around.

// @ts-ignore: decorator
@inline
function cast<From, To>(y: usize, x: usize, begin: usize, end: usize): void {
  for (let i = begin; i < end; i++) store<To>(y + i * sizeof<To>(), <To>load<From>(x + i * sizeof<From>()));
}

/** float32 of int32, to the nearest. May run in place. Split by elements, as all casts are. */
export function f32_from_i32(y: usize, x: usize, begin: usize, end: usize): void {
  let i = begin;
  for (; i + 4 <= end; i += 4) v128.store(y + i * 4, f32x4.convert_i32x4_s(v128.load(x + i * 4)));
  cast<i32, f32>(y, x, i, end);
}

/** int32 of float32. May run in place. */
export function i32_from_f32(y: usize, x: usize, begin: usize, end: usize): void {
  let i = begin;
  for (; i + 4 <= end; i += 4) v128.store(y + i * 4, i32x4.trunc_sat_f32x4_s(v128.load(x + i * 4)));
  cast<f32, i32>(y, x, i, end);
}

/** float32 of uint8 or bool. */
export function f32_from_u8(y: usize, x: usize, begin: usize, end: usize): void {
  let i = begin;
  for (; i + 8 <= end; i += 8) {
    const wide = v128.load8x8_u(x + i);
    v128.store(y + i * 4, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(wide)));
    v128.store(y + i * 4, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(wide)), 16);
  }
  cast<u8, f32>(y, x, i, end);
}

/** float32 of int8. */
export function f32_from_i8(y: usize, x: usize, begin: usize, end: usize): void {
  let i = begin;
  for (; i + 8 <= end; i += 8) {
    const wide = v128.load8x8_s(x + i);
    v128.store(y + i * 4, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(wide)));
    v128.store(y + i * 4, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(wide)), 16);
  }
  cast<i8, f32>(y, x, i, end);
}

/** uint8 of float32: truncated to int32, then the low byte. */
export function u8_from_f32(y: usize, x: usize, begin: usize, end: usize): void {
  for (let i = begin; i < end; i++) store<u8>(y + i, <i32>load<f32>(x + i * 4));
}

/** bool of float32: 1 unless zero; NaN gives 1. */
export function bool_from_f32(y: usize, x: usize, begin: usize, end: usize): void {
  for (let i = begin; i < end; i++) store<u8>(y + i, <u8>(load<f32>(x + i * 4) != 0));
}

/** bool of int32. */
export function bool_from_i32(y: usize, x: usize, begin: usize, end: usize): void {
  for (let i = begin; i < end; i++) store<u8>(y + i, <u8>(load<i32>(x + i * 4) != 0));
}

/** int32 of uint8 or bool. */
export function i32_from_u8(y: usize, x: usize, begin: usize, end: usize): void {
  cast<u8, i32>(y, x, begin, end);
}

/** int32 of int8. */
export function i32_from_i8(y: usize, x: usize, begin: usize, end: usize): void {
  cast<i8, i32>(y, x, begin, end);
}

/** uint8 or int8 of int32: the low byte. */
export function x8_from_x32(y: usize, x: usize, begin: usize, end: usize): void {
  cast<u32, u8>(y, x, begin, end);
}

/** int64 of int32. */
export function i64_from_i32(y: usize, x: usize, begin: usize, end: usize): void {
  cast<i32, i64>(y, x, begin, end);
}

/** int32 of int64: the low half. */
export function x32_from_x64(y: usize, x: usize, begin: usize, end: usize): void {
  cast<u64, u32>(y, x, begin, end);
}

/** float32 of int64, to the nearest. */
export function f32_from_i64(y: usize, x: usize, begin: usize, end: usize): void {
  cast<i64, f32>(y, x, begin, end);
}

/** int64 of float32. */
export function i64_from_f32(y: usize, x: usize, begin: usize, end: usize): void {
  cast<f32, i64>(y, x, begin, end);
}
