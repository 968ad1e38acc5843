// Pooling over height and width.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { type AttributeReader, defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { realsOf, writeReals } from "./real.ts";
import { type Window, windowsOf } from "./window.ts";

type Kind = "max" | "average";

/** The windows of a pool over height and width. */
export function poolWindows(attributes: AttributeReader, { shape }: TensorType): [Window, Window] {
  check(shape.length === 4, "shape", () => `expected [n, height, width, channels], got ${shape.length} dimensions`);
  const kernel = attributes.numbers("kernel");
  check(kernel.length === 2, "shape", () => `attribute "kernel" must have 2 numbers, found [${kernel}]`);
  return windowsOf(attributes, [shape[1]!, shape[2]!], [kernel[0]!, kernel[1]!]);
}

/** Positions that an average divides by. */
const countedRange = ({ input, before, after }: Window, attributes: AttributeReader): readonly [number, number] =>
  attributes.boolean("countIncludePad", false) ? [-before, input + after] : [0, input];

/** The words of `WindowAxis` in assembly/lib/window.ts. */
export const windowWords = (window: Window, attributes: AttributeReader): Int32Array =>
  Int32Array.of(
    window.input,
    window.output,
    window.kernel,
    window.stride,
    window.dilation,
    window.before,
    ...countedRange(window, attributes),
  );

function lowerPool(ctx: LowerContext, kind: Kind): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const windows = poolWindows(ctx.attributes, x);
  if (x.dataType !== "float32") return ctx.quantized?.pool(ctx, kind, windows) ?? false;
  const [vertical, horizontal] = windows.map((window) => ctx.table(windowWords(window, ctx.attributes))) as [never, never];
  const [lo, hi] = [ctx.attributes.number("min", -Infinity), ctx.attributes.number("max", Infinity)];
  const kernel = kind === "max" ? "f32_max_pool" : "f32_average_pool";
  const flops = y.size * windows[0].kernel * windows[1].kernel;
  ctx.emitSplit(kernel, x.shape[0]! * windows[0].output, [y.pointer, x.pointer, vertical, horizontal, x.shape[3]!, lo, hi], { flops });
  return true;
}

/** Positions of a window's taps within [from, to). */
export function taps({ kernel, stride, dilation, before }: Window, index: number, [from, to]: readonly [number, number]): number[] {
  const start = index * stride - before;
  return Array.from({ length: kernel }, (_, k) => start + k * dilation).filter((at) => at >= from && at < to);
}

function computePool(ctx: HostContext, kind: Kind): void {
  const [x, y] = [ctx.input(0), ctx.outputs[0]!];
  const { attributes } = ctx;
  const [vertical, horizontal] = poolWindows(attributes, x);
  const reals = realsOf(x, ctx.inputQuants[0]);
  const [lo, hi] = [attributes.number("min", -Infinity), attributes.number("max", Infinity)];
  const channels = x.shape[3]!;
  const results = new Float64Array(y.data.length);
  const reduce = (n: number, row: number, col: number, channel: number): number => {
    let [sum, most] = [0, -Infinity];
    for (const iy of taps(vertical, row, [0, vertical.input]))
      for (const ix of taps(horizontal, col, [0, horizontal.input])) {
        const value = reals[((n * vertical.input + iy) * horizontal.input + ix) * channels + channel]!;
        sum += value;
        most = Math.max(most, value);
      }
    if (kind === "max") return most;
    const count =
      taps(vertical, row, countedRange(vertical, attributes)).length * taps(horizontal, col, countedRange(horizontal, attributes)).length;
    return sum / Math.max(count, 1);
  };
  for (const i of results.keys()) {
    const pixel = Math.floor(i / channels);
    const [n, row] = [Math.floor(pixel / horizontal.output / vertical.output), Math.floor(pixel / horizontal.output) % vertical.output];
    results[i] = Math.min(Math.max(reduce(n, row, pixel % horizontal.output, i % channels), lo), hi);
  }
  writeReals(y, results, ctx.outputQuants[0]);
}

const definePool = (name: string, kind: Kind) =>
  defineOp({
    name,
    infer(ctx: InferContext): TensorType[] {
      const x = ctx.input(0);
      const [vertical, horizontal] = poolWindows(ctx.attributes, x);
      return [{ dataType: x.dataType, shape: [x.shape[0]!, vertical.output, horizontal.output, x.shape[3]!] }];
    },
    lower: (ctx: LowerContext) => lowerPool(ctx, kind),
    host: (ctx: HostContext) => computePool(ctx, kind),
  });

export const POOL_OPS: readonly OpDef[] = [definePool("max_pool2d", "max"), definePool("average_pool2d", "average")];
