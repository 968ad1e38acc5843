// Binary functions of integers under broadcasting. Steps and tables as in f32_binary_rows, strides in bytes.
// Results wrap around; what is divided by 0 is 0.
import { IntegerCode } from "../../src/ops/codes";
import { planeOffsets } from "../lib/planes";

/** y = f(a, b) for rows begin … end of `cols` elements, `code` naming f. `y` may be an operand that advances. */
export function i32_binary_rows(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  rows<i32>(y, a, b, code, cols, aStep, bStep, table, rank, begin, end);
}

/** i32_binary_rows for int64. */
export function i64_binary_rows(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  rows<i64>(y, a, b, code, cols, aStep, bStep, table, rank, begin, end);
}

/** i32_binary_rows for bytes: truth values, and uint8. */
export function u8_binary_rows(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  rows<u8>(y, a, b, code, cols, aStep, bStep, table, rank, begin, end);
}

// @ts-ignore: decorator
@inline
function rows<T>(
  y: usize, a: usize, b: usize, code: u32, cols: usize, aStep: usize, bStep: usize,
  table: usize, rank: usize, begin: usize, end: usize,
): void {
  y += begin * cols * sizeof<T>();
  for (let row = begin; row < end; row++) {
    const offsets = planeOffsets(table, rank, row);
    let left = a + <u32>offsets;
    let right = b + <usize>(offsets >> 32);
    for (const last = y + cols * sizeof<T>(); y < last; y += sizeof<T>()) {
      store<T>(y, apply<T>(load<T>(left), load<T>(right), code));
      left += aStep * sizeof<T>();
      right += bStep * sizeof<T>();
    }
  }
}

// @ts-ignore: decorator
@inline
function apply<T>(a: T, b: T, code: u32): T {
  switch (code) {
    case IntegerCode.add: return a + b;
    case IntegerCode.sub: return a - b;
    case IntegerCode.mul: return a * b;
    case IntegerCode.max: return max(a, b);
    case IntegerCode.min: return min(a, b);
    case IntegerCode.squaredDifference: return (a - b) * (a - b);
    case IntegerCode.and: return a & b;
    case IntegerCode.or: return a | b;
    case IntegerCode.xor: return a ^ b;
    case IntegerCode.div: return quotient<T>(a, b);
    case IntegerCode.mod: return a - quotient<T>(a, b) * b;
    case IntegerCode.floorDiv: return quotient<T>(a - floorRest<T>(a, b), b);
    default: return floorRest<T>(a, b);
  }
}

/** a / b towards 0, and 0 for b = 0. The one quotient that does not fit wraps instead of trapping. */
// @ts-ignore: decorator
@inline
function quotient<T>(a: T, b: T): T {
  if (b == 0) return 0;
  return isSigned<T>() && b == -1 ? <T>-a : a / b;
}

/** The remainder with the divisor's sign. */
// @ts-ignore: decorator
@inline
function floorRest<T>(a: T, b: T): T {
  const rest: T = a - quotient<T>(a, b) * b;
  return rest != 0 && rest < 0 != b < 0 ? rest + b : rest;
}
