// Normalizations that exporters write out: layer_norm and rms_norm.
import type { Node } from "../graph/types.ts";
import { any, either, type Match, named, op, type Pattern, product, rooted, scalar, squared, sum } from "./pattern.ts";
import { type Recognition, recognize } from "./recognize.ts";
import type { Rewriter } from "./rewrite.ts";

const x = any("x");

/** Means over the last axes, kept as ones: binds the first of them. */
function isOverLastAxes(node: Node, match: Match): boolean {
  const rank = match.graph.rank(node.inputs[0]!) ?? 0;
  const axes = ((node.attributes["axes"] as readonly number[] | undefined) ?? [])
    .map((axis) => (axis < 0 ? axis + rank : axis))
    .sort((a, b) => a - b);
  if (axes.length === 0 || node.attributes["keepDims"] === false || !axes.every((axis, i) => axis === rank - axes.length + i)) return false;
  const bound = match.numbers.get("axis") ?? axes[0]!;
  match.numbers.set("axis", bound);
  return bound === axes[0];
}

const meanOf = (value: Pattern): Pattern => op("reduce_mean", [value], (_, node, match) => isOverLastAxes(node, match));

/** value / √(variance + epsilon). */
const dividedByRoot = (value: Pattern, variance: Pattern): Pattern => {
  const spread = sum("epsilon", variance);
  const inverse = either(
    op("rsqrt", [spread]),
    op("reciprocal", [rooted(spread)]),
    op("div", [scalar(1), rooted(spread)]),
    op("pow", [spread, scalar(-0.5)]),
  );
  return either(op("div", [value, rooted(spread)]), product(1, value, inverse));
};

const centred = named("centred", op("sub", [x, meanOf(x)]));

const attributes = (match: Match) => {
  const rank = match.graph.rank(match.value("x"))!;
  return { axis: match.number("axis") - rank, epsilon: match.number("epsilon") };
};

export const NORMS: readonly Recognition[] = [
  { op: "layer_norm", formula: dividedByRoot(centred, meanOf(squared(centred))), attributes },
  { op: "rms_norm", formula: dividedByRoot(x, meanOf(squared(x))), attributes },
];

/** (x − mean) / √(variance + ε) → layer_norm; x / √(mean square + ε) → rms_norm. */
export const recognizeNorms = (graph: Rewriter): void => recognize(graph, NORMS);
