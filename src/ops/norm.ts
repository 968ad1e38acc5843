// Normalizations: over the last axes (layer norm, RMS norm), and over groups of channels (group norm, instance norm).
import { check } from "../errors.ts";
import { sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Operand, type Pointer } from "./define.ts";
import { axisOf } from "./parameters.ts";
import { realsOf, writeReals } from "./real.ts";

const EPSILON = 1e-5;

const isFloat32 = (...operands: readonly (Operand | undefined)[]): boolean =>
  operands.every((operand) => !operand || operand.dataType === "float32");

/** The elements of a scale or bias, or a row of what they are without it. */
const rowOr = (ctx: LowerContext, operand: Operand | undefined, cols: number, value: number): Pointer =>
  operand ? operand.pointer : ctx.table(new Float32Array(cols).fill(value));

/** Elements of one normalized row. */
const rowSize = (ctx: LowerContext | HostContext | InferContext): number => {
  const { shape } = ctx.input(0);
  return sizeOf(shape.slice(axisOf(ctx.attributes.number("axis", -1), shape.length)));
};

/** Layer norm may also give the means and the inverse deviations, one a row. */
function inferRows(ctx: InferContext): TensorType[] {
  const { dataType, shape } = ctx.input(0);
  const axis = axisOf(ctx.attributes.number("axis", -1), shape.length);
  const moments: TensorType = { dataType: "float32", shape: shape.map((dim, i) => (i < axis ? dim : 1)) };
  return [{ dataType, shape }, moments, moments];
}

function lowerRows(ctx: LowerContext, centred: boolean): boolean {
  const [x, scale, bias] = [ctx.input(0), ctx.inputs[1], ctx.inputs[2]];
  const cols = rowSize(ctx);
  const fits = [scale, bias].every((operand) => !operand || operand.size === cols);
  if (!isFloat32(x, scale, bias) || !fits || ctx.outputs[1] || ctx.outputs[2]) return false;
  if (x.size === 0) return true;
  const epsilon = ctx.attributes.number("epsilon", EPSILON);
  const rows = [rowOr(ctx, scale, cols, 1), rowOr(ctx, bias, cols, 0)] as const;
  ctx.emitSplit("f32_layer_norm", x.size / cols, [ctx.output(0).pointer, x.pointer, ...rows, cols, epsilon, Number(centred)]);
  return true;
}

/** Mean and 1 / √(variance + epsilon) of the elements at `positions`. */
function momentsOf(x: ArrayLike<number>, positions: readonly number[], epsilon: number, centred: boolean): readonly [number, number] {
  const mean = centred ? positions.reduce((sum, at) => sum + x[at]!, 0) / positions.length : 0;
  const variance = positions.reduce((sum, at) => sum + (x[at]! - mean) ** 2, 0) / positions.length;
  return [mean, 1 / Math.sqrt(variance + epsilon)];
}

const optionalReals = (ctx: HostContext, index: number): ArrayLike<number> | undefined => {
  const input = ctx.inputs[index];
  return input && realsOf(input, ctx.inputQuants[index]);
};

function computeRows(ctx: HostContext, centred: boolean): void {
  const x = realsOf(ctx.input(0), ctx.inputQuants[0]);
  const [scale, bias] = [optionalReals(ctx, 1), optionalReals(ctx, 2)];
  const cols = rowSize(ctx);
  const epsilon = ctx.attributes.number("epsilon", EPSILON);
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += cols) {
    const positions = Array.from({ length: cols }, (_, i) => row + i);
    const [mean, factor] = momentsOf(x, positions, epsilon, centred);
    // A shorter scale or bias repeats over the leading normalized axes.
    for (const [i, at] of positions.entries())
      y[at] = (x[at]! - mean) * factor * (scale ? scale[i % scale.length]! : 1) + (bias ? bias[i % bias.length]! : 0);
    if (ctx.outputs[1]) ctx.outputs[1].data[row / cols] = mean as never;
    if (ctx.outputs[2]) ctx.outputs[2].data[row / cols] = factor as never;
  }
  writeReals(ctx.outputs[0]!, y, ctx.outputQuants[0]);
}

const defineRowNorm = (name: string, centred: boolean) =>
  defineOp({
    name,
    inPlace: [0],
    infer: inferRows,
    lower: (ctx: LowerContext) => lowerRows(ctx, centred),
    host: (ctx: HostContext) => computeRows(ctx, centred),
  });

/** [samples, spatial, channels] with the size of a group. */
function channelDimensions(ctx: LowerContext | HostContext): { samples: number; spatial: number; channels: number; size: number } {
  const { shape } = ctx.input(0);
  const [samples, channels] = [shape[0]!, shape.at(-1)!];
  const groups = ctx.attributes.number("groups", 1);
  check(channels % groups === 0, "shape", () => `${channels} channels do not divide into ${groups} groups`);
  return { samples, spatial: sizeOf(shape.slice(1, -1)), channels, size: channels / groups };
}

const groupNorm = defineOp({
  name: "group_norm",
  inPlace: [0],
  infer: (ctx: InferContext) => [{ dataType: ctx.input(0).dataType, shape: ctx.input(0).shape }],
  lower(ctx: LowerContext) {
    const [x, scale, bias, y] = [ctx.input(0), ctx.inputs[1], ctx.inputs[2], ctx.output(0)];
    const { samples, spatial, channels, size } = channelDimensions(ctx);
    const fits = [scale, bias].every((operand) => !operand || operand.size === channels);
    if (!isFloat32(x, scale, bias) || !fits) return false;
    if (x.size === 0) return;
    const moments = ctx.scratch(samples * channels * 8);
    ctx.emitSplit("f32_channel_moments", samples * Math.ceil(channels / 16), [moments, x.pointer, spatial, channels]);
    ctx.emit("f32_group_factors", [
      moments,
      rowOr(ctx, scale, channels, 1),
      samples,
      channels,
      size,
      ctx.attributes.number("epsilon", EPSILON),
    ]);
    ctx.emitSplit("f32_normalize_channels", samples * spatial, [
      y.pointer,
      x.pointer,
      moments,
      rowOr(ctx, bias, channels, 0),
      spatial,
      channels,
    ]);
  },
  host(ctx: HostContext) {
    const x = realsOf(ctx.input(0), ctx.inputQuants[0]);
    const [scale, bias] = [optionalReals(ctx, 1), optionalReals(ctx, 2)];
    const { samples, spatial, channels, size } = channelDimensions(ctx);
    const epsilon = ctx.attributes.number("epsilon", EPSILON);
    const y = new Float64Array(x.length);
    for (let group = 0; group < (samples * channels) / size; group++) {
      const first = Math.floor((group * size) / channels) * spatial * channels + ((group * size) % channels);
      const positions = Array.from({ length: spatial * size }, (_, i) => first + Math.floor(i / size) * channels + (i % size));
      const [mean, factor] = momentsOf(x, positions, epsilon, true);
      for (const at of positions) y[at] = (x[at]! - mean) * factor * (scale?.[at % channels] ?? 1) + (bias?.[at % channels] ?? 0);
    }
    writeReals(ctx.outputs[0]!, y, ctx.outputQuants[0]);
  },
});

export const NORM_OPS: readonly OpDef[] = [defineRowNorm("layer_norm", true), defineRowNorm("rms_norm", false), groupNorm];
