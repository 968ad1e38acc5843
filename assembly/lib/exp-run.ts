// A function made from an exponential over a run of floats. Its constants are made before the loop (see `held`), and two
// vectors go side by side, so that one chain of dependent instructions fills the gaps of the other.
import {
  EXP_2, EXP_3, EXP_4, EXP_5, EXP_6, EXP_LEAST, EXP_MOST, expHeld, held, LN2_HIGH, LN2_LOW, LOG2E, ROUND_BIASED,
} from "./math";
import { madd, nmadd } from "./simd";
import { loadLanes, storeLanes } from "./tail";

/** y = f(x) over `count` floats, for a class F of exp-functions.ts, which takes p0, p1 and p2 as p, q and r. `y` may be `x`. */
export function eachExp<F>(y: usize, x: usize, count: usize, p0: f32, p1: f32, p2: f32 = 1): void {
  const f = changetype<F>(0);
  // The addresses of floats are multiples of 4, which the compiler does not know.
  const zero = i32x4.splat(x & 3);
  const p = held(p0, zero);
  const q = held(p1, zero);
  const r = held(p2, zero);
  const one = held(1, zero);
  const most = held(EXP_MOST, zero);
  const least = held(EXP_LEAST, zero);
  const log2e = held(LOG2E, zero);
  const round = held(ROUND_BIASED, zero);
  const ln2High = held(LN2_HIGH, zero);
  const ln2Low = held(LN2_LOW, zero);
  const c2 = held(EXP_2, zero);
  const c3 = held(EXP_3, zero);
  const c4 = held(EXP_4, zero);
  const c5 = held(EXP_5, zero);
  const c6 = held(EXP_6, zero);
  const end = x + (count << 2);
  const lastPair = end - 32;
  if (count >= 8) {
    do {
      const va = v128.load(x);
      const vb = v128.load(x, 16);
      // `expHeld` twice.
      const ta = f32x4.pmax(f32x4.pmin(f.power(va, p, q), most), least);
      const tb = f32x4.pmax(f32x4.pmin(f.power(vb, p, q), most), least);
      const biasedA = madd(ta, log2e, round);
      const biasedB = madd(tb, log2e, round);
      const na = f32x4.sub(biasedA, round);
      const nb = f32x4.sub(biasedB, round);
      const halfA = i32x4.shl(biasedA, 23);
      const halfB = i32x4.shl(biasedB, 23);
      const ra = nmadd(na, ln2Low, nmadd(na, ln2High, ta));
      const rb = nmadd(nb, ln2Low, nmadd(nb, ln2High, tb));
      let ea = madd(c6, ra, c5);
      let eb = madd(c6, rb, c5);
      ea = madd(ea, ra, c4);
      eb = madd(eb, rb, c4);
      ea = madd(ea, ra, c3);
      eb = madd(eb, rb, c3);
      ea = madd(ea, ra, c2);
      eb = madd(eb, rb, c2);
      ea = madd(madd(f32x4.mul(ra, ra), ea, ra), halfA, halfA);
      eb = madd(madd(f32x4.mul(rb, rb), eb, rb), halfB, halfB);
      v128.store(y, f.of(va, f32x4.add(ea, ea), p, q, one, r));
      v128.store(y, f.of(vb, f32x4.add(eb, eb), p, q, one, r), 16);
      x += 32;
      y += 32;
    } while (x <= lastPair);
  }
  if (x >= end) return;
  do {
    const lanes = min((end - x) >> 2, 4);
    const v = loadLanes(x, lanes);
    const power = f32x4.pmin(f.power(v, p, q), most);
    const e = expHeld(power, least, log2e, round, ln2High, ln2Low, c2, c3, c4, c5, c6);
    storeLanes(y, f.of(v, e, p, q, one, r), lanes);
    x += 16;
    y += 16;
  } while (x < end);
}
