// What float32 layers do to their sums besides multiplying: the fused attributes as words for the kernels.
import { LanewiseError } from "../errors.ts";
import type { AttributeReader, LowerContext, Pointer } from "./define.ts";
import { epilogueWords, type Finish } from "./pack-f32.ts";
import { unaryFunction } from "./unary-functions.ts";

/** The fused attributes `activation` (with its own), `min` and `max`. */
export function finishOf(attributes: AttributeReader): Finish {
  const bounds = { lo: attributes.number("min", -Infinity), hi: attributes.number("max", Infinity) };
  if (!attributes.has("activation")) return bounds;
  const name = attributes.string("activation");
  const { code, p0, p1 } = unaryFunction(name, attributes);
  if (code === undefined) throw new LanewiseError("unsupported", `no kernel applies the activation "${name}"`);
  return { ...bounds, activation: code, p0, p1 };
}

/** A pointer to the epilogue that the fused attributes ask for. */
export const epilogueOf = (ctx: LowerContext): Pointer => ctx.table(epilogueWords(finishOf(ctx.attributes)));
