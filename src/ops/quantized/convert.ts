// Operators between float32 and int8, and from one quantization to another.
import { check } from "../../errors.ts";
import { isDataType, type TensorType } from "../../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "../define.ts";
import { realsOf, writeReals } from "../real.ts";
import { realOf, type Steps, stepOf, stepsOf } from "./steps.ts";
import { emitTable, requantizedHalfUp, tableOf } from "./unary.ts";

/** x as the real numbers that it stands for, written as those that y stands for. */
function convertReals(ctx: HostContext): void {
  writeReals(ctx.outputs[0]!, realsOf(ctx.input(0), ctx.inputQuants[0]), ctx.outputQuants[0]);
}

const quantize = defineOp({
  name: "quantize",
  infer(ctx: InferContext): TensorType[] {
    const dataType = ctx.attributes.string("dataType", "int8");
    check(isDataType(dataType), "unsupported", () => `data type ${dataType}`);
    return [{ dataType, shape: ctx.input(0).shape }];
  },
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    const to = stepsOf(y);
    if (x.dataType !== "float32" || !to) return false;
    ctx.emitSplit("qs8_from_f32", x.size, [y.pointer, x.pointer, to.scale, to.zero]);
  },
  host: convertReals,
});

const dequantize = defineOp({
  name: "dequantize",
  infer: (ctx: InferContext): TensorType[] => [{ dataType: "float32", shape: ctx.input(0).shape }],
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    const from = stepsOf(x);
    if (!from) return false;
    ctx.emitSplit("f32_from_qs8", x.size, [y.pointer, x.pointer, from.scale, from.zero]);
  },
  host: convertReals,
});

/** The step of y nearest to a step of x, by one float32 ratio. */
const requantizedHalfEven = (step: number, x: Steps, y: Steps): number =>
  stepOf(realOf(step, { scale: Math.fround(x.scale / y.scale), zero: x.zero }), { scale: 1, zero: y.zero });

const requantize = defineOp({
  name: "requantize",
  inPlace: [0],
  infer: (ctx: InferContext): TensorType[] => [ctx.input(0)],
  lower(ctx: LowerContext) {
    const [x, y] = [stepsOf(ctx.input(0)), stepsOf(ctx.output(0))];
    if (!x || !y) return false;
    const isHalfUp = ctx.attributes.string("rounding", "half_even") === "half_up";
    emitTable(
      ctx,
      tableOf((step) => (isHalfUp ? requantizedHalfUp : requantizedHalfEven)(step, x, y)),
    );
  },
  host: convertReals,
});

const recenter = defineOp({
  name: "recenter",
  inPlace: [0],
  infer(ctx: InferContext): TensorType[] {
    const dataType = ctx.attributes.string("dataType");
    check(dataType === "int8" || dataType === "uint8", "unsupported", () => `data type ${dataType}`);
    return [{ dataType, shape: ctx.input(0).shape }];
  },
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    ctx.emitSplit("x8_flip_sign", x.size, [y.pointer, x.pointer]);
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    for (let i = 0; i < y.data.length; i++) y.data[i] = ((x.data[i] as number) ^ 128) as never;
  },
});

export const CONVERT_OPS: readonly OpDef[] = [quantize, dequantize, requantize, recenter];
