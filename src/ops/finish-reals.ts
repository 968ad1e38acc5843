// The fused attributes of layers, on real numbers: for layers that run in TypeScript.
import type { Quantization } from "../graph/types.ts";
import type { HostContext } from "./define.ts";
import { realsOf } from "./real.ts";
import { unaryFunction } from "./unary-functions.ts";

/** An integer bias counts in the steps of the products that it is added to. */
function biasQuant({ inputQuants: [x, weight, own] }: HostContext): Quantization | undefined {
  if (own || !x || !weight) return own;
  const scale = weight.scale.map((step) => step * x.scale[0]!);
  return { scale, zeroPoint: scale.map(() => 0), axis: 0 };
}

/** sums[…, channels] + bias (input 2) + residual (input 3), then `activation`, then `min` and `max`. */
export function finishReals(ctx: HostContext, sums: Float64Array, channels: number): Float64Array {
  const { attributes } = ctx;
  const bias = ctx.inputs[2] && realsOf(ctx.inputs[2], biasQuant(ctx));
  const residual = ctx.inputs[3] && realsOf(ctx.inputs[3], ctx.inputQuants[3]);
  const activation = attributes.has("activation") ? unaryFunction(attributes.string("activation"), attributes).real : undefined;
  const [lo, hi] = [attributes.number("min", -Infinity), attributes.number("max", Infinity)];
  return sums.map((sum, i) => {
    const total = sum + (bias?.[i % channels] ?? 0) + (residual?.[i] ?? 0);
    const value = activation ? activation(total) : total;
    return value < lo ? lo : value > hi ? hi : value;
  });
}
