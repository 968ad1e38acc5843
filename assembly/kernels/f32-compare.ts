// Comparisons of floats under broadcasting, into bytes that are 0 or 1.
import { CompareCode } from "../../src/ops/codes";
import { planeOffsets } from "../lib/planes";

/**
 * y = a ? b for rows begin … end of `cols` elements, `code` naming the comparison. Steps and table
 * as in f32_binary_rows.
 */
export function f32_compare(
  y: usize,
  a: usize,
  b: usize,
  code: u32,
  cols: usize,
  aStep: usize,
  bStep: usize,
  table: usize,
  rank: usize,
  begin: usize,
  end: usize,
): void {
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    compareRow(y + row * cols, a + <u32>offsets, b + <u32>(offsets >> 32), code, cols, aStep << 2, bStep << 2);
  }
}

function compareRow(y: usize, a: usize, b: usize, code: u32, cols: usize, aStepBytes: usize, bStepBytes: usize): void {
  for (const end = y + cols; y < end; y++) {
    store<u8>(y, holds(load<f32>(a), load<f32>(b), code));
    a += aStepBytes;
    b += bStepBytes;
  }
}

// @ts-expect-error: decorator
@inline
function holds(a: f32, b: f32, code: u32): bool {
  switch (code) {
    case CompareCode.equal: return a == b;
    case CompareCode.notEqual: return a != b;
    case CompareCode.less: return a < b;
    case CompareCode.lessEqual: return a <= b;
    case CompareCode.greater: return a > b;
    default: return a >= b;
  }
}
