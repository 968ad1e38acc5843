// One row times a matrix of int8 weights: bound by the bytes of the weights, so they stay int8.
import { ConvShape, dot, PANEL_HEAD, storeSums, TO_INT8 } from "../lib/qs8-panel";
import { floorOf, magicOf, narrow16, narrow8, offsetOf, requantize, storeBytes } from "../lib/requantize";

/** Four pairs of elements, of which pair `index` goes to all lanes. */
// @ts-ignore: decorator
@inline
function pair0(a: v128): v128 { return v128.shuffle<i32>(a, a, 0, 0, 0, 0); }
// @ts-ignore: decorator
@inline
function pair1(a: v128): v128 { return v128.shuffle<i32>(a, a, 1, 1, 1, 1); }
// @ts-ignore: decorator
@inline
function pair2(a: v128): v128 { return v128.shuffle<i32>(a, a, 2, 2, 2, 2); }
// @ts-ignore: decorator
@inline
function pair3(a: v128): v128 { return v128.shuffle<i32>(a, a, 3, 3, 3, 3); }

/**
 * y = x · w for one row x of `inChannels` int8, as the ConvShape at `table` says; `w` holds panels of
 * int8 weights. Split by panels of eight outputs.
 */
export function qs8_gemv(y: usize, x: usize, w: usize, rowScale: usize, table: usize, begin: usize, end: usize): void {
  const shape = changetype<ConvShape>(table);
  const isInt8 = shape.output == TO_INT8, elementBytes: usize = isInt8 ? 1 : 4;
  const zero = i16x8.splat(<i16>(rowScale ? load<i32>(rowScale, 4) : shape.xZero));
  const floor = floorOf(shape.yZero, shape.lo), magic = magicOf(shape.yZero), offset = offsetOf(shape.yZero), hi = i8x16.splat(<i8>shape.hi);
  const last = x + shape.pairs * 2;
  for (let panel = begin; panel < end; panel += 2) {
    // without a second panel the first is read twice, and its twin is dropped
    const w0 = w + panel * shape.panelBytes, w1 = panel + 1 < end ? w0 + shape.panelBytes : w0;
    let acc00 = v128.load(w0), acc01 = v128.load(w0, 16), acc10 = v128.load(w1), acc11 = v128.load(w1, 16);
    let p = w0 + PANEL_HEAD, q = w1 + PANEL_HEAD, from = x;
    for (; from + 8 <= last; from += 8, p += 64, q += 64) {
      const a = i16x8.sub(v128.load8x8_s(from), zero);
      let k = pair0(a);
      acc00 = dot(k, v128.load8x8_s(p), acc00), acc01 = dot(k, v128.load8x8_s(p, 8), acc01);
      acc10 = dot(k, v128.load8x8_s(q), acc10), acc11 = dot(k, v128.load8x8_s(q, 8), acc11);
      // never taken: without these, V8 11.3 moves all loads to the top of the loop and spills
      if (!p) break;
      k = pair1(a);
      acc00 = dot(k, v128.load8x8_s(p, 16), acc00), acc01 = dot(k, v128.load8x8_s(p, 24), acc01);
      acc10 = dot(k, v128.load8x8_s(q, 16), acc10), acc11 = dot(k, v128.load8x8_s(q, 24), acc11);
      if (!q) break;
      k = pair2(a);
      acc00 = dot(k, v128.load8x8_s(p, 32), acc00), acc01 = dot(k, v128.load8x8_s(p, 40), acc01);
      acc10 = dot(k, v128.load8x8_s(q, 32), acc10), acc11 = dot(k, v128.load8x8_s(q, 40), acc11);
      if (!from) break;
      k = pair3(a);
      acc00 = dot(k, v128.load8x8_s(p, 48), acc00), acc01 = dot(k, v128.load8x8_s(p, 56), acc01);
      acc10 = dot(k, v128.load8x8_s(q, 48), acc10), acc11 = dot(k, v128.load8x8_s(q, 56), acc11);
    }
    if (from < last) {
      const a = i16x8.sub(i16x8.extend_low_i8x16_s(v128.load32_zero(from)), zero);
      let k = pair0(a);
      acc00 = dot(k, v128.load8x8_s(p), acc00), acc01 = dot(k, v128.load8x8_s(p, 8), acc01);
      acc10 = dot(k, v128.load8x8_s(q), acc10), acc11 = dot(k, v128.load8x8_s(q, 8), acc11);
      k = pair1(a);
      acc00 = dot(k, v128.load8x8_s(p, 16), acc00), acc01 = dot(k, v128.load8x8_s(p, 24), acc01);
      acc10 = dot(k, v128.load8x8_s(q, 16), acc10), acc11 = dot(k, v128.load8x8_s(q, 24), acc11);
      p += 32, q += 32;
    }
    const to = y + panel * 8 * elementBytes;
    const cols = shape.outChannels - panel * 8, more = w1 != w0 && cols > 8 ? cols - 8 : 0;
    if (isInt8) {
      const bytes = narrow16(
        narrow8(requantize(acc00, v128.load(w0, 32), floor, magic, offset), requantize(acc01, v128.load(w0, 48), floor, magic, offset)),
        narrow8(requantize(acc10, v128.load(w1, 32), floor, magic, offset), requantize(acc11, v128.load(w1, 48), floor, magic, offset)),
        hi,
      );
      storeBytes(to, i64x2.extract_lane(bytes, 0), min<usize>(cols, 8));
      storeBytes(to + 8, i64x2.extract_lane(bytes, 1), min<usize>(more, 8));
    } else {
      storeSums(shape, to, acc00, acc01, w0, p, min<usize>(cols, 8), rowScale);
      if (more) storeSums(shape, to + 32, acc10, acc11, w1, q, min<usize>(more, 8), rowScale);
    }
  }
}
