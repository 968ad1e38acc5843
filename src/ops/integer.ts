// Integer arithmetic and comparisons in kernels.
import type { DataType } from "../graph/types.ts";
import { ELEMENT_BYTES } from "../graph/types.ts";
import { planRows } from "./broadcast.ts";
import type { CompareCode, IntegerCode } from "./codes.ts";
import type { LowerContext } from "./define.ts";

const BINARY: { readonly [T in DataType]?: "i32_binary_rows" | "i64_binary_rows" | "u8_binary_rows" } = {
  int32: "i32_binary_rows",
  int64: "i64_binary_rows",
  uint8: "u8_binary_rows",
  bool: "u8_binary_rows",
};

const COMPARE: { readonly [T in DataType]?: "f32_compare" | "i32_compare" | "i64_compare" } = {
  float32: "f32_compare",
  int32: "i32_compare",
  int64: "i64_compare",
};

/** Both operands where they have one type and are not quantized. */
function plainOperands(ctx: LowerContext) {
  const [a, b] = [ctx.input(0), ctx.input(1)];
  return a.dataType === b.dataType && !a.quant && !b.quant ? { a, b, dataType: a.dataType } : undefined;
}

/** y = f(a, b) on integers; false where no kernel takes their type. */
export function lowerInteger(ctx: LowerContext, code: IntegerCode | undefined): boolean {
  const operands = plainOperands(ctx);
  const kernel = operands && BINARY[operands.dataType];
  if (!kernel || code === undefined) return false;
  const y = ctx.output(0);
  const { a, b, cols, aStep, bStep, table, rank, rows } = planRows(ctx, operands.a, operands.b, y.shape, ELEMENT_BYTES[y.dataType]);
  ctx.emitSplit(kernel, rows, [y.pointer, a, b, code, cols, aStep, bStep, table, rank]);
  return true;
}

/** The truth of a comparison; false where no kernel takes the operands' type. */
export function lowerComparison(ctx: LowerContext, code: CompareCode): boolean {
  const operands = plainOperands(ctx);
  const kernel = operands && COMPARE[operands.dataType];
  if (!kernel) return false;
  const y = ctx.output(0);
  const { a, b, cols, aStep, bStep, table, rank, rows } = planRows(ctx, operands.a, operands.b, y.shape, ELEMENT_BYTES[operands.dataType]);
  ctx.emitSplit(kernel, rows, [y.pointer, a, b, code, cols, aStep, bStep, table, rank]);
  return true;
}
