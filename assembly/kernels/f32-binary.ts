// Binary functions of floats under broadcasting. Outputs are contiguous; along a row an operand
// either advances (step 1) or stands still (step 0). Every result is clamped to [lo, hi].
import { BinaryCode } from "../../src/ops/codes";
import * as functions from "../lib/binary-functions";
import { planeOffsets } from "../lib/planes";
import { clamp } from "../lib/simd";
import { loadLanes, storeLanes } from "../lib/tail";

/** y = f(a, b) for elements begin … end of one run. `y` may be `a` or `b` where that operand advances. */
export function f32_binary(
  y: usize,
  a: usize,
  b: usize,
  code: u32,
  aStep: usize,
  bStep: usize,
  lo: f32,
  hi: f32,
  begin: usize,
  end: usize,
): void {
  const first = begin << 2;
  binaryRow(y + first, a + first * aStep, b + first * bStep, end - begin, code, aStep, bStep, lo, hi);
}

/**
 * y = f(a, b) for rows begin … end of `cols` elements. `table` holds the `rank` outer dimensions as
 * (size, aStrideBytes, bStrideBytes), outermost first.
 */
export function f32_binary_rows(
  y: usize,
  a: usize,
  b: usize,
  code: u32,
  cols: usize,
  aStep: usize,
  bStep: usize,
  table: usize,
  rank: usize,
  lo: f32,
  hi: f32,
  begin: usize,
  end: usize,
): void {
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    const aRow = a + <u32>offsets;
    const bRow = b + <u32>(offsets >> 32);
    binaryRow(y + ((row * cols) << 2), aRow, bRow, cols, code, aStep, bStep, lo, hi);
  }
}

function binaryRow(y: usize, a: usize, b: usize, count: usize, code: u32, aStep: usize, bStep: usize, lo: f32, hi: f32): void {
  if (code == BinaryCode.add) each<functions.Add>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.sub) each<functions.Sub>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.mul) each<functions.Mul>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.div) each<functions.Div>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.max) each<functions.Max>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.min) each<functions.Min>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.squaredDifference) each<functions.SquaredDifference>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.prelu) each<functions.Prelu>(y, a, b, count, aStep, bStep, lo, hi);
  else if (code == BinaryCode.pow) each<functions.Pow>(y, a, b, count, aStep, bStep, lo, hi);
  else unreachable();
}

/** One row. The first two loops are for the common cases alone; the last takes any step and the tail. */
function each<F>(y: usize, a: usize, b: usize, count: usize, aStep: usize, bStep: usize, lo: f32, hi: f32): void {
  const f = changetype<F>(0);
  const least = f32x4.splat(lo);
  const most = f32x4.splat(hi);
  const last = y + (count << 2);
  const whole = last - 32;
  if (count >= 8 && aStep & bStep) {
    do {
      const first = clamp(f.of(v128.load(a), v128.load(b)), least, most);
      const second = clamp(f.of(v128.load(a, 16), v128.load(b, 16)), least, most);
      v128.store(y, first);
      v128.store(y, second, 16);
      a += 32;
      b += 32;
      y += 32;
    } while (y <= whole);
  } else if (count >= 8 && aStep) {
    const vb = v128.load32_splat(b);
    do {
      const first = clamp(f.of(v128.load(a), vb), least, most);
      const second = clamp(f.of(v128.load(a, 16), vb), least, most);
      v128.store(y, first);
      v128.store(y, second, 16);
      a += 32;
      y += 32;
    } while (y <= whole);
  }
  if (y >= last) return;
  let va = v128.load32_splat(a);
  let vb = v128.load32_splat(b);
  do {
    const lanes = min((last - y) >> 2, 4);
    if (aStep) va = loadLanes(a, lanes);
    if (bStep) vb = loadLanes(b, lanes);
    storeLanes(y, clamp(f.of(va, vb), least, most), lanes);
    a += aStep << 4;
    b += bStep << 4;
    y += 16;
  } while (y < last);
}
