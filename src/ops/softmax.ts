// Softmax along one axis, and its logarithm.
import { sizeOf } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { axisOf } from "./parameters.ts";
import { realsOf, writeReals } from "./real.ts";

/** The input as [outer, axis, inner]. */
function dimensions(ctx: LowerContext | HostContext): { outer: number; axis: number; inner: number } {
  const { shape } = ctx.input(0);
  const axis = axisOf(ctx.attributes.number("axis", -1), shape.length);
  return { outer: sizeOf(shape.slice(0, axis)), axis: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

function lowerSoftmax(ctx: LowerContext, log: boolean): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const beta = ctx.attributes.number("beta", 1);
  if (!(beta > 0)) return false;
  const { outer, axis, inner } = dimensions(ctx);
  if (x.dataType !== "float32") return (!log && inner === 1 && ctx.quantized?.softmax(ctx, outer, axis, beta)) || false;
  if (x.size === 0) return true;
  if (inner === 1) ctx.emitSplit("f32_softmax", outer, [y.pointer, x.pointer, axis, beta, Number(log)]);
  else ctx.emitSplit("f32_softmax_columns", outer * Math.ceil(inner / 4), [y.pointer, x.pointer, axis, inner, beta, Number(log)]);
  return true;
}

function computeSoftmax(ctx: HostContext, log: boolean): void {
  const beta = ctx.attributes.number("beta", 1);
  const { outer, axis, inner } = dimensions(ctx);
  const x = realsOf(ctx.input(0), ctx.inputQuants[0]);
  const y = new Float64Array(x.length);
  for (let lane = 0; lane < outer * inner; lane++) {
    const from = Math.floor(lane / inner) * axis * inner + (lane % inner);
    const scaled = Array.from({ length: axis }, (_, k) => x[from + k * inner]! * beta);
    const top = scaled.reduce((best, value) => Math.max(best, value), -Infinity);
    const sum = scaled.reduce((total, value) => total + Math.exp(value - top), 0);
    for (const [k, value] of scaled.entries()) y[from + k * inner] = log ? value - top - Math.log(sum) : Math.exp(value - top) / sum;
  }
  writeReals(ctx.outputs[0]!, y, ctx.outputQuants[0]);
}

const defineSoftmax = (name: string, log: boolean) =>
  defineOp({
    name,
    inPlace: [0],
    infer: (ctx: InferContext) => [{ dataType: ctx.input(0).dataType, shape: ctx.input(0).shape }],
    lower: (ctx: LowerContext) => lowerSoftmax(ctx, log),
    host: (ctx: HostContext) => computeSoftmax(ctx, log),
  });

export const SOFTMAX_OPS: readonly OpDef[] = [defineSoftmax("softmax", false), defineSoftmax("log_softmax", true)];
