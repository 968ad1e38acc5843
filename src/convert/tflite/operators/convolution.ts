// Convolutions, dense layers and pools: weights are brought to OHWI, activations to fused attributes.
import { check } from "../../../errors.ts";
import type { Attributes, Value } from "../../../graph/types.ts";
import { elementsOf, like, type OperatorContext, type OperatorImports, shapeOf, unsupported, withOptions } from "../context.ts";
import { bool, byte, int } from "../flatbuffer.ts";
import { autoPad, checkPositive, emitActivated, fused } from "./fused.ts";
import { filtersFirst } from "./weights.ts";

/** x[N,H,W,C], weight[O,KH,KW,C/groups], bias?[O] */
const CONV_2D = withOptions(
  1,
  { padding: byte(0), strideW: int(1), strideH: int(2), activation: byte(3), dilationW: int(4, 1), dilationH: int(5, 1) },
  (ctx, { padding, strideW, strideH, activation, dilationW, dilationH }) => {
    const [x, weight] = [ctx.input(0), ctx.input(1)];
    const [channels, depth] = [shapeOf(x)[3], shapeOf(weight)[3]];
    const groups = channels && depth ? channels / depth : 1;
    check(Number.isInteger(groups), "shape", () => `${channels} input channels are no multiple of the weights' ${depth}`);
    const strides = stridesOf({ strideH, strideW, dilationH, dilationW });
    ctx.emit("conv2d", [x, weight, bias(ctx, 2)], { ...strides, autoPad: autoPad(padding), groups, ...fused(activation) });
  },
);

/** x[N,H,W,C], weight[1,KH,KW,O], bias?[O]; O is a multiple of C */
const DEPTHWISE_CONV_2D = withOptions(
  2,
  {
    padding: byte(0),
    strideW: int(1),
    strideH: int(2),
    multiplier: int(3),
    activation: byte(4),
    dilationW: int(5, 1),
    dilationH: int(6, 1),
  },
  (ctx, { padding, strideW, strideH, multiplier, activation, dilationW, dilationH }) => {
    const x = ctx.input(0);
    const outChannels = shapeOf(ctx.input(1))[3]!;
    const channels = shapeOf(x)[3] || outChannels / multiplier;
    check(outChannels % channels === 0, "shape", () => `${outChannels} output channels are no multiple of ${channels} input channels`);
    const weight = filtersFirst(ctx, ctx.input(1));
    const strides = stridesOf({ strideH, strideW, dilationH, dilationW });
    ctx.emit("conv2d", [x, weight, bias(ctx, 2)], { ...strides, autoPad: autoPad(padding), groups: channels, ...fused(activation) });
  },
);

/** outputShape[4], weight[O,KH,KW,C], x[N,H,W,C], bias?[O] */
const TRANSPOSE_CONV = withOptions(
  49,
  { padding: byte(0), strideW: int(1), strideH: int(2), activation: byte(3) },
  (ctx, { padding, strideW, strideH, activation }) => {
    const [weight, x] = [ctx.input(1), ctx.input(2)];
    const [, outHeight, outWidth] = elementsOf(ctx.input(0)) ?? shapeOf(ctx.output());
    transposeConv(ctx, { x, weight, bias: bias(ctx, 3) }, { padding, strideW, strideH, outHeight, outWidth }, fused(activation));
  },
);

interface TransposeConvShape {
  readonly padding: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly outHeight?: number | undefined;
  readonly outWidth?: number | undefined;
}

/** Emits a transposed convolution; without an output size it is that of the padding scheme. */
export function transposeConv(
  ctx: OperatorContext,
  { x, weight, bias }: { x: Value; weight: Value; bias: Value | null },
  { padding, strideH, strideW, outHeight, outWidth }: TransposeConvShape,
  activation: Attributes,
): void {
  checkPositive({ strideH, strideW });
  const [, height, width] = shapeOf(x);
  const [, kernelHeight, kernelWidth] = shapeOf(weight);
  const same = autoPad(padding) === "same_upper";
  const rows = cropOf({ size: height, kernel: kernelHeight, stride: strideH, out: outHeight, same });
  const columns = cropOf({ size: width, kernel: kernelWidth, stride: strideW, out: outWidth, same });
  ctx.emit("conv_transpose2d", [x, weight, bias], {
    strides: [strideH, strideW],
    padding: [rows.before, columns.before, rows.after, columns.after],
    outputPadding: [rows.extra, columns.extra],
    ...activation,
  });
}

