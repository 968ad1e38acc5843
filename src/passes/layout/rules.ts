// How each operator looks when its axes come in another order: which order every input and output then has, and
// what becomes of the attributes that name axes. An operator without a rule keeps the order that the model gives it.
import type { Attributes, Node } from "../../graph/types.ts";
import { BROADCASTING, UNARY } from "../elementwise.ts";
import { VIEWS } from "../merge-views.ts";
import { identity, type Permutation, permute } from "../permutation.ts";
import type { Rewriter } from "../rewrite.ts";
import { permuteReshape } from "./reshape-blocks.ts";

/** A node whose inputs and outputs have their axes in other orders; null: as before. */
export interface Oriented {
  readonly inputs: readonly (Permutation | null)[];
  readonly outputs: readonly (Permutation | null)[];
  readonly attributes: Attributes;
  /** Another operator, when it must be one. */
  readonly op?: string;
}

/** The node with the axes of its largest input in the order `perm`; undefined where the operator cannot do that. */
type Rule = (node: Node, perm: Permutation, graph: Rewriter) => Oriented | undefined;

const all = ({ inputs, outputs }: Node, perm: Permutation, attributes: Attributes): Oriented => ({
  inputs: inputs.map((value) => value && perm),
  outputs: outputs.map((value) => value && perm),
  attributes,
});

const first = ({ inputs, outputs }: Node, perm: Permutation, attributes: Attributes, outputPerm: Permutation = perm): Oriented => ({
  inputs: inputs.map((_, i) => (i === 0 ? perm : null)),
  outputs: outputs.map((value) => value && outputPerm),
  attributes,
});

const numbers = (node: Node, name: string): readonly number[] | undefined => node.attributes[name] as readonly number[] | undefined;

/** An axis by the number that it has after the axes were permuted. */
const moved = (axis: number, perm: Permutation): number => perm.indexOf(axis < 0 ? axis + perm.length : axis);

const hasRunTimeParameters = (node: Node): boolean => node.inputs.slice(1).some(Boolean);

const unary: Rule = (node, perm) => first(node, perm, node.attributes);

/** Numpy broadcasting: operands with fewer axes are taken to have ones before them. */
const broadcasting: Rule = (node, perm) => all(node, perm, node.attributes);

/** One attribute names one axis. */
const alongAxis =
  (fallback: number | undefined): Rule =>
  (node, perm) => {
    const axis = (node.attributes.axis as number | undefined) ?? fallback;
    if (axis === undefined) return undefined;
    return (node.op === "concat" ? all : first)(node, perm, { ...node.attributes, axis: moved(axis, perm) });
  };

/** Axes that are left when some are taken away, in the order `perm`, and numbered anew. */
export function without(perm: Permutation, removed: readonly number[]): Permutation {
  const left = perm.filter((axis) => !removed.includes(axis));
  const order = [...left].sort((a, b) => a - b);
  return left.map((axis) => order.indexOf(axis));
}

const reduce: Rule = (node, perm, graph) => {
  const rank = graph.rank(node.inputs[0]!)!;
  const given = numbers(node, "axes");
  if (hasRunTimeParameters(node) || (given && given.length === 0)) return undefined;
  const axes = (given ?? identity(rank)).map((axis) => (axis < 0 ? axis + rank : axis));
  const attributes = { ...node.attributes, axes: axes.map((axis) => moved(axis, perm)).sort((a, b) => a - b) };
  return first(node, perm, attributes, node.attributes.keepDims === false ? without(perm, axes) : perm);
};

const argument: Rule = (node, perm) => {
  const axis = (node.attributes.axis as number | undefined) ?? 0;
  const from = axis < 0 ? axis + perm.length : axis;
  const attributes = { ...node.attributes, axis: moved(axis, perm) };
  return first(node, perm, attributes, node.attributes.keepDims === false ? without(perm, [from]) : perm);
};

/** One attribute has an entry for each axis. */
const perAxis =
  (name: string): Rule =>
  (node, perm) => {
    const items = numbers(node, name);
    if (!items || items.length !== perm.length || hasRunTimeParameters(node)) return undefined;
    return first(node, perm, { ...node.attributes, [name]: permute(items, perm) });
  };

