// The error function over a run of floats, and the GELU that is made from it. Its constants are made before the loop,
// where V8 leaves them (see `held`): with them inside, newer V8 takes twice the time.
import { held } from "./math";
import { clamp, madd } from "./simd";
import { loadLanes, storeLanes } from "./tail";

/**
 * y = erf(x), or where `isGelu` x / 2 · (1 + erf(x / √2)), over `count` floats. `y` may be `x`.
 * erf is within 6 ulp, and ±1 beyond ±3.93; GELU is within 1e-6 or 5 ulp.
 */
export function erfs(y: usize, x: usize, count: usize, isGelu: bool): void {
  const end = x + (count << 2);
  if (x >= end) return;
  // The addresses of floats are multiples of 4, which the compiler does not know.
  const zero = i32x4.splat(x & 3);
  const flatFrom = held(3.93, zero);
  const signBit = held(-0.0, zero);
  const half = held(0.5, zero);
  const one = held(1, zero);
  const rootHalf = held(isGelu ? 0.70710678 : 1, zero);
  const p1 = held(1.1283791, zero);
  const p3 = held(0.19078557, zero);
  const p5 = held(0.05279052, zero);
  const p7 = held(0.003779685, zero);
  const p9 = held(2.8481046e-4, zero);
  const p11 = held(2.041959e-6, zero);
  const q2 = held(0.502412, zero);
  const q4 = held(0.114258245, zero);
  const q6 = held(0.0149975885, zero);
  const q8 = held(0.0011652315, zero);
  const q10 = held(3.800405e-5, zero);
  do {
    const lanes = min((end - x) >> 2, 4);
    const v = loadLanes(x, lanes);
    const u = f32x4.mul(v, rootHalf);
    const z = f32x4.mul(u, u);
    let p = madd(p11, z, p9);
    p = madd(p, z, p7);
    p = madd(p, z, p5);
    p = madd(p, z, p3);
    p = madd(p, z, p1);
    let q = madd(q10, z, q8);
    q = madd(q, z, q6);
    q = madd(q, z, q4);
    q = madd(q, z, q2);
    q = madd(q, z, one);
    const near = clamp(f32x4.div(f32x4.mul(u, p), q), f32x4.neg(one), one);
    const far = v128.or(one, v128.and(u, signBit));
    const erf = v128.bitselect(far, near, f32x4.ge(f32x4.abs(u), flatFrom));
    if (isGelu) {
      const halved = f32x4.mul(v, half);
      storeLanes(y, madd(halved, erf, halved), lanes);
    } else {
      storeLanes(y, erf, lanes);
    }
    x += 16;
    y += 16;
  } while (x < end);
}
