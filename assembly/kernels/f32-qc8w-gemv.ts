// Few float32 rows times a matrix of int8 weights, which are a quarter of the bytes of float32. Widening them to float32
// takes longer than float32 weights take to come from memory, so the row becomes integers instead: of 30 bits, relative
// to its largest element, in two halves that i32x4.dot_i16x8_s takes. That is exact but for the rounding to 30 bits,
// which is less than the roundings of as many float32 sums.
//
// Weights: panels of eight columns as lib/qs8-panel draws them, with int8 weights and a float32 bias after them.
// Scratch, for every row: | step f32, 0 where the row does not become integers | 12 free |
//   for every two elements: upper halves 2×i16, lower halves 2×i16 |
import { activateRows, Epilogue, storeSum } from "../lib/f32-epilogue";
import { dot, PANEL_HEAD } from "../lib/qs8-panel";

// @ts-ignore: decorator
@inline const ROW_HEAD: usize = 16;
/** Bits of a lower half. */
// @ts-ignore: decorator
@inline const LOW_BITS: i32 = 15;
/** Pairs of elements whose products surely fit int32. */
// @ts-ignore: decorator
@inline const PAIRS: usize = 256;

/** Makes integers of the `k` elements at x; of what follows them, too, up to a whole four: their weights are zero. */
function splitRow(to: usize, x: usize, k: usize): void {
  let most4 = f32x4.splat(0), most: f32 = 0;
  for (let i: usize = 0; i < k >> 2; i++) most4 = f32x4.max(most4, f32x4.abs(v128.load(x + (i << 4))));
  for (let i = k & ~3; i < k; i++) most = max<f32>(most, abs(load<f32>(x + (i << 2))));
  most4 = f32x4.max(most4, v128.shuffle<i32>(most4, most4, 2, 3, 0, 1));
  most = max<f32>(most, max<f32>(f32x4.extract_lane(most4, 0), f32x4.extract_lane(most4, 1)));
  const isSplit = most > 1e-25 && most < Infinity;
  store<f32>(to, isSplit ? most / <f32>(1 << 29) : 0);
  const factor = f32x4.splat(isSplit ? <f32>(1 << 29) / most : 0), mask = i32x4.splat((1 << LOW_BITS) - 1);
  to += ROW_HEAD;
  for (const end = x + (k << 2); x < end; x += 16, to += 16) {
    const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), factor)));
    const halves = i16x8.narrow_i32x4_s(i32x4.shr_s(whole, LOW_BITS), v128.and(whole, mask));
    v128.store(to, v128.shuffle<i32>(halves, halves, 0, 2, 1, 3));
  }
}

/** high · 2¹⁵ + low as floats, added to `sum`. */
// @ts-ignore: decorator
@inline
function join(sum: v128, high: v128, low: v128): v128 {
  const upper = f32x4.mul(f32x4.convert_i32x4_s(high), f32x4.splat(<f32>(1 << LOW_BITS)));
  return f32x4.add(sum, f32x4.add(upper, f32x4.convert_i32x4_s(low)));
}

/** The sums of a row with one panel in float32, for rows of zeros, of tiny and of infinite numbers, and NaN. */
function floatSums(x: usize, w: usize, k: usize, low: bool): v128 {
  let sum = f32x4.splat(0);
  w += low ? 0 : 8;
  for (let i: usize = 0; i < k; i++) {
    const pairs = v128.load8x8_s(w + (i >> 1) * 16), four = i & 1 ? i32x4.shr_s(pairs, 16) : i32x4.shr_s(i32x4.shl(pairs, 16), 16);
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x + (i << 2)), f32x4.convert_i32x4_s(four)));
  }
  return sum;
}

/**
 * y[m, …] = epilogue((A[m, k] · W) · scale + bias, residual) for the panels of [begin, end) of the int8 W[k, n].
 * `ldy`, `lda`, `ldr`: elements between row starts; `panelBytes` between panels. `residual` may be 0. Reads up to 12 bytes past a row.
 */
export function f32_qc8w_gemv(
  y: usize, a: usize, w: usize, residual: usize, epilogue: Epilogue, scratch: usize, m: usize, n: usize, k: usize, ldy: usize, lda: usize, ldr: usize,
  panelBytes: usize, begin: usize, end: usize,
): void {
  const lo = f32x4.splat(epilogue.sumLo), hi = f32x4.splat(epilogue.sumHi);
  const fours = (k + 3) & ~3, rowBytes = ROW_HEAD + fours * 4;
  for (let row: usize = 0; row < m; row++) splitRow(scratch + row * rowBytes, a + row * lda * 4, k);
  for (let panel = begin; panel < end; panel++) {
    const head = w + panel * panelBytes, weights = head + PANEL_HEAD, bias = weights + fours * 8;
    for (let row: usize = 0, at = scratch; row < m; row++, at += rowBytes) {
      let sum0 = f32x4.splat(0), sum1 = sum0;
      const step = v128.load32_splat(at);
      if (load<f32>(at)) {
        let x = at + ROW_HEAD, p = weights;
        for (let left = fours >> 1; left > 0; ) {
          const count = min(left, PAIRS);
          let high0 = i32x4.splat(0), high1 = high0, low0 = high0, low1 = high0;
          for (const last = x + count * 8; x != last; x += 16, p += 32) {
            let h = v128.load32_splat(x), l = v128.load32_splat(x, 4), w0 = v128.load8x8_s(p), w1 = v128.load8x8_s(p, 8);
            high0 = dot(h, w0, high0), low0 = dot(l, w0, low0), high1 = dot(h, w1, high1), low1 = dot(l, w1, low1);
            h = v128.load32_splat(x, 8), l = v128.load32_splat(x, 12), w0 = v128.load8x8_s(p, 16), w1 = v128.load8x8_s(p, 24);
            high0 = dot(h, w0, high0), low0 = dot(l, w0, low0), high1 = dot(h, w1, high1), low1 = dot(l, w1, low1);
          }
          sum0 = join(sum0, high0, low0), sum1 = join(sum1, high1, low1);
          left -= count;
        }
        sum0 = f32x4.mul(sum0, step), sum1 = f32x4.mul(sum1, step);
      } else {
        sum0 = floatSums(a + row * lda * 4, weights, k, true), sum1 = floatSums(a + row * lda * 4, weights, k, false);
      }
      const column = panel * 8, to = y + (row * ldy + column) * 4, r = residual ? residual + (row * ldr + column) * 4 : 0;
      storeSum(to, r, f32x4.add(f32x4.mul(sum0, v128.load(head, 32)), v128.load(bias)), lo, hi, n - column);
      if (n - column > 4) storeSum(to + 16, r ? r + 16 : 0, f32x4.add(f32x4.mul(sum1, v128.load(head, 48)), v128.load(bias, 16)), lo, hi, n - column - 4);
    }
  }
  const first = begin * 8;
  if (begin < end) activateRows(y + first * 4, ldy * 4, m, min(end * 8, n) - first, epilogue);
}
