// One reduction over a run, or over a column of four lanes. Sums are taken in blocks whose
// results are summed in turn, so that the error grows with the block and the number of
// blocks, not with the length. The order is fixed: a result never depends on a split.
import { splat } from "./math";
import { Max, Min } from "./reduce-functions";
import { loadLanes } from "./tail";

/** Floats of one block. */
export const BLOCK: usize = 1024;

/** Lane numbers below `count` are all ones. */
// @ts-ignore: decorator
@inline
export function lanesBelow(count: usize): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>count));
}

/** Joins the four lanes, (0 · 2) · (1 · 3). */
// @ts-ignore: decorator
@inline
function across<F>(v: v128): f32 {
  const f = changetype<F>(0);
  v = f.join(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f.join(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2)), 0);
}

/** True where the joins lose NaN, which then is marked beside them: three instructions where a maximum that keeps it is seven. */
// @ts-ignore: decorator
@inline
function losesNan<F>(): bool {
  return idof<F>() == idof<Max>() || idof<F>() == idof<Min>();
}

/** `marks`, with all ones where x is NaN. */
// @ts-ignore: decorator
@inline
function marked<F>(marks: v128, x: v128): v128 {
  return losesNan<F>() ? v128.or(marks, f32x4.ne(x, x)) : marks;
}

/** v, or NaN where that is marked. */
// @ts-ignore: decorator
@inline
function spoiled<F>(v: v128, marks: v128): v128 {
  return losesNan<F>() ? v128.or(v, marks) : v;
}

/** The reduction of `count` contiguous floats. */
export function reduceRun<F>(x: usize, count: usize, m: f32): f32 {
  const f = changetype<F>(0);
  const centre = splat(m);
  let total = f.neutral();
  let marks0 = splat(0);
  let marks1 = marks0;
  const end = x + (count << 2);
  while (x < end) {
    const blockEnd = min(x + (BLOCK << 2), end);
    let acc0 = f.neutral();
    let acc1 = acc0;
    const last = blockEnd - 32;
    if (x <= last) {
      do {
        const v0 = v128.load(x);
        const v1 = v128.load(x, 16);
        acc0 = f.join(f.map(v0, centre), acc0);
        acc1 = f.join(f.map(v1, centre), acc1);
        marks0 = marked<F>(marks0, v0);
        marks1 = marked<F>(marks1, v1);
        x += 32;
      } while (x <= last);
    }
    while (x < blockEnd) {
      const lanes = min((blockEnd - x) >> 2, 4);
      const some = loadLanes(x, lanes);
      acc0 = f.join(v128.bitselect(f.map(some, centre), f.neutral(), lanesBelow(lanes)), acc0);
      marks0 = marked<F>(marks0, some);
      x += 16;
    }
    total = f.join(f.join(acc0, acc1), total);
  }
  if (losesNan<F>() && v128.any_true(v128.or(marks0, marks1))) return NaN;
  return across<F>(total);
}

/** Floats of a cache line, and the columns that `reduceLine` takes at once. */
export const LINE: usize = 16;

/** The sums, or other reductions, of the sixteen columns of a cache line into y; each is what `reduceColumns` gives. */
export function reduceLine<F>(y: usize, x: usize, axis: usize, strideBytes: usize, means: usize): void {
  const f = changetype<F>(0);
  for (let at: usize = 0; at < LINE << 2; at += 16) v128.store(y + at, f.neutral());
  const m0 = v128.load(means);
  const m1 = v128.load(means, 16);
  const m2 = v128.load(means, 32);
  const m3 = v128.load(means, 48);
  while (axis) {
    const block = min(axis, BLOCK >> 2);
    axis -= block;
    let acc0 = f.neutral();
    let acc1 = acc0;
    let acc2 = acc0;
    let acc3 = acc0;
    let marks0 = splat(0), marks1 = marks0, marks2 = marks0, marks3 = marks0;
    for (const blockEnd = x + block * strideBytes; x < blockEnd; x += strideBytes) {
      const v0 = v128.load(x), v1 = v128.load(x, 16), v2 = v128.load(x, 32), v3 = v128.load(x, 48);
      acc0 = f.join(f.map(v0, m0), acc0);
      acc1 = f.join(f.map(v1, m1), acc1);
      acc2 = f.join(f.map(v2, m2), acc2);
      acc3 = f.join(f.map(v3, m3), acc3);
      marks0 = marked<F>(marks0, v0);
      marks1 = marked<F>(marks1, v1);
      marks2 = marked<F>(marks2, v2);
      marks3 = marked<F>(marks3, v3);
    }
    v128.store(y, spoiled<F>(f.join(v128.load(y), acc0), marks0));
    v128.store(y, spoiled<F>(f.join(v128.load(y, 16), acc1), marks1), 16);
    v128.store(y, spoiled<F>(f.join(v128.load(y, 32), acc2), marks2), 32);
    v128.store(y, spoiled<F>(f.join(v128.load(y, 48), acc3), marks3), 48);
  }
}

/** The reductions of `lanes` ≤ 4 neighbouring columns of `axis` elements, `strideBytes` apart. */
export function reduceColumns<F>(x: usize, axis: usize, strideBytes: usize, lanes: usize, m: v128): v128 {
  const f = changetype<F>(0);
  let total = f.neutral();
  let marks = splat(0);
  for (let k: usize = 0; k < axis; k += BLOCK >> 2) {
    const blockEnd = min(k + (BLOCK >> 2), axis);
    let acc = f.neutral();
    for (let i = k; i < blockEnd; i++) {
      const v = loadLanes(x, lanes);
      acc = f.join(f.map(v, m), acc);
      marks = marked<F>(marks, v);
      x += strideBytes;
    }
    total = f.join(acc, total);
  }
  return spoiled<F>(total, marks);
}
