// Takes away nodes that give their input back as it is.
import { isStatic, type Node, type Value } from "../graph/types.ts";
import { sameQuant, scalarOf } from "./constants.ts";
import { isIdentity } from "./permutation.ts";
import type { Rewriter } from "./rewrite.ts";

type Test = (graph: Rewriter, node: Node, x: Value, y: Value) => boolean;

const list = (node: Node, name: string): readonly number[] | undefined => node.attributes[name] as readonly number[] | undefined;
/** What exporters write for "to the end" is this or more. */
const LAST = 1e9;

const allEqual = (items: readonly number[] | undefined, wanted: number): boolean => items?.every((item) => item === wanted) ?? false;

/** Shapes are equal for every input; with one unknown dimension in the same place, the sizes say that it is equal too. */
const sameShape: Test = (graph, _, x, y) => {
  const [from, to] = [graph.type(x)?.shape, graph.type(y)?.shape];
  if (!from || !to || from.length !== to.length) return false;
  return from.every((dim, i) => Object.is(dim, to[i])) && from.filter(Number.isNaN).length <= 1 && !from.includes(0);
};

/** A reshape that copies every dimension, or all but one. */
const copiesShape: Test = (graph, node, x, y) => {
  const [from, to] = [graph.type(x)?.shape, graph.type(y)?.shape];
  const asked = node.attributes.allowZero === true ? undefined : list(node, "shape");
  if (!from || !to || !asked || from.length !== asked.length) return sameShape(graph, node, x, y);
  return asked.filter((dim, i) => dim !== 0 && from[i] !== to[i]).length <= 1 || sameShape(graph, node, x, y);
};

const sameStaticShape: Test = (graph, node, x, y) => isStatic(graph.type(x)?.shape ?? [Number.NaN]) && sameShape(graph, node, x, y);

/** A slice from the first element of each axis to its last, or beyond. */
const takesAll: Test = (graph, node, x) => {
  const [starts, ends, from] = [list(node, "starts"), list(node, "ends"), graph.type(x)?.shape];
  const axes = list(node, "axes") ?? starts?.map((_, i) => i);
  if (!from || !ends || !allEqual(starts, 0)) return false;
  return ends.every((end, i) => end >= (from.at(axes![i]!) ?? Infinity) || end >= LAST);
};

/** The second operand is a number that changes nothing, and adds no axis. */
const neutral =
  (wanted: number): Test =>
  (graph, node, x) =>
    !hasActivation(node) && scalarOf(graph, node.inputs[1]) === wanted && (graph.rank(node.inputs[1]!) ?? 9) <= (graph.rank(x) ?? 0);

const hasActivation = ({ attributes }: Node): boolean =>
  attributes.activation !== undefined || attributes.min !== undefined || attributes.max !== undefined;

const isUnbounded: Test = (_, { attributes }) => (attributes.min ?? -Infinity) === -Infinity && (attributes.max ?? Infinity) === Infinity;

const isUnitWindow: Test = (graph, node, x, y) =>
  allEqual(list(node, "kernel"), 1) &&
  allEqual(list(node, "strides") ?? [1, 1], 1) &&
  !hasActivation(node) &&
  sameStaticShape(graph, node, x, y);

const NO_OPS: { readonly [op: string]: Test } = {
  reshape: copiesShape,
  squeeze: sameShape,
  unsqueeze: sameShape,
  flatten: sameShape,
  transpose: (_, node) => isIdentity(list(node, "perm") ?? [1]),
  cast: (graph, _, x, y) => graph.dataType(x) === graph.dataType(y),
  clamp: isUnbounded,
  pad: (_, node) => allEqual(list(node, "pads"), 0),
  slice: (graph, node, x, y) =>
    allEqual(list(node, "steps") ?? [1], 1) && (sameStaticShape(graph, node, x, y) || takesAll(graph, node, x, y)),
  strided_slice: (graph, node, x, y) => allEqual(list(node, "strides"), 1) && sameStaticShape(graph, node, x, y),
  expand: sameStaticShape,
  tile: (_, node) => allEqual(list(node, "repeats"), 1),
  concat: (_, node) => node.inputs.length === 1,
  split: (_, node) => node.outputs.length === 1,
  resize: (graph, node, x, y) => node.attributes.coordinates !== "tf_crop_and_resize" && sameStaticShape(graph, node, x, y),
  add: neutral(0),
  sub: neutral(0),
  mul: neutral(1),
  div: neutral(1),
  pow: neutral(1),
  max_pool2d: isUnitWindow,
  average_pool2d: isUnitWindow,
  requantize: () => true,
};

/** No-op reshapes, transposes, casts, pads, slices, … : readers of the output read the input. */
export function removeNoOps(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [x, y] = [node.inputs[0], node.outputs[0]];
    const isNoOp = Object.hasOwn(NO_OPS, node.op) && NO_OPS[node.op];
    if (!isNoOp || !x || !y || !sameQuant(x.quant, y.quant)) continue;
    if (isNoOp(graph, node, x, y) && graph.dataType(x) === graph.dataType(y)) graph.replaceNode(node, x);
  }
}
