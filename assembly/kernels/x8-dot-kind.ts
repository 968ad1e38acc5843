// A start-up probe: what this engine's relaxed dot product of bytes does where the specification leaves it open.
import { DotKind } from "../../src/ops/codes";
import { dotBytes, RELAXED } from "../lib/simd";

/**
 * A DotKind. The sums of the largest products tell; one that is added to wraps. Weights are −127 … 127: on ARM, V8 adds two products
 * of −128 and −128 in 16 bits until it has optimized a function, and in 32 from then on.
 */
export function x8_dot_kind(): u32 {
  if (!RELAXED) return DotKind.inexact;
  const w = i32x4(0x7f7f7f7f, 0x81818181, 0x81818181, 0x7f7f7f7f), x = i32x4(-1, -1, 0x80808080, 0x80808080);
  const start = i32x4.splat(i32.MAX_VALUE), sums = i32x4.sub(dotBytes(w, x, start), start);
  if (i32x4.all_true(i32x4.eq(sums, i32x4(4 * 127 * 255, -4 * 127 * 255, -4 * 127 * 128, 4 * 127 * 128)))) return DotKind.unsigned;
  if (i32x4.all_true(i32x4.eq(sums, i32x4(-4 * 127, 4 * 127, 4 * 127 * 128, -4 * 127 * 128)))) return DotKind.signed;
  return DotKind.inexact;
}
