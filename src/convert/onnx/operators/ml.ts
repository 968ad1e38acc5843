// Operators of ai.onnx.ml: trees, and linear models on rows of features.
import { LanewiseError } from "../../../errors.ts";
import type { Value } from "../../../graph/types.ts";
import { TREE_MODE } from "../../../ops/pack-trees.ts";
import { type AttributesOf, float, floats, int, ints, readAttributes, text, texts } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

const MODES: { readonly [name: string]: number | undefined } = {
  LEAF: TREE_MODE.leaf,
  BRANCH_LEQ: TREE_MODE.lessEqual,
  BRANCH_LT: TREE_MODE.less,
  BRANCH_GTE: TREE_MODE.greaterEqual,
  BRANCH_GT: TREE_MODE.greater,
  BRANCH_EQ: TREE_MODE.equal,
  BRANCH_NEQ: TREE_MODE.notEqual,
};

const NODES = {
  nodes_treeids: ints([]),
  nodes_nodeids: ints([]),
  nodes_featureids: ints([]),
  nodes_modes: texts([]),
  nodes_values: floats([]),
  nodes_truenodeids: ints([]),
  nodes_falsenodeids: ints([]),
  nodes_missing_value_tracks_true: ints([]),
  post_transform: text("NONE"),
  base_values: floats([]),
};

