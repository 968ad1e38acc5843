// Reductions along axes, and the normalizations that are made of them.
import { check } from "../../../errors.ts";
import type { Attributes, Value } from "../../../graph/types.ts";
import { dataTypeOf, elementsOf, like, type OperatorContext, type OperatorImports, shapeOf, withOptions } from "../context.ts";
import { bool, byte, float, int } from "../flatbuffer.ts";

/** x, axes */
const reduction = (op: string) =>
  withOptions(27, { keepDims: bool(0) }, (ctx, { keepDims }) => {
    const axes = elementsOf(ctx.input(1));
    if (!axes) return ctx.emit(op, [ctx.input(0), ctx.input(1)], { keepDims, noopWithEmptyAxes: true });
    ctx.emit(op, [ctx.input(0)], { axes: [...new Set(axes)], keepDims, ...(axes.length === 0 && { noopWithEmptyAxes: true }) });
  });

/** x, axis */
const argument = (op: string, kind: number) =>
  withOptions(kind, { outputType: byte(0) }, (ctx) => {
    const [axis] = ctx.known(1, "the axis");
    check(axis !== undefined, "shape", () => "the axis is empty");
    ctx.emit(op, [ctx.input(0)], { axis, keepDims: false, dataType: dataTypeOf(ctx.output()) });
  });

/** x, k; outputs: values, indices */
const TOPK_V2 = (ctx: OperatorContext) => {
  const k = elementsOf(ctx.input(1))?.[0];
  const attributes = { axis: -1, indexType: ctx.outputs[1] ? dataTypeOf(ctx.outputs[1]) : "int32" };
  if (k === undefined) return ctx.emit("top_k", [ctx.input(0), ctx.input(1)], attributes);
  ctx.emit("top_k", [ctx.input(0)], { ...attributes, k });
};

const CUMSUM = withOptions(102, { exclusive: bool(0), reverse: bool(1) }, (ctx, options) => {
  const axis = elementsOf(ctx.input(1))?.[0];
  if (axis === undefined) return ctx.emit("cumsum", [ctx.input(0), ctx.input(1)], options);
  ctx.emit("cumsum", [ctx.input(0)], { ...options, axis });
});

/** The smallest length that a vector is divided by. */
const L2_EPSILON = 1e-6;

/** x / max(|x|, epsilon) along the last axis; quantized tensors are normalized as floats. */
const L2_NORMALIZATION = (ctx: OperatorContext) => {
  const [x, y] = [ctx.input(0), ctx.output()];
  const shape = shapeOf(x);
  const floats = { dataType: "float32" as const, shape };
  const vectors = x.quant ? ctx.make("dequantize", [x], {}, floats) : x;
  const lengths = ctx.make("reduce_l2", [vectors], { axes: [-1], keepDims: true }, { ...floats, shape: [...shape.slice(0, -1), 1] });
  const bounded = ctx.make("clamp", [lengths], { min: L2_EPSILON }, like(lengths, shapeOf(lengths)));
  if (!y.quant) return ctx.emit("div", [vectors, bounded]);
  const normalized: Value = ctx.make("div", [vectors, bounded], {}, floats);
  ctx.emit("quantize", [normalized], { dataType: dataTypeOf(y) });
};

/** The format's alpha is per element of the window, the graph's for all of it. */
const LOCAL_RESPONSE_NORMALIZATION = withOptions(
  13,
  { radius: int(0), bias: float(1), alpha: float(2), beta: float(3) },
  (ctx, { radius, bias, alpha, beta }) => {
    check(radius >= 0, "shape", () => `the radius is ${radius}`);
    const size = 2 * radius + 1;
    ctx.emit("lrn", [ctx.input(0)], { size, bias, alpha: alpha * size, beta, axis: -1 });
  },
);

const alongLastAxis = (op: string, attributes: Attributes) => (ctx: OperatorContext) =>
  ctx.emit(op, [ctx.input(0)], { axis: -1, ...attributes });

export const reductions: OperatorImports = {
  MEAN: reduction("reduce_mean"),
  SUM: reduction("reduce_sum"),
  REDUCE_MAX: reduction("reduce_max"),
  REDUCE_MIN: reduction("reduce_min"),
  REDUCE_PROD: reduction("reduce_prod"),
  REDUCE_ANY: reduction("reduce_any"),
  REDUCE_ALL: reduction("reduce_all"),
  ARG_MAX: argument("arg_max", 40),
  ARG_MIN: argument("arg_min", 57),
  TOPK_V2,
  CUMSUM,
  SOFTMAX: withOptions(9, { beta: float(0) }, (ctx, { beta }) => ctx.emit("softmax", [ctx.input(0)], { axis: -1, beta })),
  LOG_SOFTMAX: alongLastAxis("log_softmax", {}),
  L2_NORMALIZATION,
  LOCAL_RESPONSE_NORMALIZATION,
};
