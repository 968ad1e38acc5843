// Softmax and its logarithm, with the largest element taken off first so that nothing overflows.
import { expOf, lnOf } from "../lib/exp-ln";
import {
  EXP_2, EXP_3, EXP_4, EXP_5, EXP_6, EXP_LEAST, expHeld, held, LN2_HIGH, LN2_LOW, LOG2E, ROUND_BIASED, splat,
} from "../lib/math";
import { BLOCK, lanesBelow, reduceColumns, reduceRun } from "../lib/reduce";
import { Largest } from "../lib/reduce-functions";
import { madd, sum } from "../lib/simd";
import { loadLanes, loadSome, storeLanes, storeSome } from "../lib/tail";

/** y = softmax(beta · x) of rows begin … end of `cols` elements, or its logarithm; beta > 0. `y` may be `x`. */
export function f32_softmax(y: usize, x: usize, cols: usize, beta: f32, log: u32, begin: usize, end: usize): void {
  const rowBytes = cols << 2;
  x += begin * rowBytes;
  y += begin * rowBytes;
  if (cols == 2) {
    rowsOfTwo(y, x, end - begin, splat(beta), log);
    return;
  }
  for (let row = begin; row < end; row++) {
    const top = reduceRun<Largest>(x, cols, 0);
    const total = splat(exponentials(y, x, cols, splat(top), splat(beta), log));
    const factor = log ? splat(1) : f32x4.div(splat(1), total);
    scaleRow(y, cols, factor, log ? f32x4.neg(lnOf(total)) : splat(0));
    x += rowBytes;
    y += rowBytes;
  }
}

/** `f32_softmax` of rows of two elements, two rows in a vector. */
function rowsOfTwo(y: usize, x: usize, rows: usize, beta: v128, log: u32): void {
  for (const end = x + (rows << 3); x < end; x += 16, y += 16) {
    const lanes = min((end - x) >> 2, 4);
    const v = loadLanes(x, lanes);
    const t = f32x4.mul(f32x4.sub(v, f32x4.pmax(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2))), beta);
    const e = expOf(t);
    const total = f32x4.add(e, v128.shuffle<i32>(e, e, 1, 0, 3, 2));
    storeLanes(y, log ? f32x4.sub(t, lnOf(total)) : f32x4.div(e, total), lanes);
  }
}

/** Σ e^t where t = beta · (x − top); y = t where `log`, else e^t. */
function exponentials(y: usize, x: usize, cols: usize, top: v128, beta: v128, log: u32): f32 {
  const end = x + (cols << 2);
  // `log` is 0 or 1, which the compiler does not know.
  const zero = i32x4.splat(log >> 1);
  const least = held(EXP_LEAST, zero);
  const log2e = held(LOG2E, zero);
  const round = held(ROUND_BIASED, zero);
  const ln2High = held(LN2_HIGH, zero);
  const ln2Low = held(LN2_LOW, zero);
  const p2 = held(EXP_2, zero);
  const p3 = held(EXP_3, zero);
  const p4 = held(EXP_4, zero);
  const p5 = held(EXP_5, zero);
  const p6 = held(EXP_6, zero);
  let total = splat(0);
  for (let last = min(x + (BLOCK << 2), end) - 16; x + 16 <= end; last = min(x + (BLOCK << 2), end) - 16) {
    let acc = splat(0);
    do {
      const t = f32x4.mul(f32x4.sub(v128.load(x), top), beta);
      const e = expHeld(t, least, log2e, round, ln2High, ln2Low, p2, p3, p4, p5, p6);
      if (log) v128.store(y, t);
      else v128.store(y, e);
      acc = f32x4.add(acc, e);
      x += 16;
      y += 16;
    } while (x <= last);
    total = f32x4.add(total, acc);
  }
  const lanes = (end - x) >> 2;
  if (lanes) {
    const t = f32x4.mul(f32x4.sub(loadSome(x, lanes), top), beta);
    const e = expHeld(t, least, log2e, round, ln2High, ln2Low, p2, p3, p4, p5, p6);
    storeSome(y, log ? t : e, lanes);
    total = f32x4.add(total, v128.and(e, lanesBelow(lanes)));
  }
  return sum(total);
}

/** y = y · factor + shift */
function scaleRow(y: usize, cols: usize, factor: v128, shift: v128): void {
  const end = y + (cols << 2);
  for (; y + 16 <= end; y += 16) v128.store(y, madd(v128.load(y), factor, shift));
  const lanes = (end - y) >> 2;
  if (lanes) storeSome(y, madd(loadSome(y, lanes), factor, shift), lanes);
}

/**
 * Softmax over the middle of [outer, axis, inner]. A unit is up to four neighbouring columns:
 * outer · ceil(inner / 4) units. `y` may be `x`.
 */
export function f32_softmax_columns(y: usize, x: usize, axis: usize, inner: usize, beta: f32, log: u32, begin: usize, end: usize): void {
  const groups = (inner + 3) >> 2;
  const rowBytes = inner << 2;
  const keep = i32x4.splat(-log);
  for (let unit = begin; unit < end; unit++) {
    const outer = unit / groups;
    const column = (unit - outer * groups) << 2;
    const lanes = min(inner - column, 4);
    const offset = (outer * axis * inner + column) << 2;
    const top = reduceColumns<Largest>(x + offset, axis, rowBytes, lanes, splat(0));
    let total = splat(0);
    for (let k: usize = 0, at = offset; k < axis; k++, at += rowBytes) {
      const t = f32x4.mul(f32x4.sub(loadLanes(x + at, lanes), top), splat(beta));
      const e = expOf(t);
      storeLanes(y + at, v128.bitselect(t, e, keep), lanes);
      total = f32x4.add(total, e);
    }
    const factor = log ? splat(1) : f32x4.div(splat(1), total);
    const shift = log ? f32x4.neg(lnOf(total)) : splat(0);
    for (let k: usize = 0, at = y + offset; k < axis; k++, at += rowBytes) storeLanes(at, madd(loadLanes(at, lanes), factor, shift), lanes);
  }
}