const pad: Rule = (node, perm) => {
  const pads = numbers(node, "pads");
  const rank = perm.length;
  if (!pads || pads.length !== 2 * rank || node.inputs[1] || node.inputs[3]) return undefined;
  return first(node, perm, { ...node.attributes, pads: [...permute(pads.slice(0, rank), perm), ...permute(pads.slice(rank), perm)] });
};

const slice: Rule = (node, perm) => {
  const starts = numbers(node, "starts");
  if (!starts || !numbers(node, "ends") || hasRunTimeParameters(node)) return undefined;
  const axes = numbers(node, "axes") ?? identity(starts.length);
  return first(node, perm, { ...node.attributes, axes: axes.map((axis) => moved(axis, perm)) });
};

const resize: Rule = (node, perm) => {
  if (hasRunTimeParameters(node) || numbers(node, "roi")) return undefined;
  const axes = numbers(node, "axes");
  if (axes) return first(node, perm, { ...node.attributes, axes: axes.map((axis) => moved(axis, perm)) });
  const attributes = { ...node.attributes };
  for (const name of ["scales", "sizes"])
    if (numbers(node, name)) Object.assign(attributes, { [name]: permute(numbers(node, name)!, perm) });
  return first(node, perm, attributes);
};

/** Indices of one element or one axis: the axis stays, or goes. */
const gather: Rule = (node, perm, graph) => {
  const rank = graph.rank(node.inputs[1]!);
  const given = (node.attributes.axis as number | undefined) ?? 0;
  const axis = given < 0 ? given + perm.length : given;
  if (rank === undefined || rank > 1 || ((node.attributes.batchDims as number | undefined) ?? 0) !== 0) return undefined;
  return first(node, perm, { ...node.attributes, axis: moved(axis, perm) }, rank === 1 ? perm : without(perm, [axis]));
};

/** Per-axis scales keep their axis by name. */
const linear: Rule = (node, perm, graph) => {
  if (((node.attributes.blockSize as number | undefined) ?? 0) !== 0) return undefined;
  const isPerTensor = graph.rank(node.inputs[1]!) === 0 || graph.type(node.inputs[1]!)?.shape[0] === 1;
  const axis = (node.attributes.axis as number | undefined) ?? 1;
  return first(node, perm, isPerTensor ? node.attributes : { ...node.attributes, axis: moved(axis, perm) });
};

const view: Rule = (node, perm, graph) => {
  const result = permuteReshape(graph, node, perm);
  return result && { op: "reshape", inputs: [perm], outputs: [result.perm], attributes: { shape: result.shape } };
};

const named = (names: Iterable<string>, rule: Rule): { [op: string]: Rule } => Object.fromEntries([...names].map((name) => [name, rule]));

const REDUCE =
  "reduce_sum reduce_mean reduce_max reduce_min reduce_prod reduce_l1 reduce_l2 reduce_log_sum reduce_log_sum_exp reduce_sum_square reduce_any reduce_all";

const RULES: { readonly [op: string]: Rule } = {
  ...named(UNARY, unary),
  ...named(BROADCASTING, broadcasting),
  ...named(REDUCE.split(" "), reduce),
  ...named(VIEWS, view),
  concat: alongAxis(undefined),
  split: alongAxis(0),
  softmax: alongAxis(-1),
  log_softmax: alongAxis(-1),
  lrn: alongAxis(undefined),
  cumsum: (node, perm, graph) => (hasRunTimeParameters(node) ? undefined : alongAxis(undefined)(node, perm, graph)),
  top_k: alongAxis(-1),
  arg_max: argument,
  arg_min: argument,
  tile: perAxis("repeats"),
  expand: perAxis("shape"),
  pad,
  slice,
  resize,
  gather,
  quantize_linear: linear,
  dequantize_linear: linear,
};

/** The node with its axes in the order `perm`, or undefined where its order is fixed. */
export function orient(graph: Rewriter, node: Node, perm: Permutation): Oriented | undefined {
  return Object.hasOwn(RULES, node.op) ? RULES[node.op]!(node, perm, graph) : undefined;
}
