// What stands around a matrix product becomes part of it: transposed operands, a scale, and reshapes that its
// leading axes make needless.
import type { Node, Value } from "../graph/types.ts";
import { type ConstantValue, isConstant, scalarOf, transposeConstant } from "./constants.ts";
import { askForShape, permOf } from "./merge-views.ts";
import { isPlain } from "./pattern.ts";
import { identity, isIdentity } from "./permutation.ts";
import type { Rewriter } from "./rewrite.ts";

/**
 * matmul(a, transpose(b)) whose transpose makes b's last axis the last but one ⇒ matmul(a, b) {transposeB}, b transposed
 * by whole rows or not at all; a likewise.
 */
export function fuseTransposedOperand(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "matmul") continue;
    for (const [i, attribute] of ["transposeA", "transposeB"].entries()) {
      const transpose = graph.producer(node.inputs[i], "transpose");
      const perm = transpose && permOf(transpose);
      const x = transpose?.inputs[0];
      const isHybrid = i === 0 && node.inputs[1]?.quant !== undefined && !x?.quant;
      if (!perm || !x || isHybrid || perm.at(-2) !== perm.length - 1 || x.quant?.axis !== undefined) continue;
      const byRows = [...perm.slice(0, -2), perm.at(-1)!, perm.at(-2)!];
      const rows = isIdentity(byRows) ? x : graph.make("transpose", [x], { perm: byRows }, { quant: x.quant });
      graph.update(node, {
        inputs: node.inputs.with(i, rows),
        attributes: { ...node.attributes, [attribute]: node.attributes[attribute] !== true },
      });
    }
  }
}

/** matmul, or one of its operands, times a number ⇒ matmul {alpha}. */
export function fuseAlpha(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op === "matmul") absorbOperandScales(graph, node);
    const scaled = scaledValue(graph, node);
    const product = scaled && graph.producer(scaled.x, "matmul");
    if (!product || !graph.soleUser(scaled.x) || !isPlain(graph, product) || product.inputs.slice(2).some(Boolean)) continue;
    multiplyAlpha(graph, product, scaled.factor);
    graph.replaceNode(node, scaled.x);
  }
}

function absorbOperandScales(graph: Rewriter, node: Node): void {
  for (const i of [0, 1]) {
    const producer = graph.producer(node.inputs[i]);
    const scaled = producer && scaledValue(graph, producer);
    if (!scaled || !graph.soleUser(node.inputs[i]!) || !isPlain(graph, node)) continue;
    graph.update(node, { inputs: node.inputs.with(i, scaled.x) });
    multiplyAlpha(graph, node, scaled.factor);
  }
}

function multiplyAlpha(graph: Rewriter, node: Node, factor: number): void {
  const alpha = ((node.attributes.alpha as number | undefined) ?? 1) * factor;
  graph.update(node, { attributes: { ...node.attributes, alpha } });
}

/** x where a node is x times a number. */
function scaledValue(graph: Rewriter, node: Node): { x: Value; factor: number } | undefined {
  const [a, b] = node.inputs;
  if ((node.op !== "mul" && node.op !== "div") || !a || !b || !isPlain(graph, node)) return undefined;
  const [left, right] = [scalarOf(graph, a), scalarOf(graph, b)];
  const found =
    right !== undefined
      ? { x: a, factor: node.op === "div" ? 1 / right : right }
      : node.op === "mul" && left !== undefined
        ? { x: b, factor: left }
        : undefined;
  return found && graph.sameShape(found.x, node.outputs[0]!) && Number.isFinite(found.factor) ? found : undefined;
}

/** matmul(reshape(transpose(x)), #b) ⇒ matmul(reshape(x), #b with its rows in x's order). */
export function fuseTransposeIntoDense(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "matmul" || node.attributes.transposeA === true) continue;
    const weight = node.inputs[1];
    const flat = flattened(graph, node.inputs[0]!);
    if (!flat || !isConstant(weight) || weight.type.shape.length !== 2 || graph.useCount(weight) > 1) continue;
    if (weight.quant?.axis === rowAxis(node)) continue;
    const rows = reorderRows(weight, node, flat.inner, flat.perm);
    const reshaped = graph.make("reshape", [flat.x], { shape: flat.shape }, { quant: flat.x.quant });
    graph.update(node, { inputs: [reshaped, rows, ...node.inputs.slice(2)] });
  }
}

/** A value that is transposed and then, but for its first axis, made one row. */
function flattened(graph: Rewriter, value: Value) {
  const reshape = graph.producer(value, "reshape");
  const transpose = graph.producer(reshape?.inputs[0], "transpose");
  const perm = transpose && permOf(transpose);
  if (!reshape || !transpose || perm?.[0] !== 0 || !graph.soleUser(value) || !graph.soleUser(transpose.outputs[0]!)) return undefined;
  const shape = askForShape(graph.type(value)?.shape);
  const inner = graph.type(transpose.outputs[0]!)?.shape.slice(1);
  if (shape?.length !== 2 || !inner || inner.some(Number.isNaN) || shape[1] !== inner.reduce((a, b) => a * b, 1)) return undefined;
  return { x: transpose.inputs[0]!, perm, inner, shape };
}

/** The axis of b along which the product sums. */
const rowAxis = ({ attributes }: Node): 0 | 1 => (attributes.transposeB === true ? 1 : 0);

/** b's summed axis is `inner` in order of `perm`; puts it into the order before the transpose. */
function reorderRows(weight: ConstantValue, node: Node, inner: readonly number[], perm: readonly number[]): ConstantValue {
  const back = identity(inner.length).map((axis) => perm.indexOf(axis + 1) - 1);
  const [rows, columns] = weight.type.shape as [number, number];
  const summed = rowAxis(node);
  const shape = summed === 0 ? [...inner, columns] : [rows, ...inner];
  const order = summed === 0 ? [...back, inner.length] : [0, ...back.map((axis) => axis + 1)];
  const { quant, ...plain } = weight;
  const moved = transposeConstant({ ...plain, type: { ...weight.type, shape } }, order);
  return { ...moved, quant, type: weight.type };
}
