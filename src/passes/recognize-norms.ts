// Normalizations that exporters write out: layer_norm and rms_norm.
import type { Node } from "../graph/types.ts";
import { floatsOf } from "./constants.ts";
import { any, either, type Match, named, op, type Pattern, product, rooted, scalar, squared, sum } from "./pattern.ts";
import { type Recognition, recognize } from "./recognize.ts";
import type { Rewriter } from "./rewrite.ts";

const x = any("x");

/** Means over the last axes, kept as ones: binds the first of them. */
function isOverLastAxes(node: Node, match: Match): boolean {
  const rank = match.graph.rank(node.inputs[0]!) ?? 0;
  const axes = ((node.attributes.axes as readonly number[] | undefined) ?? [])
    .map((axis) => (axis < 0 ? axis + rank : axis))
    .sort((a, b) => a - b);
  if (axes.length === 0 || node.attributes.keepDims === false || !axes.every((axis, i) => axis === rank - axes.length + i)) return false;
  const bound = match.numbers.get("axis") ?? axes[0]!;
  match.numbers.set("axis", bound);
  return bound === axes[0];
}

const meanOf = (value: Pattern): Pattern => op("reduce_mean", [value], (_, node, match) => isOverLastAxes(node, match));

/** A float constant over the axes that the mean is taken over. */
const lastAxes =
  (name: string): Pattern =>
  (match, value) => {
    const shape = match.graph.type(match.value("x"))?.shape.slice(match.number("axis"));
    if (!floatsOf(value) || String(value.type?.shape) !== String(shape)) return false;
    const bound = match.values.get(name) ?? value;
    match.values.set(name, bound);
    return bound === value;
  };

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

const mean = named("mean", meanOf(x));
const centred = named("centred", op("sub", [x, mean]));
const variance = meanOf(either(op("squared_difference", [x, mean]), squared(centred)));

/** As TensorFlow writes it: x · m + (bias − mean · m), with m = scale / √(variance + ε). */
const factor = named("factor", product(1, op("rsqrt", [sum("epsilon", variance)]), lastAxes("scale")));
const folded = sum(0, product(1, x, factor), op("sub", [lastAxes("bias"), product(1, mean, factor)]));

const attributes = (match: Match) => {
  const rank = match.graph.rank(match.value("x"))!;
  return { axis: match.number("axis") - rank, epsilon: match.number("epsilon") };
};

const NORMS: readonly Recognition[] = [
  { op: "layer_norm", formula: dividedByRoot(centred, variance), attributes },
  { op: "layer_norm", formula: folded, attributes, operands: (match) => [match.value("scale"), match.value("bias")] },
  { op: "rms_norm", formula: dividedByRoot(x, meanOf(squared(x))), attributes },
];

/** (x − mean) / √(variance + ε) → layer_norm; x / √(mean square + ε) → rms_norm. */
export const recognizeNorms = (graph: Rewriter): void => recognize(graph, NORMS);
