// Parameters that a model computes (shapes, pads, axes, scales) become attributes once they are known.
import type { Attribute, Node, Value } from "../graph/types.ts";
import type { Rewriter } from "./rewrite.ts";

/** The attribute that each input after the first stands for; "" where it has no attribute. `one` marks single numbers. */
const PARAMETERS: { readonly [op: string]: readonly string[] } = {
  reshape: ["shape"],
  squeeze: ["axes"],
  unsqueeze: ["axes"],
  pad: ["pads", "value:one", ""],
  split: ["sizes"],
  slice: ["starts", "ends", "axes", "steps"],
  strided_slice: ["begin", "end", "strides"],
  resize: ["roi", "scales", "sizes"],
  tile: ["repeats"],
  expand: ["shape"],
  top_k: ["k:one"],
  cumsum: ["axis:one"],
  trilu: ["k:one"],
  reduce_sum: ["axes"],
  reduce_mean: ["axes"],
  reduce_max: ["axes"],
  reduce_min: ["axes"],
  reduce_prod: ["axes"],
  reduce_l1: ["axes"],
  reduce_l2: ["axes"],
  reduce_log_sum: ["axes"],
  reduce_log_sum_exp: ["axes"],
  reduce_sum_square: ["axes"],
  reduce_any: ["axes"],
  reduce_all: ["axes"],
};

/** reshape(x, #shape) → reshape(x) {shape}, and so on. */
export function absorbParameters(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const names = Object.hasOwn(PARAMETERS, node.op) && PARAMETERS[node.op];
    if (!names || node.inputs.length < 2) continue;
    const attributes: { [name: string]: Attribute | undefined } = { ...node.attributes };
    const inputs = node.inputs.map((value, i) => (i > 0 && absorb(graph, attributes, names[i - 1], value) ? null : value));
    if (inputs.every((value, i) => value === node.inputs[i])) continue;
    graph.update(node, { inputs: inputs.slice(0, lastGiven(inputs) + 1), attributes });
    padAllAxes(graph, node);
  }
}

const lastGiven = (inputs: readonly (Value | null)[]): number => inputs.findLastIndex((value) => value !== null);

function absorb(
  graph: Rewriter,
  attributes: { [name: string]: Attribute | undefined },
  parameter: string | undefined,
  value: Value | null,
): boolean {
  if (!value || !parameter || !graph.isKnown(value)) return false;
  const [name, kind] = parameter.split(":");
  const elements = Array.from(graph.known(value)!.data as ArrayLike<number | bigint>, Number);
  attributes[name!] = kind === "one" ? elements[0] : elements;
  return true;
}

/** Pads for some axes (input 3) become pads for all of them. */
function padAllAxes(graph: Rewriter, node: Node): void {
  const [axes, rank] = [node.inputs[3], graph.rank(node.inputs[0]!)];
  const pads = node.attributes.pads as readonly number[] | undefined;
  if (node.op !== "pad" || !axes || rank === undefined || !pads || !graph.isKnown(axes)) return;
  const all = new Array<number>(2 * rank).fill(0);
  const padded = Array.from(graph.known(axes)!.data as ArrayLike<number | bigint>, Number);
  for (const [i, axis] of padded.entries()) {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = pads[i]!;
    all[at + rank] = pads[i + padded.length]!;
  }
  graph.update(node, {
    inputs: node.inputs.slice(0, lastGiven(node.inputs.slice(0, 3)) + 1),
    attributes: { ...node.attributes, pads: all },
  });
}
