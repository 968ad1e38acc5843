// RNN, GRU and LSTM. The graph's operators take ONNX's inputs in ONNX's order, steps first.
import type { Value } from "../../../graph/types.ts";
import { flag, float, floats, int, text, texts } from "../attributes.ts";
import { type ImportTable, type NodeContext, type NodeImport, operator } from "../node-context.ts";

const SCHEMA = {
  direction: text("forward"),
  activations: texts(),
  activation_alpha: floats([]),
  activation_beta: floats([]),
  clip: float(0),
  linear_before_reset: flag(false),
  input_forget: flag(false),
  layout: int(0),
};

/** Activations that take parameters, with the defaults of alpha and beta. */
const PARAMETERS: { readonly [name: string]: readonly [alpha: number, beta?: number] } = {
  affine: [1, 0],
  leakyrelu: [0.01],
  thresholdedrelu: [1],
  scaledtanh: [1, 1],
  hardsigmoid: [0.2, 0.5],
  elu: [1],
};

/** One number for each activation: ONNX lists them only for those that take one. */
function parameters(names: readonly string[], given: readonly number[], which: 0 | 1): number[] {
  const rest = given.values();
  return names.map((name) => {
    const fallback = PARAMETERS[name]?.[which];
    return fallback === undefined ? 0 : (rest.next().value ?? fallback);
  });
}

function attributesOf(activations: readonly string[] | undefined, alphas: readonly number[], betas: readonly number[]) {
  const names = activations?.map((name) => name.toLowerCase());
  return (
    names && { activations: names.join(","), activationAlphas: parameters(names, alphas, 0), activationBetas: parameters(names, betas, 1) }
  );
}

/** Where `layout` is 1, the batch comes first in sequences and states. */
const batchSecond = (node: NodeContext, index: number): Value | null => {
  const value = node.optional(index);
  return value && node.emit("transpose", [value], { perm: [1, 0, 2] });
};

const recurrent = (kind: "rnn" | "gru" | "lstm"): NodeImport =>
  operator(
    SCHEMA,
    (node, { direction, activations, activation_alpha, activation_beta, clip, linear_before_reset, input_forget, layout }) => {
      const inputs = Array.from({ length: kind === "lstm" ? 8 : 6 }, (_, i) =>
        layout === 1 && (i === 0 || i === 5 || i === 6) ? batchSecond(node, i) : node.optional(i),
      );
      const attributes = {
        direction,
        clip,
        ...attributesOf(activations, activation_alpha, activation_beta),
        ...(kind === "gru" && { linearBeforeReset: linear_before_reset }),
        ...(kind === "lstm" && { inputForget: input_forget }),
      };
      const outputs = node.emitAll(kind, inputs, attributes, kind === "lstm" ? 3 : 2);
      if (layout === 0) return outputs;
      return outputs.map((value, i) => node.emit("transpose", [value], { perm: i === 0 ? [2, 0, 1, 3] : [1, 0, 2] }));
    },
  );

export const RECURRENT: ImportTable = { GRU: recurrent("gru"), LSTM: recurrent("lstm"), RNN: recurrent("rnn") };
