// Elementary functions on four floats. Polynomials and rationals were fitted to the least
// largest relative error; each bound below is held against float64 over dense arguments in
// test/kernels/f32-unary.test.ts. A NaN gives NaN.
// They are inlined, because V8 keeps a vector constant in a register or on the stack only
// when it can hoist it out of the calling loop; for that the loop must test at its bottom.
// A call, or a loop that tests at its top, builds every constant anew and takes twice the time.
import { madd, nmadd } from "./simd";

/** 1.5 · 2^23 + 126: adding it rounds to an integer, which then sits in the low bits, biased as half an exponent. */
export const ROUND_BIASED: f32 = 12583038;
export const LOG2E: f32 = 1.44269504;
/** ln 2 in two parts; the first has so few bits that n · LN2_HIGH is exact. */
export const LN2_HIGH: f32 = 0.693359375;
export const LN2_LOW: f32 = -2.12194440e-4;

// @ts-ignore: decorator
@inline
export function splat(value: f32): v128 {
  return f32x4.splat(value);
}

/**
 * A constant for a whole loop. Newer V8 (Node 24, not 20) builds a plain one anew wherever it is used, by three
 * instructions; one made before the loop from `zero`, zeros that the compiler cannot know, stays in a register or on the stack.
 */
// @ts-ignore: decorator
@inline
export function held(value: f32, zero: v128): v128 {
  return v128.or(f32x4.splat(value), zero);
}

// What `expHeld` takes: its lower bound, at which 2^(n-1) is written as 0, and the coefficients of r^2 … r^6;
// and the bound under which its callers keep x.
export const EXP_LEAST: f32 = -87.3;
export const EXP_MOST: f32 = 89;
export const EXP_2: f32 = 0.49999994;
export const EXP_3: f32 = 0.16666521;
export const EXP_4: f32 = 0.04166839;
export const EXP_5: f32 = 0.008368735;
export const EXP_6: f32 = 0.0013814559;

/** e^x to 2 ulp. Under -87 the result is 0, so it is never denormal; over 88.72 it is Inf. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // At this bound the last addition overflows to Inf.
  x = f32x4.pmin(x, splat(EXP_MOST));
  return expHeld(
    x, splat(EXP_LEAST), splat(LOG2E), splat(ROUND_BIASED), splat(LN2_HIGH), splat(LN2_LOW),
    splat(EXP_2), splat(EXP_3), splat(EXP_4), splat(EXP_5), splat(EXP_6),
  );
}

/**
 * `exp4` of x < 89, for loops that make its constants before they begin, by `held`: a softmax takes half the time.
 */
// @ts-ignore: decorator
@inline
export function expHeld(
  x: v128,
  least: v128,
  log2e: v128,
  round: v128,
  ln2High: v128,
  ln2Low: v128,
  p2: v128,
  p3: v128,
  p4: v128,
  p5: v128,
  p6: v128,
): v128 {
  x = f32x4.pmax(x, least);
  const biased = madd(x, log2e, round);
  const n = f32x4.sub(biased, round);
  const halfPower = i32x4.shl(biased, 23);
  let r = nmadd(n, ln2High, x);
  r = nmadd(n, ln2Low, r);
  let p = madd(p6, r, p5);
  p = madd(p, r, p4);
  p = madd(p, r, p3);
  p = madd(p, r, p2);
  p = madd(f32x4.mul(r, r), p, r);
  p = madd(p, halfPower, halfPower);
  return f32x4.add(p, p);
}

// What `logHeld` takes: the least normal number and what makes others normal, the bits of √½ and of a fraction, the
// exponent that was added, and the coefficients of a polynomial.
export const LOG_NORMAL: f32 = 1.17549435e-38;
export const LOG_SCALE: f32 = 8388608;
export const LOG_ROOT_HALF: i32 = 0x3f3504f3;
export const LOG_FRACTION: i32 = 0x7fffff;
export const LOG_SHIFT: f32 = 23;
export const LOG_2: f32 = 0.66666776;
export const LOG_4: f32 = 0.3997754;
export const LOG_6: f32 = 0.29871854;

