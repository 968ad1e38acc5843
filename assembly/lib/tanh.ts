// The hyperbolic tangent over a run of floats, with its constants made before the loop (see `held`).
import { held } from "./math";
import { clamp, madd } from "./simd";
import { loadLanes, storeLanes } from "./tail";

/** y = tanh x to 5 ulp over `count` floats; ±1 beyond ±9.02. `y` may be `x`. */
export function tanhs(y: usize, x: usize, count: usize): void {
  const end = x + (count << 2);
  if (x >= end) return;
  // The addresses of floats are multiples of 4, which the compiler does not know.
  const zero = i32x4.splat(x & 3);
  const most = held(9.02, zero);
  const one = held(1, zero);
  const p1 = held(0.13379715, zero);
  const p2 = held(0.0034940324, zero);
  const p3 = held(2.058345e-5, zero);
  const p4 = held(1.3319032e-8, zero);
  const q1 = held(0.4671303, zero);
  const q2 = held(0.025871065, zero);
  const q3 = held(3.2830893e-4, zero);
  const q4 = held(7.762002e-7, zero);
  do {
    const lanes = min((end - x) >> 2, 4);
    const v = clamp(loadLanes(x, lanes), f32x4.neg(most), most);
    const z = f32x4.mul(v, v);
    let p = madd(p4, z, p3);
    let q = madd(q4, z, q3);
    p = madd(p, z, p2);
    q = madd(q, z, q2);
    p = madd(p, z, p1);
    q = madd(q, z, q1);
    p = madd(p, z, one);
    q = madd(q, z, one);
    storeLanes(y, clamp(f32x4.div(f32x4.mul(v, p), q), f32x4.neg(one), one), lanes);
    x += 16;
    y += 16;
  } while (x < end);
}
