// Pooling and means of int8 images.
import type { LowerContext } from "../define.ts";
import { windowWords } from "../pool.ts";
import type { Window } from "../window.ts";
import { averageShapeWords, poolShapeWords } from "./pool-shape.ts";
import { boundsOf, type Steps, stepsOf } from "./steps.ts";

const sameSteps = (x: Steps, y: Steps): boolean => x.scale === y.scale && x.zero === y.zero;

/** y = max or average of windows on int8; false where an operand is not, or a maximum would change its quantization. */
export function lowerQuantizedPool(ctx: LowerContext, kind: "max" | "average", windows: readonly [Window, Window]): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const [from, to] = [stepsOf(x), stepsOf(y)];
  if (!from || !to || (kind === "max" && !sameSteps(from, to))) return false;
  const rounding = ctx.attributes.string("rounding", "half_even");
  if (kind === "average" && rounding === "real") return lowerRealAverage(ctx, from, to, windows);
  const isQuotient = kind === "average" && (rounding === "half_away" || rounding === "half_up") && sameSteps(from, to);
  const shape = poolShapeWords(isQuotient ? rounding : kind, x.shape[3]!, from, to, ...boundsOf(ctx.attributes, to));
  const [vertical, horizontal] = windows.map((window) => ctx.table(windowWords(window, ctx.attributes))) as [never, never];
  const flops = y.size * windows[0].kernel * windows[1].kernel;
  ctx.emitSplit("qs8_pool", x.shape[0]! * windows[0].output, [y.pointer, x.pointer, ctx.table(shape), vertical, horizontal], { flops });
  return true;
}

/** y = averages of dequantized elements, quantized again by a division. */
function lowerRealAverage(ctx: LowerContext, from: Steps, to: Steps, windows: readonly [Window, Window]): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const shape = averageShapeWords(x.shape[3]!, from, to, ...boundsOf(ctx.attributes, to));
  const [vertical, horizontal] = windows.map((window) => ctx.table(windowWords(window, ctx.attributes))) as [never, never];
  const flops = y.size * windows[0].kernel * windows[1].kernel;
  ctx.emitSplit("qs8_average", x.shape[0]! * windows[0].output, [y.pointer, x.pointer, ctx.table(shape), vertical, horizontal], { flops });
  return true;
}

/** y = mean of the middle of x[outer, axis, inner] on int8; false where an operand is not. */
export function lowerQuantizedMean(ctx: LowerContext, { outer, axis, inner }: { outer: number; axis: number; inner: number }): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const [from, to] = [stepsOf(x), stepsOf(y)];
  if (!from || !to) return false;
  const shape = ctx.table(poolShapeWords("average", inner, from, to, -128, 127));
  // the reduced axis is a column of pixels under one window
  const vertical = ctx.table(Int32Array.of(axis, 1, axis, 1, 1, 0, 0, axis));
  const horizontal = ctx.table(Int32Array.of(1, 1, 1, 1, 1, 0, 0, 1));
  ctx.emitSplit("qs8_pool", outer, [y.pointer, x.pointer, shape, vertical, horizontal]);
  return true;
}
