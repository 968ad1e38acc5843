// A function of one int8 tensor is a table of 256 results.
import type { LowerContext } from "../define.ts";
import { roundHalfEven } from "../real.ts";
import { realOf, type Steps, stepOf, stepsOf } from "./steps.ts";

/** The results of f for every byte, counted as unsigned. */
export const tableOf = (f: (step: number) => number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => f((byte << 24) >> 24) & 255);

/** Appends y = table[x], in as many rows as share it out evenly. */
export function emitTable(ctx: LowerContext, table: Uint8Array): void {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const rows = [64, 32, 16, 8, 4, 2].find((count) => x.size % count === 0) ?? 1;
  const cols = x.size / rows;
  ctx.emitSplit("x8_lut", rows, [y.pointer, x.pointer, ctx.table(table), cols, cols, cols]);
}

/** y = f(x) on int8; false where an operand is not. */
export function lowerQuantizedUnary(ctx: LowerContext, real: (x: number) => number): boolean {
  const [x, y] = [stepsOf(ctx.input(0)), stepsOf(ctx.output(0))];
  if (!x || !y) return false;
  if (ctx.input(0).size > 0)
    emitTable(
      ctx,
      tableOf((step) => stepOf(real(realOf(step, x)), y)),
    );
  return true;
}

/** From one quantization to another: the ratio of the scales in 8 bits after the point, halves up, as XNNPACK converts. */
export const requantizedHalfUp = (step: number, x: Steps, y: Steps): number => {
  const multiplier = roundHalfEven(Math.fround(256 * Math.fround(x.scale / y.scale)));
  return Math.min(Math.max((((step - x.zero) * multiplier + 128) >> 8) + y.zero, -128), 127);
};
