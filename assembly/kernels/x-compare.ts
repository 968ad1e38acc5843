// Comparisons under broadcasting, into bytes that are 0 or 1. Steps and tables as in f32_binary_rows, strides in bytes.
import { CompareCode } from "../../src/ops/codes";
import { planeOffsets } from "../lib/planes";

/** y = a ? b for rows begin … end of `cols` floats, `code` naming the comparison. */
export function f32_compare(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    compareRow<f32>(y + row * cols, a + <u32>offsets, b + <usize>(offsets >> 32), code, cols, aStep, bStep);
  }
}

/** f32_compare for int32. */
export function i32_compare(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    compareRow<i32>(y + row * cols, a + <u32>offsets, b + <usize>(offsets >> 32), code, cols, aStep, bStep);
  }
}

/** f32_compare for int64. */
export function i64_compare(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    compareRow<i64>(y + row * cols, a + <u32>offsets, b + <usize>(offsets >> 32), code, cols, aStep, bStep);
  }
}

/** One row: four lanes at a time where elements have 32 bits, then one by one. */
function compareRow<T>(y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize): void {
  const end = y + cols;
  const aBytes = aStep * sizeof<T>();
  const bBytes = bStep * sizeof<T>();
  if (sizeof<T>() == 4) {
    for (; y + 4 <= end; y += 4, a += aBytes << 2, b += bBytes << 2) {
      const va = aStep ? v128.load(a) : v128.load32_splat(a);
      const vb = bStep ? v128.load(b) : v128.load32_splat(b);
      const words = holds4<T>(va, vb, code);
      const halves = i16x8.narrow_i32x4_s(words, words);
      store<u32>(y, i32x4.extract_lane(i8x16.narrow_i16x8_s(halves, halves), 0) & 0x01010101);
    }
  }
  for (; y < end; y++, a += aBytes, b += bBytes) store<u8>(y, holds<T>(load<T>(a), load<T>(b), code));
}

// @ts-ignore: decorator
@inline
function holds4<T>(a: v128, b: v128, code: u32): v128 {
  switch (code) {
    case CompareCode.equal: return v128.eq<T>(a, b);
    case CompareCode.notEqual: return v128.ne<T>(a, b);
    case CompareCode.less: return v128.lt<T>(a, b);
    case CompareCode.lessEqual: return v128.le<T>(a, b);
    case CompareCode.greater: return v128.gt<T>(a, b);
    default: return v128.ge<T>(a, b);
  }
}

// @ts-ignore: decorator
@inline
function holds<T>(a: T, b: T, code: u32): bool {
  switch (code) {
    case CompareCode.equal: return a == b;
    case CompareCode.notEqual: return a != b;
    case CompareCode.less: return a < b;
    case CompareCode.lessEqual: return a <= b;
    case CompareCode.greater: return a > b;
    default: return a >= b;
  }
}
