// Constant float32 weights of an operator, packed with their bias for a kernel.
import type { KernelArgument, LowerContext, Operand } from "./define.ts";
import { hashOf } from "./hash.ts";

/** Packs constant weights (with their bias) once a model. */
export function packedWeights(
  ctx: Pick<LowerContext, "input" | "inputs" | "weights">,
  key: string,
  floats: number,
  pack: (to: Float32Array, weights: Float32Array, bias: Float32Array | undefined) => void,
): KernelArgument {
  const [weight, bias] = [ctx.input(1), ctx.inputs[2]];
  const [weights, terms] = [weight.known as Float32Array, bias?.known as Float32Array | undefined];
  return ctx.weights(weight, terms ? `${key}:${hashOf(Float32Array.from(terms))}` : key, floats * 4, ({ f32 }) =>
    pack(f32, weights, terms),
  );
}

/** True where weights and bias are known before the run. */
export const isPackable = (ctx: LowerContext): boolean =>
  ctx.input(1).known !== undefined && (!ctx.inputs[2] || ctx.inputs[2].known !== undefined);

/** Pointer or null pointer of an optional operand. */
export const pointerOf = (operand: Operand | undefined): KernelArgument => operand?.pointer ?? 0;
