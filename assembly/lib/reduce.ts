// One reduction over a run, or over a column of four lanes. Sums are taken in blocks whose
// results are summed in turn, so that the error grows with the block and the number of
// blocks, not with the length. The order is fixed: a result never depends on a split.
import { splat } from "./math";
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

/** The reduction of `count` contiguous floats. */
export function reduceRun<F>(x: usize, count: usize, m: f32): f32 {
  const f = changetype<F>(0);
  const centre = splat(m);
  let total = f.neutral();
  const end = x + (count << 2);
  while (x < end) {
    const blockEnd = min(x + (BLOCK << 2), end);
    let acc0 = f.neutral();
    let acc1 = acc0;
    const last = blockEnd - 32;
    if (x <= last) {
      do {
        acc0 = f.join(f.map(v128.load(x), centre), acc0);
        acc1 = f.join(f.map(v128.load(x, 16), centre), acc1);
        x += 32;
      } while (x <= last);
    }
    while (x < blockEnd) {
      const lanes = min((blockEnd - x) >> 2, 4);
      const v = f.map(loadLanes(x, lanes), centre);
      acc0 = f.join(v128.bitselect(v, f.neutral(), lanesBelow(lanes)), acc0);
      x += 16;
    }
    total = f.join(f.join(acc0, acc1), total);
  }
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
    for (const blockEnd = x + block * strideBytes; x < blockEnd; x += strideBytes) {
      acc0 = f.join(f.map(v128.load(x), m0), acc0);
      acc1 = f.join(f.map(v128.load(x, 16), m1), acc1);
      acc2 = f.join(f.map(v128.load(x, 32), m2), acc2);
      acc3 = f.join(f.map(v128.load(x, 48), m3), acc3);
    }
    v128.store(y, f.join(acc0, v128.load(y)));
    v128.store(y, f.join(acc1, v128.load(y, 16)), 16);
    v128.store(y, f.join(acc2, v128.load(y, 32)), 32);
    v128.store(y, f.join(acc3, v128.load(y, 48)), 48);
  }
}

/** The reductions of `lanes` ≤ 4 neighbouring columns of `axis` elements, `strideBytes` apart. */
export function reduceColumns<F>(x: usize, axis: usize, strideBytes: usize, lanes: usize, m: v128): v128 {
  const f = changetype<F>(0);
  let total = f.neutral();
  for (let k: usize = 0; k < axis; k += BLOCK >> 2) {
    const blockEnd = min(k + (BLOCK >> 2), axis);
    let acc = f.neutral();
    for (let i = k; i < blockEnd; i++) {
      acc = f.join(f.map(loadLanes(x, lanes), m), acc);
      x += strideBytes;
    }
    total = f.join(acc, total);
  }
  return total;
}
