// The fused attributes of layers, on real numbers: for layers that run in TypeScript.
import type { HostContext } from "./define.ts";
import { realsOf } from "./real.ts";
import { unaryFunction } from "./unary-functions.ts";

/** sums[…, channels] + bias (input 2) + residual (input 3), then `activation`, then `min` and `max`. */
export function finishReals(ctx: HostContext, sums: Float64Array, channels: number): Float64Array {
  const { attributes } = ctx;
  const reals = (index: number) => ctx.inputs[index] && realsOf(ctx.inputs[index], ctx.inputQuants[index]);
  const [bias, residual] = [reals(2), reals(3)];
  const activation = attributes.has("activation") ? unaryFunction(attributes.string("activation"), attributes).real : undefined;
  const [lo, hi] = [attributes.number("min", -Infinity), attributes.number("max", Infinity)];
  return sums.map((sum, i) => {
    const total = sum + (bias?.[i % channels] ?? 0) + (residual?.[i] ?? 0);
    const value = activation ? activation(total) : total;
    return value < lo ? lo : value > hi ? hi : value;
  });
}
