// Views and transposes in their simplest form: one reshape instead of a chain, one transpose instead of two,
// and a reshape where a transpose leaves all elements in their order.
import type { Node } from "../graph/types.ts";
import { isConstant, reshapeConstant, sameQuant, transposeConstant } from "./constants.ts";
import { compose, keepsOrder, type Permutation } from "./permutation.ts";
import type { Rewriter } from "./rewrite.ts";

export const VIEWS = ["reshape", "squeeze", "unsqueeze", "flatten"] as const;

export const permOf = (node: Node): Permutation | undefined => node.attributes.perm as Permutation | undefined;

/**
 * What a reshape must ask for to get a shape: unknown dimensions among the first `copied` axes are 0, one other is −1.
 * Undefined where more are unknown.
 */
export function askForShape(shape: readonly number[] | undefined, copied = 0): number[] | undefined {
  if (!shape || shape.includes(0)) return undefined;
  const asked = shape.map((dim, axis) => (!Number.isNaN(dim) ? dim : axis < copied ? 0 : -1));
  if (asked.filter((dim) => dim < 0).length > 1) return undefined;
  return asked.filter((dim) => dim <= 0).length === 1 ? asked.map((dim) => (dim === 0 ? -1 : dim)) : asked;
}

/** How many axes at the front a view or a transpose leaves alone. */
export function copiedAxes(graph: Rewriter, node: Node): number {
  const from = graph.type(node.inputs[0]!)?.shape ?? [];
  const list = (name: string) => node.attributes[name] as readonly number[] | undefined;
  if (node.op === "squeeze" || node.op === "unsqueeze") {
    const rank = node.op === "squeeze" ? from.length : from.length + (list("axes")?.length ?? 0);
    return Math.min(...(list("axes") ?? [0]).map((axis) => (axis < 0 ? axis + rank : axis)));
  }
  const first = (isCopied: (axis: number) => boolean): number => {
    const changed = from.findIndex((_, axis) => !isCopied(axis));
    return changed < 0 ? from.length : changed;
  };
  const perm = permOf(node);
  if (node.op === "transpose") return perm ? first((axis) => perm[axis] === axis) : 0;
  const asked = node.op === "reshape" && node.attributes.allowZero !== true ? list("shape") : undefined;
  return asked ? first((axis) => asked[axis] === 0 || asked[axis] === from[axis]) : 0;
}

/** Chains of reshape, squeeze, unsqueeze and flatten become one reshape. */
export function mergeReshapes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!(VIEWS as readonly string[]).includes(node.op)) continue;
    const first = graph.producer(node.inputs[0], ...VIEWS);
    const before = first?.inputs[0];
    const isChain = before && sameQuant(before.quant, first.outputs[0]!.quant);
    const copied = Math.min(copiedAxes(graph, node), isChain ? copiedAxes(graph, first) : Infinity);
    const x = isChain ? before : node.inputs[0]!;
    const shape = askForShape(graph.type(node.outputs[0]!)?.shape, copied);
    if (!shape || (!isChain && node.op === "reshape" && String(node.attributes.shape) === String(shape))) continue;
    graph.update(node, { op: "reshape", inputs: [x], attributes: { shape } });
  }
}

/** transpose ∘ transpose → transpose. */
export function mergeTransposes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const first = node.op === "transpose" ? graph.producer(node.inputs[0], "transpose") : undefined;
    const [one, other] = [first && permOf(first), permOf(node)];
    if (!first || !one || !other || !sameQuant(first.inputs[0]!.quant, first.outputs[0]!.quant)) continue;
    graph.update(node, { inputs: [first.inputs[0]!], attributes: { perm: compose(one, other) } });
  }
}

/** A transpose that only moves axes of one element → reshape. */
export function turnTransposesIntoReshapes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const perm = node.op === "transpose" ? permOf(node) : undefined;
    const from = perm && graph.type(node.inputs[0]!)?.shape;
    const shape = perm && askForShape(graph.type(node.outputs[0]!)?.shape, copiedAxes(graph, node));
    if (perm && from && shape && keepsOrder(from, perm)) graph.update(node, { op: "reshape", attributes: { shape } });
  }
}

/** Views and transposes of constants are constants, stored as before. */
export function foldViews(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [x, y] = [node.inputs[0], node.outputs[0]!];
    if (!isConstant(x) || graph.isOutput(y)) continue;
    const perm = permOf(node);
    if (node.op === "transpose" && perm) graph.replaceNode(node, transposeConstant(x, perm));
    else if ((VIEWS as readonly string[]).includes(node.op) && x.quant?.axis === undefined) {
      const shape = graph.type(y)?.shape;
      if (shape && !shape.some(Number.isNaN)) graph.replaceNode(node, reshapeConstant(x, shape));
    }
  }
}