/** ln x to 2 ulp, denormals too. ln 0 = -Inf; ln of a negative is NaN. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  return logHeld(
    x, splat(LOG_NORMAL), splat(LOG_SCALE), i32x4.splat(LOG_ROOT_HALF), i32x4.splat(LOG_FRACTION), splat(LOG_SHIFT), splat(1),
    splat(0.5), splat(LOG_2), splat(LOG_4), splat(LOG_6), splat(LN2_HIGH), splat(LN2_LOW), splat(Infinity),
  );
}

/** `log4` for loops that make its constants before they begin, by `held`: it takes half the time in newer V8. */
// @ts-ignore: decorator
@inline
export function logHeld(
  x: v128,
  normal: v128,
  scale: v128,
  rootHalf: v128,
  fraction: v128,
  shift: v128,
  one: v128,
  half: v128,
  p2: v128,
  p4: v128,
  p6: v128,
  ln2High: v128,
  ln2Low: v128,
  infinity: v128,
): v128 {
  const tiny = f32x4.lt(x, normal);
  const scaled = v128.bitselect(f32x4.mul(x, scale), x, tiny);
  // Splits into m · 2^e with m in [√½, √2).
  const bits = i32x4.sub(scaled, rootHalf);
  const m = i32x4.add(v128.and(bits, fraction), rootHalf);
  let e = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  e = f32x4.sub(e, v128.and(tiny, shift));
  // ln (1 + f) = f - f²/2 + s (f²/2 + R), where s = f / (2 + f) = f / (1 + m).
  const f = f32x4.sub(m, one);
  const s = f32x4.div(f, f32x4.add(m, one));
  const z = f32x4.mul(s, s);
  let r = madd(p6, z, p4);
  r = f32x4.mul(madd(r, z, p2), z);
  const halfSquare = f32x4.mul(f32x4.mul(f, f), half);
  r = madd(s, f32x4.add(halfSquare, r), f32x4.mul(e, ln2Low));
  const y = madd(e, ln2High, f32x4.sub(f, f32x4.sub(halfSquare, r)));
  // Where x is not above 0: NaN, or −Inf for 0.
  const zero = splat(0);
  const outside = v128.or(f32x4.ne(x, zero), f32x4.neg(infinity));
  const finite = v128.bitselect(x, y, f32x4.eq(x, infinity));
  return v128.bitselect(finite, outside, f32x4.gt(x, zero));
}

/** ln (1 + x) to 3 ulp for x ≥ 0, however small. */
// @ts-ignore: decorator
@inline
export function log1p4(x: v128): v128 {
  const w = f32x4.add(x, splat(1));
  // What the sum rounded away comes back to first order.
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(w, splat(1))), w);
  return f32x4.add(log4(w), lost);
}


/** sin x, or cos x where `quarters` is 1, to 1 ulp or 1e-9 for |x| ≤ 2^28. Runs in float64, lane after lane. */
export function sin4(x: v128, quarters: i32): v128 {
  let y = f32x4.splat(sin1(f32x4.extract_lane(x, 0), quarters));
  y = f32x4.replace_lane(y, 1, sin1(f32x4.extract_lane(x, 1), quarters));
  y = f32x4.replace_lane(y, 2, sin1(f32x4.extract_lane(x, 2), quarters));
  return f32x4.replace_lane(y, 3, sin1(f32x4.extract_lane(x, 3), quarters));
}

/** sin(x + quarters · π/2). */
function sin1(x: f32, quarters: i32): f32 {
  const n = nearest<f64>(<f64>x * 0.6366197723675814);
  // π/2 in three parts of 25, 25 and 53 bits, so that the products with n are exact.
  let r = <f64>x - n * 1.5707963109016418;
  r -= n * 1.5893254712295857e-8;
  r -= n * 6.123233995736766e-17;
  const z = r * r;
  const quadrant = <i32>n + quarters;
  const y =
    quadrant & 1
      ? 1 + z * (-0.5 + z * (0.041666666 + z * (-0.0013888676 + z * 2.4390449e-5)))
      : r * (1 + z * (-0.16666667 + z * (0.0083333310 + z * (-1.9840874e-4 + z * 2.7525562e-6))));
  return <f32>(quadrant & 2 ? -y : y);
}
