// What blocks of four output pixels of a depthwise convolution share: how 3 × 3 taps lie and are summed, and how a block ends.
import { clamp, madd } from "./simd";

/** Bytes of the weights of four channels with 3 × 3 taps: bias and nine taps. */
// @ts-ignore: decorator
@inline export const QUAD: usize = 160;

/** sum + a · wa + b · wb + c · wc */
// @ts-ignore: decorator
@inline
export function taps(sum: v128, a: v128, b: v128, c: v128, wa: v128, wb: v128, wc: v128): v128 {
  return madd(c, wc, madd(b, wb, madd(a, wa, sum)));
}

/**
 * Adds the residual, unless its pointer is 0, clamps and stores the pixels from `first` on, `yStep` and `rStep` bytes apart.
 * Calls nothing, as sums that live across a call are kept in memory even where it is not reached.
 */
// @ts-ignore: decorator
@inline
export function finish(y: usize, yStep: usize, residual: usize, rStep: usize, first: isize, c0: v128, c1: v128, c2: v128, c3: v128, lo: v128, hi: v128): void {
  if (residual) {
    if (first < 1) c0 = f32x4.add(c0, v128.load(residual));
    residual += rStep;
    if (first < 2) c1 = f32x4.add(c1, v128.load(residual));
    residual += rStep;
    if (first < 3) c2 = f32x4.add(c2, v128.load(residual));
    c3 = f32x4.add(c3, v128.load(residual + rStep));
  }
  if (first < 1) v128.store(y, clamp(c0, lo, hi));
  y += yStep;
  if (first < 2) v128.store(y, clamp(c1, lo, hi));
  y += yStep;
  if (first < 3) v128.store(y, clamp(c2, lo, hi));
  v128.store(y + yStep, clamp(c3, lo, hi));
}
