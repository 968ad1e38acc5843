// Activations that the format hides in the options of other operators.
import { check } from "../../../errors.ts";
import type { Attributes, Value } from "../../../graph/types.ts";
import { like, type OperatorContext, shapeOf, unsupported } from "../context.ts";

/** By the format's numbers: none, RELU, RELU_N1_TO_1, RELU6, TANH. */
const ACTIVATIONS: readonly Attributes[] = [{}, { min: 0 }, { min: -1, max: 1 }, { min: 0, max: 6 }, { activation: "tanh" }];

/** Attributes of an operator that takes a fused activation. Throws `unsupported`. */
export function fused(activation: number): Attributes {
  return ACTIVATIONS[activation] ?? unsupported(`fused activation ${activation} is not supported`);
}

/** Adds a node, and the activation as a node of its own where the operator cannot do more than clamp, or not even that. */
export function emitActivated(
  ctx: OperatorContext,
  activation: number,
  node: { op: string; inputs: (Value | null)[]; attributes?: Attributes; clamps?: boolean },
): void {
  const { activation: unary, ...bounds }: Attributes = fused(activation);
  const apart = unary !== undefined || (!node.clamps && bounds.min !== undefined);
  if (!apart) {
    ctx.emit(node.op, node.inputs, { ...node.attributes, ...bounds });
    return;
  }
  const y = ctx.output();
  const x = ctx.make(node.op, node.inputs, node.attributes ?? {}, like(y, shapeOf(y)));
  if (typeof unary === "string") ctx.emit(unary, [x]);
  else ctx.emit("clamp", [x], bounds);
}

/** Throws `shape` unless every number is whole and at least 1. */
export function checkPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers))
    check(Number.isInteger(value) && value >= 1, "shape", () => `${name} is ${value}, expected at least 1`);
}

/** The format's padding schemes. Throws `format`. */
export function autoPad(padding: number): "same_upper" | "valid" {
  check(padding === 0 || padding === 1, "format", () => `padding scheme ${padding} does not exist`);
  return padding === 0 ? "same_upper" : "valid";
}
