// Softmax of int8 rows.
import type { LowerContext } from "../define.ts";
import { stepsOf } from "./steps.ts";

/** y = softmax(beta · x) on int8 rows of `cols`; false where an operand is not int8. */
export function lowerQuantizedSoftmax(ctx: LowerContext, rows: number, cols: number, beta: number): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const [from, to] = [stepsOf(x), stepsOf(y)];
  if (!from || !to) return false;
  const step = Math.fround(from.scale * Math.fround(beta));
  const table = ctx.table(Float32Array.from({ length: 256 }, (_, i) => Math.exp(Math.fround(step * (i - 255)))));
  ctx.emitSplit("qs8_softmax", rows, [y.pointer, x.pointer, table, cols, to.scale, to.zero]);
  return true;
}