/** What the leaves add: an entry each. */
interface Entries {
  readonly trees: readonly number[];
  readonly nodes: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

const keyOf = (tree: number, node: number): string => `${tree}:${node}`;

/** The sums of all trees for each row, [rows, targets]. Throws `format` when lists contradict each other. */
function ensemble(node: NodeContext, nodes: AttributesOf<typeof NODES>, entries: Entries, targets: number, aggregate: string): Value {
  const count = nodes.nodes_nodeids.length;
  const lists = [
    nodes.nodes_treeids,
    nodes.nodes_featureids,
    nodes.nodes_modes,
    nodes.nodes_values,
    nodes.nodes_truenodeids,
    nodes.nodes_falsenodeids,
  ];
  const entryLists = [entries.trees, entries.targets, entries.weights];
  const fits = lists.every(({ length }) => length === count) && entryLists.every(({ length }) => length === entries.nodes.length);
  if (!fits) throw new LanewiseError("format", "the lists of nodes or of leaves differ in length");
  const indices = new Map(nodes.nodes_nodeids.map((id, i) => [keyOf(nodes.nodes_treeids[i]!, id), i]));
  const order = entries.nodes.map((_, i) => i).sort((a, b) => leafIndex(a) - leafIndex(b));
  function leafIndex(entry: number): number {
    return indices.get(keyOf(entries.trees[entry]!, entries.nodes[entry]!)) ?? -1;
  }
  const starts = new Map<number, [number, number]>();
  for (const [at, entry] of order.entries()) starts.set(leafIndex(entry), [starts.get(leafIndex(entry))?.[0] ?? at, at + 1]);
  const words = Array.from({ length: count }, (_, i) => wordsOf(node, nodes, i, indices, starts.get(i) ?? [0, 0])).flat();
  const roots = nodes.nodes_treeids.flatMap((tree, i) => (i === 0 || nodes.nodes_treeids[i - 1] !== tree ? [i] : []));
  return node.emit(
    "tree_ensemble",
    [
      node.input(0),
      node.constant("int32", [count, 4], words),
      node.constant("float32", [count], nodes.nodes_values),
      node.constant("int32", [roots.length], roots),
      node.constant(
        "int32",
        [order.length],
        order.map((entry) => entries.targets[entry]!),
      ),
      node.constant(
        "float32",
        [order.length],
        order.map((entry) => entries.weights[entry]!),
      ),
    ],
    { targets, aggregate: aggregate === "sum" ? undefined : aggregate },
  );
}

function wordsOf(
  node: NodeContext,
  nodes: AttributesOf<typeof NODES>,
  i: number,
  indices: ReadonlyMap<string, number>,
  entries: readonly [number, number],
): number[] {
  const mode = MODES[nodes.nodes_modes[i]!];
  if (mode === undefined) throw node.unsupported(`tree nodes of mode "${nodes.nodes_modes[i]}"`);
  if (mode === TREE_MODE.leaf) return [0, mode, ...entries];
  const missing = nodes.nodes_missing_value_tracks_true[i] ? TREE_MODE.missingIsTrue : 0;
  const next = (id: number) => indices.get(keyOf(nodes.nodes_treeids[i]!, id)) ?? -1;
  return [nodes.nodes_featureids[i]!, mode + missing, next(nodes.nodes_truenodeids[i]!), next(nodes.nodes_falsenodeids[i]!)];
}

const withBase = (node: NodeContext, scores: Value, base: readonly number[]): Value =>
  base.length > 0 ? node.emit("add", [scores, node.constant("float32", [base.length], base)]) : scores;

function transformed(node: NodeContext, scores: Value, name: string): Value {
  if (name === "NONE") return scores;
  if (name === "LOGISTIC") return node.emit("sigmoid", [scores]);
  if (name === "SOFTMAX") return node.emit("softmax", [scores]);
  throw node.unsupported(`post_transform "${name}"`);
}

const REGRESSOR = {
  ...NODES,
  aggregate_function: text("SUM"),
  n_targets: int(1),
  target_treeids: ints([]),
  target_nodeids: ints([]),
  target_ids: ints([]),
  target_weights: floats([]),
};

const TreeEnsembleRegressor = operator(REGRESSOR, (node, attributes) => {
  const aggregate = attributes.aggregate_function.toLowerCase();
  if (aggregate !== "sum" && aggregate !== "average") throw node.unsupported(`aggregate_function "${attributes.aggregate_function}"`);
  const entries: Entries = {
    trees: attributes.target_treeids,
    nodes: attributes.target_nodeids,
    targets: attributes.target_ids,
    weights: attributes.target_weights,
  };
  const sums = ensemble(node, attributes, entries, attributes.n_targets, aggregate);
  return transformed(node, withBase(node, sums, attributes.base_values), attributes.post_transform);
});

const CLASSES = {
  class_treeids: ints([]),
  class_nodeids: ints([]),
  class_ids: ints([]),
  class_weights: floats([]),
  classlabels_int64s: ints([]),
  classlabels_strings: texts([]),
};

/** The label is the class of the largest sum. With two classes and weights for one, the other's score is its opposite. */
const TreeEnsembleClassifier = operator(NODES, (node, attributes) => {
  const classes = readAttributes(CLASSES, node.attributes);
  if (classes.classlabels_strings.length > 0) throw node.unsupported("labels that are strings");
  const entries: Entries = {
    trees: classes.class_treeids,
    nodes: classes.class_nodeids,
    targets: classes.class_ids,
    weights: classes.class_weights,
  };
  const labels = classes.classlabels_int64s;
  const isBinary = labels.length === 2 && classes.class_ids.every((id) => id === classes.class_ids[0]);
  if (isBinary) return binaryClasses(node, attributes, { ...entries, targets: entries.targets.map(() => 0) }, labels);
  const scores = withBase(node, ensemble(node, attributes, entries, labels.length, "sum"), attributes.base_values);
  return [labelOf(node, scores, labels), transformed(node, scores, attributes.post_transform)];
});

function labelOf(node: NodeContext, scores: Value, labels: readonly number[]): Value {
  const best = node.emit("arg_max", [scores], { axis: 1, keepDims: false });
  return node.emit("gather", [node.constant("int64", [labels.length], labels), best], { axis: 0 });
}

function binaryClasses(node: NodeContext, attributes: AttributesOf<typeof NODES>, entries: Entries, labels: readonly number[]): Value[] {
  const score = withBase(node, ensemble(node, attributes, entries, 1, "sum"), attributes.base_values.slice(-1));
  const isProbability = attributes.post_transform === "NONE" && entries.weights.every((weight) => weight >= 0);
  const other = isProbability ? node.emit("sub", [node.constant("float32", [], [1]), score]) : node.emit("neg", [score]);
  const scores = node.emit("concat", [other, score], { axis: 1 });
  return [labelOf(node, scores, labels), transformed(node, scores, attributes.post_transform)];
}

const ArrayFeatureExtractor = (node: NodeContext) => {
  const indices = node.emit("reshape", [node.input(1)], { shape: [-1] });
  return node.emit("gather", [node.input(0), indices], { axis: node.rank(node.input(0)) - 1 });
};

const Binarizer = operator({ threshold: float(0) }, (node, { threshold }) => {
  const x = node.input(0);
  return node.emit("cast", [node.emit("greater", [x, node.scalarLike(x, threshold)])], { dataType: node.type(x).dataType });
});

const Scaler = operator({ offset: floats([0]), scale: floats([1]) }, (node, { offset, scale }) => {
  const vector = (list: readonly number[]) => node.constant("float32", [list.length], list);
  const x = node.type(node.input(0)).dataType === "float32" ? node.input(0) : node.emit("cast", [node.input(0)], { dataType: "float32" });
  return node.emit("mul", [node.emit("sub", [x, vector(offset)]), vector(scale)]);
});

const LinearRegressor = operator(
  { coefficients: floats([]), intercepts: floats([]), targets: int(1), post_transform: text("NONE") },
  (node, { coefficients, intercepts, targets, post_transform }) => {
    const weights = node.constant("float32", [targets, coefficients.length / targets], coefficients);
    const bias = intercepts.length > 0 ? node.constant("float32", [targets], intercepts) : null;
    return transformed(node, node.emit("matmul", [node.input(0), weights, bias], { transposeB: true }), post_transform);
  },
);

export const ML: ImportTable = { ArrayFeatureExtractor, Binarizer, LinearRegressor, Scaler, TreeEnsembleClassifier, TreeEnsembleRegressor };
