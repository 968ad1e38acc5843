// Parameters that a model gives as an attribute, or as an input whose elements may be known: axes, shapes, pads.
// Operators read them in the same words while inferring, lowering and running in TypeScript.
import { check } from "../errors.ts";
import type { TensorType, TypedArray } from "../graph/types.ts";
import type { AttributeReader } from "./define.ts";

/** An input whose elements may be at hand, as a host tensor has them or as an operand of a plan does. */
interface ParameterInput extends TensorType {
  readonly data?: TypedArray;
  readonly known?: TypedArray | undefined;
}

/** What inferring, lowering, running in TypeScript and the view rule have in common. */
export interface AnyContext {
  readonly attributes: AttributeReader;
  readonly inputs: readonly (ParameterInput | undefined)[];
  /** While inferring: elements that the plan knows. */
  known?(index: number): readonly number[] | undefined;
}

/** Elements of input `index` as numbers; undefined when it is absent or not known yet. */
export function elementsOf(ctx: AnyContext, index: number): readonly number[] | undefined {
  if (ctx.known) return ctx.known(index);
  const input = ctx.inputs[index];
  const elements = input && (input.data ?? input.known);
  return elements ? Array.from(elements as ArrayLike<number | bigint>, Number) : undefined;
}

/** The attribute `name`, or else the elements of input `index`; undefined when it is neither given nor known. */
export function listParameter(ctx: AnyContext, name: string, index: number): readonly number[] | undefined {
  return ctx.attributes.has(name) ? ctx.attributes.numbers(name) : elementsOf(ctx, index);
}

/** One number, as `listParameter`. */
export function numberParameter(ctx: AnyContext, name: string, index: number): number | undefined {
  return ctx.attributes.has(name) ? ctx.attributes.number(name) : elementsOf(ctx, index)?.[0];
}

/** True where a parameter is given as an input whose elements only a run will tell. */
export function isPending(ctx: AnyContext, name: string, index: number): boolean {
  return !ctx.attributes.has(name) && ctx.inputs[index] !== undefined && elementsOf(ctx, index) === undefined;
}

/** An axis counted from the front. Throws `shape` when the tensor has no such axis. */
export function axisOf(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  check(Number.isInteger(axis) && positive >= 0 && positive < rank, "shape", () => `axis ${axis} is not one of the ${rank} axes`);
  return positive;
}

/** Axes counted from the front, each at most once. Throws `shape`. */
export function axesOf(axes: readonly number[], rank: number): readonly number[] {
  const positive = axes.map((axis) => axisOf(axis, rank));
  check(new Set(positive).size === positive.length, "shape", () => `axes [${axes}] name an axis twice`);
  return positive;
}
