// Local response normalization, which networks before batch normalization have.
import { sizeOf } from "../graph/types.ts";
import { type AttributeReader, defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { axisOf } from "./parameters.ts";
import { realsOf, writeReals } from "./real.ts";

interface Constants {
  readonly size: number;
  /** Neighbours before; those after are the rest. */
  readonly before: number;
  /** Per neighbour. */
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

function constantsOf(attributes: AttributeReader): Constants {
  const size = attributes.number("size");
  const alpha = attributes.number("alpha", 1e-4) / size;
  return { size, before: Math.floor((size - 1) / 2), alpha, beta: attributes.number("beta", 0.75), bias: attributes.number("bias", 1) };
}

/** y = x / (bias + alpha / size · Σ x² over `size` neighbours along an axis)^beta. */
const lrn = defineOp({
  name: "lrn",
  infer: (ctx: InferContext) => [{ dataType: ctx.input(0).dataType, shape: ctx.input(0).shape }],
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    const rank = x.shape.length;
    if (x.dataType !== "float32" || axisOf(ctx.attributes.number("axis", -1), rank) !== rank - 1) return false;
    const channels = x.shape[rank - 1]!;
    const { size, before, alpha, beta, bias } = constantsOf(ctx.attributes);
    if (x.size > 0)
      ctx.emitSplit("f32_lrn", x.size / channels, [y.pointer, x.pointer, channels, before, size - 1 - before, alpha, beta, bias]);
  },
  host(ctx: HostContext) {
    const { shape } = ctx.input(0);
    const x = realsOf(ctx.input(0), ctx.inputQuants[0]);
    const axis = axisOf(ctx.attributes.number("axis", -1), shape.length);
    const [count, inner] = [shape[axis]!, sizeOf(shape.slice(axis + 1))];
    const { size, before, alpha, beta, bias } = constantsOf(ctx.attributes);
    const y = Float64Array.from(x, (value, at) => {
      const index = Math.floor(at / inner) % count;
      let sum = 0;
      for (let i = Math.max(0, index - before); i < Math.min(count, index - before + size); i++) sum += x[at + (i - index) * inner]! ** 2;
      return value / (bias + alpha * sum) ** beta;
    });
    writeReals(ctx.outputs[0]!, y, ctx.outputQuants[0]);
  },
});

export const LRN_OPS: readonly OpDef[] = [lrn];
