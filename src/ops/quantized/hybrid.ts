// Float activations with int8 weights: they are quantized on the way, and what is fused to the layer follows as steps
// of its own. The attribute `activations` says over which range: that of each row (or image), as TFLite does, or that of
// the whole tensor, as ONNX's DynamicQuantizeLinear does.
import { ARITHMETIC } from "../binary-functions.ts";
import { UnaryCode } from "../codes.ts";
import type { LowerContext, Pointer } from "../define.ts";
import { unaryFunction } from "../unary-functions.ts";

/** int8 rows of a float32 operand, with the { scale, zero } of each. */
export function emitQuantizedRows(ctx: LowerContext, x: Pointer, rows: number, cols: number): { x: Pointer; rowScale: Pointer } {
  const steps = ctx.scratch(rows * cols);
  const rowScale = ctx.scratch(rows * 8);
  ctx.emitSplit("qs8_rows_from_f32", rows, [steps, rowScale, x, cols]);
  return { x: steps, rowScale };
}

/** True where one scale is found for the whole operand. */
export const quantizesWhole = ({ attributes }: LowerContext): boolean => attributes.string("activations", "rows") === "tensor";

/** A float32 operand as int8 over its own range, with its { scale, zero }. */
export function emitQuantizedTensor(ctx: LowerContext, x: Pointer, size: number): { x: Pointer; rowScale: Pointer } {
  const [steps, rowScale] = [ctx.scratch(size), ctx.scratch(8)];
  ctx.emit("qs8_dynamic_from_f32", [steps, rowScale, x, size]);
  return { x: steps, rowScale };
}

/** Where a layer with float32 results writes, and what is left to do when it has. */
export interface FloatResult {
  readonly y: Pointer;
  readonly ldy: number;
  /** The clamp that the layer applies itself. */
  readonly lo: number;
  readonly hi: number;
  finish(): void;
}

/** True where the fused activation is one that kernels know, or there is none. */
export function knowsActivation({ attributes }: LowerContext): boolean {
  const name = attributes.string("activation", "");
  return !name || unaryFunction(name, attributes).code !== undefined;
}

/** The result of a layer of `cols` columns, with residual, activation and clamp as they are fused. */
export function floatResult(ctx: LowerContext, cols: number): FloatResult {
  const { attributes } = ctx;
  const [y, residual] = [ctx.output(0), ctx.inputs[3]];
  const [lo, hi] = [attributes.number("min", -Infinity), attributes.number("max", Infinity)];
  const name = attributes.string("activation", "");
  if (!residual && !name) return { y: y.pointer, ldy: y.rowStride, lo, hi, finish: () => {} };
  const isSpread = y.rowStride !== cols;
  // the output may take the residual's place, so that the sums wait elsewhere until it is added
  const isOverwritten = residual?.pointer.buffer === y.pointer.buffer;
  const dense = isSpread || isOverwritten ? ctx.scratch(y.bytes) : y.pointer;
  const target = isSpread ? dense : y.pointer;
  const finish = (): void => {
    const bounds = name ? [-Infinity, Infinity] : [lo, hi];
    if (residual)
      ctx.emitSplit("f32_binary", y.size, [target, dense, residual.pointer, ARITHMETIC.add!.code!, 1, 1, bounds[0]!, bounds[1]!]);
    if (name) {
      const { code, p0, p1 } = unaryFunction(name, attributes);
      ctx.emitSplit("f32_unary", y.size, [target, target, code!, p0, p1]);
      if (lo !== -Infinity || hi !== Infinity) ctx.emitSplit("f32_unary", y.size, [target, target, UnaryCode.clamp, lo, hi]);
    }
    if (isSpread) ctx.emitSplit("x8_copy_rows", y.size / cols, [y.pointer, dense, cols * 4, y.rowStride * 4, cols * 4]);
  };
  return { y: dense, ldy: cols, lo: -Infinity, hi: Infinity, finish };
}
