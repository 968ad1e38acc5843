// Power in float64, lane after lane: an exponent magnifies the error of a logarithm, which
// float32 cannot carry.

const LOG2E: f64 = 1.4426950408889634;
const LN2: f64 = 0.6931471805599453;

/** a^b to 1 ulp, with the special values of C. */
export function pow4(a: v128, b: v128): v128 {
  let y = f32x4.splat(pow1(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, pow1(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, pow1(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, pow1(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
}

function pow1(a: f32, b: f32): f32 {
  if (b == 0 || a == 1) return 1;
  if (a != a || b != b) return NaN;
  const size = abs(a);
  const whole = trunc(b) == b;
  const odd = whole && trunc(b * 0.5) != b * 0.5;
  if (a < 0 && !whole && size < Infinity) return NaN;
  const y = size == 1 ? <f32>1 : <f32>exp2(<f64>b * log2(size));
  return odd ? copysign(y, a) : y;
}

/** log2 x of a positive float, within 1e-12 of its size; 0 and Inf go to their limits. */
// @ts-ignore: decorator
@inline
function log2(x: f32): f64 {
  if (x == 0) return -Infinity;
  if (x == Infinity) return Infinity;
  const sqrtHalf: i64 = 0x3fe6a09e667f3bcd;
  const bits = reinterpret<i64>(<f64>x) - sqrtHalf;
  const e = <f64>(bits >> 52);
  const m = reinterpret<f64>((bits & 0xfffffffffffff) + sqrtHalf);
  const s = (m - 1) / (m + 1);
  const z = s * s;
  // 2 artanh s, by its series: the next term is under 1e-13.
  const series =
    1 + z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * (1.0 / 9 + z * (1.0 / 11 + z * (1.0 / 13 + z * (1.0 / 15 + z / 17)))))));
  return e + 2 * LOG2E * s * series;
}

/** 2^x within 1e-10 of its size, for results that a float can hold. */
// @ts-ignore: decorator
@inline
function exp2(x: f64): f64 {
  x = min(max(x, -200), 200);
  const n = nearest(x);
  const r = (x - n) * LN2;
  const series =
    1 + r * (1 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r * (1.0 / 5040 + r / 40320)))))));
  return series * reinterpret<f64>((<i64>n + 1023) << 52);
}
