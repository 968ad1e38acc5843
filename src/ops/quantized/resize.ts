// Bilinear resizing of int8 images in fixed point, as XNNPACK does it.
import type { LowerContext } from "../define.ts";
import { roundHalfEven } from "../real.ts";
import type { AxisTaps } from "../resize-taps.ts";
import { stepsOf } from "./steps.ts";

/** Two taps of every output position, and the second one's weight in 2⁻¹¹. */
function entriesOf(taps: AxisTaps | undefined, size: number): Int32Array {
  return Int32Array.from({ length: size * 3 }, (_, i) => {
    const out = Math.floor(i / 3),
      part = i % 3;
    if (!taps) return part === 2 ? 0 : out;
    if (part < 2) return taps.index[out * 2 + part]!;
    return roundHalfEven(Math.fround(taps.weights[out * 2 + 1]!) * 2048);
  });
}

/** y = x[n, h, w, c] resized linearly over h and w; false where an operand is not int8 or quantizations differ. */
export function lowerQuantizedResize(ctx: LowerContext, rows: AxisTaps | undefined, cols: AxisTaps | undefined): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const [from, to] = [stepsOf(x), stepsOf(y)];
  if (!from || !to || from.scale !== to.scale || from.zero !== to.zero) return false;
  if ((rows && rows.taps !== 2) || (cols && cols.taps !== 2)) return false;
  const [n, inHeight, inWidth, channels] = x.shape as [number, number, number, number];
  const [, outHeight, outWidth] = y.shape as [number, number, number];
  const tables = [ctx.table(entriesOf(rows, outHeight)), ctx.table(entriesOf(cols, outWidth))] as const;
  ctx.emitSplit("qs8_resize_linear", n * outHeight, [y.pointer, x.pointer, ...tables, inHeight, inWidth, outHeight, outWidth, channels]);
  return true;
}
