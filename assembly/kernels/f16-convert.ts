// float16 storage: exact both ways, with subnormal numbers, infinities and NaN.

const EXPONENT: i32 = 0x7f800000;
/** 2^112, the ratio of the two exponent biases. */
const REBIAS: f32 = 5192296858534827628530496329220096.0;
/** 0.5: adding it to a float below 2^-14 leaves that float's float16 mantissa, rounded, in the low bits. */
const SUBNORMAL: i32 = ((127 - 15) + (23 - 10) + 1) << 23;

// @ts-ignore: decorator
@inline
function widen(half: v128): v128 {
  const magnitude = v128.and(half, i32x4.splat(0x7fff));
  const scaled = f32x4.mul(i32x4.shl(magnitude, 13), f32x4.splat(REBIAS));
  const special = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7bff)), i32x4.splat(EXPONENT));
  const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
  return v128.or(v128.or(scaled, special), sign);
}

/** Four float32 to float16 in the low half of each lane, to the nearest, ties to even. */
// @ts-ignore: decorator
@inline
function narrow(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(i32.MIN_VALUE));
  const magnitude = v128.xor(x, sign);
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rebased = i32x4.add(i32x4.add(magnitude, i32x4.splat(((15 - 127) << 23) + 0xfff)), odd);
  const subnormal = i32x4.sub(f32x4.add(magnitude, i32x4.splat(SUBNORMAL)), i32x4.splat(SUBNORMAL));
  const special = v128.bitselect(
    i32x4.splat(0x7e00),
    i32x4.splat(0x7c00),
    i32x4.gt_s(magnitude, i32x4.splat(EXPONENT)),
  );
  const finite = v128.bitselect(subnormal, i32x4.shr_u(rebased, 13), i32x4.lt_s(magnitude, i32x4.splat(113 << 23)));
  const half = v128.bitselect(special, finite, i32x4.ge_s(magnitude, i32x4.splat((127 + 16) << 23)));
  return v128.or(half, i32x4.shr_u(sign, 16));
}

/** y = float32 of the float16 bits x. Split by elements. */
export function f16_to_f32(y: usize, x: usize, begin: usize, end: usize): void {
  let i = begin;
  for (; i + 4 <= end; i += 4) v128.store(y + i * 4, widen(v128.load16x4_u(x + i * 2)));
  for (; i < end; i++) v128.store32_lane(y + i * 4, widen(i32x4.splat(load<u16>(x + i * 2))), 0);
}

/** y = float16 bits of the float32 x, to the nearest, ties to even; NaN becomes 0x7e00 with its sign. Split by elements. */
export function f32_to_f16(y: usize, x: usize, begin: usize, end: usize): void {
  let i = begin;
  for (; i + 8 <= end; i += 8) {
    const low = narrow(v128.load(x + i * 4));
    const high = narrow(v128.load(x + i * 4, 16));
    v128.store(y + i * 2, i16x8.narrow_i32x4_u(low, high));
  }
  for (; i < end; i++) v128.store16_lane(y + i * 2, narrow(v128.load32_splat(x + i * 4)), 0);
}
