// Quantized operands as kernels want them: one float32 scale and one zero point, and bounds in steps.
import type { Quantization } from "../../graph/types.ts";
import type { AttributeReader, Operand } from "../define.ts";
import { roundHalfEven } from "../real.ts";

/** Scale and zero point of a tensor. */
export interface Steps {
  readonly scale: number;
  readonly zero: number;
}

/** The steps of an int8 operand that is quantized as a whole; undefined for others. */
export function stepsOf(x: Operand | undefined): Steps | undefined {
  if (x?.dataType !== "int8" || x.quant?.scale.length !== 1) return undefined;
  return { scale: Math.fround(x.quant.scale[0]!), zero: x.quant.zeroPoint[0] ?? 0 };
}

/** A real number in steps, as the nearest int8. */
export function stepOf(value: number, { scale, zero }: Steps): number {
  return Math.min(Math.max(roundHalfEven(Math.fround(value / scale)) + zero, -128), 127);
}

/** The real number that a step stands for. */
export const realOf = (step: number, { scale, zero }: Steps): number => (step - zero) * scale;

/** The attributes `min` and `max` in steps of the result. */
export function boundsOf(attributes: AttributeReader, y: Steps): readonly [number, number] {
  return [stepOf(attributes.number("min", -Infinity), y), stepOf(attributes.number("max", Infinity), y)];
}

/** The scale of each output channel, in float32: x · weight / y. */
export function channelScales(x: Steps, weight: Quantization, y: Steps): Float32Array {
  return Float32Array.from(weight.scale, (scale) => Math.fround(Math.fround(x.scale * Math.fround(scale)) / y.scale));
}

/** A few bits that tell packings of shared weights apart. */
export function fingerprint(...lists: (ArrayLike<number> | undefined)[]): string {
  const words = lists.flatMap((list) => (list ? Array.from(new Uint32Array(Float64Array.from(list).buffer)) : [0]));
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
  return `${words.length}:${hash}`;
}
