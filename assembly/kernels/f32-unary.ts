// Unary functions over contiguous floats.
import { unary } from "../lib/activate";

/** y = f(x) for elements begin … end; `code`, p0 and p1 as in src/ops/codes.ts. `y` may be `x`. */
export function f32_unary(y: usize, x: usize, code: u32, p0: f32, p1: f32, begin: usize, end: usize): void {
  const offset = begin << 2;
  unary(y + offset, x + offset, end - begin, code, p0, p1);
}
