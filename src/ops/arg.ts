// Where along an axis the largest or the smallest element stands.
import { type DataType, sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { isWide, writeNumbers } from "./host-elements.ts";
import { axisOf } from "./parameters.ts";
import { realsOf } from "./real.ts";

const KERNELS: { readonly [T in DataType]?: "f32_arg_max" | "i8_arg_max" } = { float32: "f32_arg_max", int8: "i8_arg_max" };

/** The input as [outer, axis, inner]. */
function dimensions(ctx: LowerContext | HostContext): { axis: number; inner: number } {
  const { shape } = ctx.input(0);
  const axis = axisOf(ctx.attributes.number("axis", 0), shape.length);
  return { axis: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

function inferArg(ctx: InferContext): TensorType[] {
  const { shape } = ctx.input(0);
  const axis = axisOf(ctx.attributes.number("axis", 0), shape.length);
  const dataType = ctx.attributes.string("dataType", "int64") as DataType;
  return [{ dataType, shape: ctx.attributes.boolean("keepDims", true) ? shape.with(axis, 1) : shape.toSpliced(axis, 1) }];
}

/** Numbers and bigints compare alike; the elements of a quantized tensor compare as what they stand for. */
function computeArg(ctx: HostContext, sign: 1 | -1): void {
  const [x, y] = [ctx.input(0), ctx.outputs[0]!];
  const { axis, inner } = dimensions(ctx);
  const last = ctx.attributes.boolean("selectLast", false);
  const values = isWide(x.dataType) ? (x.data as unknown as ArrayLike<number>) : realsOf(x, ctx.inputQuants[0]);
  const beats = (a: number, b: number) => (sign > 0 ? a > b : a < b) || (last && a === b);
  const results = Array.from({ length: y.data.length }, (_, i) => {
    const from = Math.floor(i / inner) * axis * inner + (i % inner);
    let best = 0;
    for (let k = 1; k < axis; k++) if (beats(values[from + k * inner]!, values[from + best * inner]!)) best = k;
    return best;
  });
  writeNumbers(y, results);
}

const defineArg = (name: string, sign: 1 | -1) =>
  defineOp({
    name,
    infer: inferArg,
    lower(ctx: LowerContext) {
      const [x, y] = [ctx.input(0), ctx.output(0)];
      const wide = y.dataType === "int64";
      const kernel = KERNELS[x.dataType];
      if (!kernel || !(wide || y.dataType === "int32")) return false;
      const { axis, inner } = dimensions(ctx);
      const last = ctx.attributes.boolean("selectLast", false);
      ctx.emitSplit(kernel, y.size, [y.pointer, x.pointer, axis, inner, sign, Number(last), Number(wide)]);
    },
    host: (ctx: HostContext) => computeArg(ctx, sign),
  });

export const ARG_OPS: readonly OpDef[] = [defineArg("arg_max", 1), defineArg("arg_min", -1)];