/** What is cropped off both ends of one axis of the full result, or added at its end. Where no size is known, the scheme decides. */
function cropOf(axis: { size: number | undefined; kernel: number | undefined; stride: number; out: number | undefined; same: boolean }) {
  const { size, kernel, stride, same } = axis;
  if (!kernel) unsupported("a transposed convolution with weights of unknown shape is not supported");
  const out = axis.out;
  if (out === undefined || Number.isNaN(out) || size === undefined || Number.isNaN(size)) {
    const total = same ? Math.max(0, kernel - stride) : 0;
    return { before: total >> 1, after: total - (total >> 1), extra: Math.max(0, stride - kernel) };
  }
  const full = (size - 1) * stride + kernel;
  const forward = same ? Math.ceil(out / stride) : Math.ceil((out - kernel + 1) / stride);
  const before = Math.max(0, (forward - 1) * stride + kernel - out) >> 1;
  const rest = full - before - out;
  return { before, after: Math.max(0, rest), extra: Math.max(0, -rest) };
}

/** x, weight[O,K], bias?[O] */
const FULLY_CONNECTED = withOptions(
  8,
  { activation: byte(0), weightsFormat: byte(1), keepNumDims: bool(2) },
  (ctx, { activation, weightsFormat, keepNumDims }) => {
    if (weightsFormat !== 0) unsupported("shuffled weights are not supported");
    const [x, weight] = [ctx.input(0), ctx.input(1)];
    const [units, depth] = shapeOf(weight);
    check(shapeOf(weight).length === 2 && depth, "shape", () => `weights have shape [${shapeOf(weight)}], expected two dimensions`);
    const shape = shapeOf(x);
    const attributes = { transposeB: true, ...fused(activation) };
    const matrix = shape.at(-1) === depth && (shape.length === 2 || (keepNumDims && shape.length > 2));
    const rows = matrix ? x : ctx.make("reshape", [x], { shape: [-1, depth] }, like(x, [Number.NaN, depth]));
    if (matrix || !keepNumDims) return ctx.emit("matmul", [rows, weight, bias(ctx, 2)], attributes);
    const y = ctx.make("matmul", [rows, weight, bias(ctx, 2)], attributes, like(ctx.output(), [Number.NaN, units!]));
    ctx.emit("reshape", [y], { shape: [...shape.slice(0, -1).map((dim) => (Number.isNaN(dim) ? -1 : dim)), units!] });
  },
);

/** a[…,M,K], b[…,K,N] */
const BATCH_MATMUL = withOptions(101, { transposeA: bool(0), transposeB: bool(1) }, (ctx, options) =>
  ctx.emit("matmul", [ctx.input(0), ctx.input(1)], { ...options }),
);

const pool = (op: string, attributes: Attributes = {}) =>
  withOptions(
    5,
    { padding: byte(0), strideW: int(1), strideH: int(2), width: int(3), height: int(4), activation: byte(5) },
    (ctx, { padding, strideW, strideH, width, height, activation }) => {
      checkPositive({ strideH, strideW, width, height });
      const window = {
        kernel: [height, width],
        strides: [strideH, strideW],
        autoPad: autoPad(padding),
        ...attributes,
        ...roundingOf(op, ctx.input(0)),
      };
      if (op !== "l2_pool2d") return emitActivated(ctx, activation, { op, inputs: [ctx.input(0)], attributes: window, clamps: true });
      const squares = ctx.make("square", [ctx.input(0)], {}, like(ctx.input(0), shapeOf(ctx.input(0))));
      const means = ctx.make("average_pool2d", [squares], window, like(ctx.output(), shapeOf(ctx.output())));
      emitActivated(ctx, activation, { op: "sqrt", inputs: [means] });
    },
  );

/** The format's averages of steps are integer quotients: halves go away from zero, where there is no below zero up. */
function roundingOf(op: string, x: Value): Attributes {
  if (op !== "average_pool2d" || !x.quant) return {};
  return { rounding: x.type?.dataType === "uint8" ? "half_up" : "half_away" };
}

const bias = (ctx: OperatorContext, index: number): Value | null => ctx.inputs[index] ?? null;

function stridesOf(numbers: { strideH: number; strideW: number; dilationH: number; dilationW: number }): Attributes {
  checkPositive(numbers);
  return { strides: [numbers.strideH, numbers.strideW], dilations: [numbers.dilationH, numbers.dilationW] };
}

export const convolutions: OperatorImports = {
  CONV_2D,
  DEPTHWISE_CONV_2D,
  TRANSPOSE_CONV,
  FULLY_CONNECTED,
  BATCH_MATMUL,
  AVERAGE_POOL_2D: pool("average_pool2d", { countIncludePad: false }),
  MAX_POOL_2D: pool("max_pool2d"),
  L2_POOL_2D: pool("l2_pool2d"),
};
