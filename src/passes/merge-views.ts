// Views and transposes in their simplest form: one reshape instead of a chain, one transpose instead of two,
// and a reshape where a transpose leaves all elements in their order.
import type { Node } from "../graph/types.ts";
import { isConstant, reshapeConstant, sameQuant, transposeConstant } from "./constants.ts";
import { compose, keepsOrder, type Permutation } from "./permutation.ts";
import type { Rewriter } from "./rewrite.ts";

export const VIEWS = ["reshape", "squeeze", "unsqueeze", "flatten"] as const;

export const permOf = (node: Node): Permutation | undefined => node.attributes.perm as Permutation | undefined;

/** What a reshape must ask for to get a shape: one unknown dimension is −1. Undefined where more are unknown. */
export function askForShape(shape: readonly number[] | undefined): number[] | undefined {
  if (!shape || shape.includes(0) || shape.filter(Number.isNaN).length > 1) return undefined;
  return shape.map((dim) => (Number.isNaN(dim) ? -1 : dim));
}

/** Chains of reshape, squeeze, unsqueeze and flatten become one reshape. */
export function mergeReshapes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!(VIEWS as readonly string[]).includes(node.op)) continue;
    const first = graph.producer(node.inputs[0], ...VIEWS);
    const before = first?.inputs[0];
    const x = before && sameQuant(before.quant, first.outputs[0]!.quant) ? before : node.inputs[0]!;
    const shape = askForShape(graph.type(node.outputs[0]!)?.shape);
    if (!shape || (x === node.inputs[0] && node.op === "reshape" && String(node.attributes.shape) === String(shape))) continue;
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
    const shape = askForShape(graph.type(node.outputs[0]!)?.shape);
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
