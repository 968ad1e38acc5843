// Normalizations that exporters write out: layer_norm and rms_norm.
import { type Node, sizeOf, type Value } from "../graph/types.ts";
import { floatsOf, isConstant, reshapeConstant } from "./constants.ts";
import { any, clamped, either, type Match, named, op, type Pattern, product, rooted, scalar, squared, sum } from "./pattern.ts";
import { type Recognition, recognize } from "./recognize.ts";
import type { Rewriter } from "./rewrite.ts";

const x = any("x");

/** Whether reduced axes stay, as ones, or go and come back by a reshape. */
type Form = "kept" | "dropped";

/** Over the last axes: binds the first of them. */
function isOverLastAxes(node: Node, match: Match, form: Form): boolean {
  const rank = match.graph.rank(node.inputs[0]!) ?? 0;
  const axes = ((node.attributes.axes as readonly number[] | undefined) ?? [])
    .map((axis) => (axis < 0 ? axis + rank : axis))
    .sort((a, b) => a - b);
  const isKept = node.attributes.keepDims !== false;
  if (axes.length === 0 || isKept !== (form === "kept") || !axes.every((axis, i) => axis === rank - axes.length + i)) return false;
  const bound = match.numbers.get("axis") ?? axes[0]!;
  match.numbers.set("axis", bound);
  return bound === axes[0];
}

/** The mean, also as the sum over the number of elements. */
const meanOf = (value: Pattern, form: Form = "kept"): Pattern =>
  either(
    op("reduce_mean", [value], (_, node, match) => isOverLastAxes(node, match, form)),
    product(
      "perElement",
      op("reduce_sum", [value], (_, node, match) => isOverLastAxes(node, match, form)),
    ),
  );

/** One over the number of normalized elements, where the means are sums times that. */
function averages(match: Match): boolean {
  const shape = match.graph.type(match.value("x"))?.shape.slice(match.number("axis")) ?? [];
  const perElement = match.numbers.get("perElement");
  return perElement === undefined || Math.abs(perElement * sizeOf(shape) - 1) < 1e-6;
}

/** What was reduced, with its axes back as ones. */
const spread = (value: Pattern, form: Form): Pattern => {
  if (form === "kept") return value;
  const reshaped = op("reshape", [value]);
  return (match, whole) => {
    if (!reshaped(match, whole)) return false;
    const [own, x] = [whole, match.value("x")].map((one) => match.graph.probedShape(one));
    return String(own) === String(x?.map((dim, i) => (i < match.number("axis") ? dim : 1)));
  };
};

/** The shape of the normalized axes. */
const normalizedShape = (match: Match): readonly number[] | undefined =>
  match.graph.type(match.value("x"))?.shape.slice(match.number("axis"));

/** A float constant over the axes that the mean is taken over. */
const lastAxes =
  (name: string): Pattern =>
  (match, value) => {
    const own = value.type?.shape ?? [];
    const shape = match.values.has("x") && match.numbers.has("axis") ? normalizedShape(match) : undefined;
    const extra = own.length - (shape?.length ?? 0);
    if (!shape || !floatsOf(value) || own.slice(0, extra).some((dim) => dim !== 1) || String(own.slice(extra)) !== String(shape))
      return false;
    const bound = match.values.get(name) ?? value;
    match.values.set(name, bound);
    return bound === value;
  };

/** A constant that `lastAxes` found, in the shape of the normalized axes. */
function parameter(match: Match, name: string): Value {
  const value = match.value(name);
  return isConstant(value) ? reshapeConstant(value, normalizedShape(match)!) : value;
}

/** 1 / √(variance + epsilon). */
const inverseRoot = (variance: Pattern): Pattern => {
  const sumOfBoth = sum("epsilon", variance);
  return either(
    op("rsqrt", [sumOfBoth]),
    op("reciprocal", [rooted(sumOfBoth)]),
    op("div", [scalar(1), rooted(sumOfBoth)]),
    op("pow", [sumOfBoth, scalar(-0.5)]),
  );
};

/** value / √(variance + epsilon). */
const dividedByRoot = (value: Pattern, variance: Pattern): Pattern =>
  either(op("div", [value, rooted(sum("epsilon", variance))]), product(1, value, inverseRoot(variance)));

const mean = named("mean", meanOf(x));
const centred = named("centred", op("sub", [x, mean]));
const variance = meanOf(either(op("squared_difference", [x, mean]), squared(centred)));

/** As TensorFlow writes it: x · m + (bias − mean · m), with m = scale / √(variance + ε). */
const factor = named("factor", product(1, op("rsqrt", [sum("epsilon", variance)]), lastAxes("scale")));
const folded = sum(0, product(1, x, factor), op("sub", [lastAxes("bias"), product(1, mean, factor)]));

/** With the variance as the mean square less the square of the mean, which the operator computes from differences instead. */
const byMoments = (form: Form, ...factors: readonly Pattern[]): Pattern => {
  const average = named("mean", meanOf(x, form));
  const difference = op("sub", [meanOf(squared(x), form), squared(average)]);
  const inverse = inverseRoot(either(difference, clamped(difference, 0, Infinity)));
  return product(1, op("sub", [x, spread(average, form)]), spread(inverse, form), ...factors);
};

const attributes = (match: Match) => {
  if (!averages(match)) return undefined;
  const rank = match.graph.rank(match.value("x"))!;
  return { axis: match.number("axis") - rank, epsilon: match.number("epsilon") };
};

const NORMS: readonly Recognition[] = [
  { op: "layer_norm", formula: dividedByRoot(centred, variance), attributes },
  { op: "layer_norm", formula: folded, attributes, operands: (match) => [parameter(match, "scale"), parameter(match, "bias")] },
  ...(["kept", "dropped"] as const).flatMap((form) => [
    { op: "layer_norm", formula: byMoments(form), attributes },
    { op: "layer_norm", formula: byMoments(form, lastAxes("scale")), attributes, operands: (match: Match) => [parameter(match, "scale")] },
  ]),
  { op: "rms_norm", formula: dividedByRoot(x, meanOf(squared(x))), attributes },
];

/** (x − mean) / √(variance + ε) → layer_norm; x / √(mean square + ε) → rms_norm. */
export const recognizeNorms = (graph: Rewriter): void => recognize(graph, NORMS);
