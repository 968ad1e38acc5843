// Recurrent layers over whole sequences: rnn, gru and lstm. The products with the input are one matrix product for all
// steps; then each step is a product with the state and one kernel for the gates.
//
//   x[steps, batch, width]   w[directions, gates · hidden, width]   r[directions, gates · hidden, hidden]
//   bias[directions, 2 · gates · hidden]   y[steps, directions, batch, hidden]
// Gates stand in ONNX's order: update, reset, candidate; input, output, forget, cell.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import type { AnyContext } from "./parameters.ts";
import { runRecurrent } from "./recurrent-host.ts";
import { lowerRecurrent } from "./recurrent-lower.ts";

export type RecurrentKind = "rnn" | "gru" | "lstm";

/** Sizes and attributes of a layer. */
export interface Recurrence {
  readonly steps: number;
  readonly batch: number;
  readonly width: number;
  readonly hidden: number;
  readonly gates: number;
  readonly directions: number;
  readonly direction: string;
  /** Activations in lower case, `functions` of them for each direction, with their parameters. */
  readonly functions: number;
  readonly activations: readonly string[];
  readonly alphas: readonly number[];
  readonly betas: readonly number[];
  /** Gates are clamped to ±clip; 0 where they are not. */
  readonly clip: number;
  /** The reset gate of a GRU scales the product with the state, rather than the state. */
  readonly resetAfter: boolean;
  readonly inputForget: boolean;
}

const GATES = { rnn: 1, gru: 3, lstm: 4 };
export const DEFAULT_ACTIVATIONS = { rnn: ["tanh"], gru: ["sigmoid", "tanh"], lstm: ["sigmoid", "tanh", "tanh"] };

/** Reads sizes and attributes. Throws `shape` where weights do not fit. */
export function recurrenceOf(kind: RecurrentKind, { attributes, inputs: [x, w, r] }: AnyContext): Recurrence {
  check(
    x?.shape.length === 3 && w?.shape.length === 3 && r?.shape.length === 3,
    "shape",
    () => "expected x, weights and recurrent weights of three axes",
  );
  const [steps, batch, width] = x.shape as [number, number, number];
  const [directions, rows, columns] = w.shape as [number, number, number];
  const hidden = r.shape[2]!;
  const gates = GATES[kind];
  const direction = attributes.string("direction", "forward");
  const fits = rows === gates * hidden && !(columns !== width && width >= 0) && directions === (direction === "bidirectional" ? 2 : 1);
  check(fits, "shape", () => `weights [${w.shape}] do not fit ${gates} gates of ${hidden} units, ${direction}, on ${width} inputs`);
  const defaults = DEFAULT_ACTIVATIONS[kind];
  const activations = attributes.has("activations")
    ? attributes.string("activations").toLowerCase().split(",")
    : Array(directions).fill(defaults).flat();
  return {
    steps,
    batch,
    width,
    hidden,
    gates,
    directions,
    direction,
    functions: defaults.length,
    activations,
    alphas: attributes.numbers("activationAlphas", []),
    betas: attributes.numbers("activationBetas", []),
    clip: attributes.number("clip", 0),
    resetAfter: attributes.boolean("linearBeforeReset", false),
    inputForget: attributes.boolean("inputForget", false),
  };
}

const defineRecurrent = (kind: RecurrentKind) =>
  defineOp({
    name: kind,
    infer(ctx: InferContext): TensorType[] {
      const { steps, directions, batch, hidden } = recurrenceOf(kind, ctx);
      const { dataType } = ctx.input(0);
      const state = { dataType, shape: [directions, batch, hidden] };
      return [{ dataType, shape: [steps, directions, batch, hidden] }, state, ...(kind === "lstm" ? [state] : [])];
    },
    lower: (ctx: LowerContext) => lowerRecurrent(kind, ctx),
    host: (ctx: HostContext) => runRecurrent(kind, ctx),
  });

export const rnn = defineRecurrent("rnn");
export const gru = defineRecurrent("gru");
export const lstm = defineRecurrent("lstm");

export const RECURRENT_OPS: readonly OpDef[] = [rnn, gru, lstm];
