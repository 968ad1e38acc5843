// Functions of two int8 tensors: sums and products by arithmetic, the rest by a table of 65,536 results.
import type { BinaryFunction } from "../binary-functions.ts";
import { planRows } from "../broadcast.ts";
import type { KernelArgument, LowerContext, Operand } from "../define.ts";
import { type BinarySteps, floatSumShape, productShape, sumFits, sumShape, tableShape } from "./binary-shape.ts";
import { boundsOf, realOf, stepOf, stepsOf } from "./steps.ts";

/** Elements below which a table costs more to make than it saves. */
const SMALL = 64;

/** y = f(a, b) on int8, clamped; false where an operand is not int8, or where TypeScript is as good. */
export function lowerQuantizedBinary(ctx: LowerContext, name: string, f: BinaryFunction): boolean {
  const [a, b, y] = [ctx.input(0), ctx.input(1), ctx.output(0)];
  const [aSteps, bSteps, ySteps] = [stepsOf(a), stepsOf(b), stepsOf(y)];
  if (!aSteps || !bSteps || !ySteps || ctx.attributes.has("activation")) return false;
  if (y.size === 0) return true;
  const [lo, hi] = boundsOf(ctx.attributes, ySteps);
  const steps: BinarySteps = { a: aSteps, b: bSteps, y: ySteps, lo, hi };
  const shape = shapeOf(ctx, name, steps);
  if (shape) emitBinary(ctx, ctx.table(shape), 0, a, b);
  else if (y.size < SMALL) return false;
  else emitBinary(ctx, ctx.table(tableShape()), ctx.table(resultsOf(f, steps)), a, b);
  return true;
}

/** The arithmetic of a sum, a difference or a product; undefined for what goes by table. */
function shapeOf(ctx: LowerContext, name: string, steps: BinarySteps): Int32Array | undefined {
  if (name === "mul") return productShape(steps);
  if (name !== "add" && name !== "sub") return undefined;
  const sign = name === "add" ? 1 : -1;
  const isHalfUp = ctx.attributes.string("rounding", "half_even") === "half_up";
  return isHalfUp && sumFits(steps) ? sumShape(steps, sign) : floatSumShape(steps, sign);
}

/** f of every pair of steps, a's in the high byte. */
function resultsOf(f: BinaryFunction, { a, b, y, lo, hi }: BinarySteps): Int8Array {
  return Int8Array.from({ length: 65536 }, (_, i) => {
    const step = stepOf(f.real(realOf((i >> 8) - 128, a), realOf((i & 255) - 128, b)), y);
    return Math.min(Math.max(step, lo), hi);
  });
}

function emitBinary(ctx: LowerContext, shape: KernelArgument, lut: KernelArgument, a: Operand, b: Operand): void {
  const y = ctx.output(0);
  const plan = planRows(ctx, a, b, y.shape, 1);
  if (plan.rank === 0) ctx.emitSplit("qs8_binary", plan.cols, [y.pointer, plan.a, plan.b, shape, lut, plan.aStep, plan.bStep]);
  else {
    const args = [y.pointer, plan.a, plan.b, shape, lut, plan.cols, plan.aStep, plan.bStep, plan.table, plan.rank] as const;
    ctx.emitSplit("qs8_binary_rows", plan.rows, [...args]);
  }
}
