// The natural logarithm over a run of floats, with its constants made before the loop (see `held`).
import {
  held, LN2_HIGH, LN2_LOW, LOG_2, LOG_4, LOG_6, LOG_FRACTION, LOG_NORMAL, LOG_ROOT_HALF, LOG_SCALE, LOG_SHIFT, logHeld,
} from "./math";
import { loadLanes, storeLanes } from "./tail";

/** y = ln x as `log4` has it, over `count` floats. `y` may be `x`. */
export function logs(y: usize, x: usize, count: usize): void {
  const end = x + (count << 2);
  if (x >= end) return;
  // The addresses of floats are multiples of 4, which the compiler does not know.
  const zero = i32x4.splat(x & 3);
  const normal = held(LOG_NORMAL, zero);
  const scale = held(LOG_SCALE, zero);
  const rootHalf = v128.or(i32x4.splat(LOG_ROOT_HALF), zero);
  const fraction = v128.or(i32x4.splat(LOG_FRACTION), zero);
  const shift = held(LOG_SHIFT, zero);
  const one = held(1, zero);
  const half = held(0.5, zero);
  const p2 = held(LOG_2, zero);
  const p4 = held(LOG_4, zero);
  const p6 = held(LOG_6, zero);
  const ln2High = held(LN2_HIGH, zero);
  const ln2Low = held(LN2_LOW, zero);
  const infinity = held(Infinity, zero);
  do {
    const lanes = min((end - x) >> 2, 4);
    const v = loadLanes(x, lanes);
    storeLanes(y, logHeld(v, normal, scale, rootHalf, fraction, shift, one, half, p2, p4, p6, ln2High, ln2Low, infinity), lanes);
    x += 16;
    y += 16;
  } while (x < end);
}
