// The only switch on relaxed SIMD. Every kernel multiplies and adds through here, so that
// one source gives both tiers: `simd128` rounds twice and is bit-identical in every engine,
// `relaxed` may use the machine's fused multiply-add.

/** True in the relaxed tier; a compile-time constant, so the other arm of a branch vanishes. */
// @ts-ignore: decorator
@inline export const RELAXED: bool = ASC_FEATURE_RELAXED_SIMD;

/** a · b + c, four floats at a time. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return RELAXED ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** c − a · b, four floats at a time. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  return RELAXED ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
}

/**
 * sum + w · x, four products of bytes to each of four sums; of the relaxed tier only. `w` is signed. Engines differ in whether `x` is, and
 * in whether pairs of products saturate at 16 bits, as long as `x` does not fit into seven: `x8_dot_kind` finds out.
 */
// @ts-ignore: decorator
@inline
export function dotBytes(w: v128, x: v128, sum: v128): v128 {
  return RELAXED ? i32x4.relaxed_dot_i8x16_i7x16_add_s(w, x, sum) : unreachable();
}

/** Clamps four floats to [lo, hi]. A NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function clamp(x: v128, lo: v128, hi: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, lo), hi);
}

/** Sum of the four lanes, pairwise: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sum(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
