// Constant float32 weights of an operator, packed with their bias for a kernel.
import type { KernelArgument, LowerContext, Operand } from "./define.ts";

/** A few bits of a bias, to tell packings of shared weights apart. */
function fingerprint(bias: ArrayLike<number> | undefined): string {
  if (!bias) return "";
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(Float32Array.from(bias).buffer)) hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
  return `:${hash}`;
}

/** Packs constant weights (with their bias) once a model. */
export function packedWeights(
  ctx: LowerContext,
  key: string,
  floats: number,
  pack: (to: Float32Array, weights: Float32Array, bias: Float32Array | undefined) => void,
): KernelArgument {
  const [weight, bias] = [ctx.input(1), ctx.inputs[2]];
  const [weights, terms] = [weight.known as Float32Array, bias?.known as Float32Array | undefined];
  return ctx.weights(weight, `${key}${fingerprint(terms)}`, floats * 4, ({ f32 }) => pack(f32, weights, terms));
}

/** True where weights and bias are known before the run. */
export const isPackable = (ctx: LowerContext): boolean =>
  ctx.input(1).known !== undefined && (!ctx.inputs[2] || ctx.inputs[2].known !== undefined);

/** Pointer or null pointer of an optional operand. */
export const pointerOf = (operand: Operand | undefined): KernelArgument => operand?.pointer ?? 0;
