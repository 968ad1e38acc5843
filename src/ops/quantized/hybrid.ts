// Float activations with int8 weights: rows are quantized over their own range on the way.
import type { LowerContext, Pointer } from "../define.ts";

/** int8 rows of a float32 operand, with the { scale, zero } of each. */
export function emitQuantizedRows(ctx: LowerContext, x: Pointer, rows: number, cols: number): { x: Pointer; rowScale: Pointer } {
  const steps = ctx.scratch(rows * cols);
  const rowScale = ctx.scratch(rows * 8);
  ctx.emitSplit("qs8_rows_from_f32", rows, [steps, rowScale, x, cols]);
  return { x: steps, rowScale };
}
