// Shapes that a model computes from the shapes of its values: where one dimension stays open, or stays what it is,
// the shape can be said in an attribute all the same.
import type { Node, Value } from "../graph/types.ts";
import { BROADCASTING } from "./elementwise.ts";
import type { Rewriter } from "./rewrite.ts";

/** A dimension that only a run tells. */
interface Open {
  readonly of: Value;
  readonly axis: number;
}

/** An element of a shape; NaN where it is computed from open dimensions. */
type Element = number | Open;
type Elements = readonly Element[];

const isUnknown = (element: Element | undefined): boolean => !(typeof element === "number" && element >= 0);

/** The elements of a vector of integers as far as they can be told. Undefined when nothing is known. */
function elementsOf(graph: Rewriter, value: Value | null | undefined): Elements | undefined {
  if (!value) return undefined;
  if (graph.isKnown(value)) return Array.from(graph.known(value)!.data as ArrayLike<number | bigint>, Number);
  const node = graph.producer(value);
  return node && Object.hasOwn(SOURCES, node.op) ? SOURCES[node.op]!(graph, node) : undefined;
}

const numbers = (node: Node, name: string): readonly number[] | undefined => node.attributes[name] as readonly number[] | undefined;

/** What becomes of partly known elements in the operators that shapes are computed with. */
const SOURCES: { readonly [op: string]: (graph: Rewriter, node: Node) => Elements | undefined } = {
  shape: (graph, node) => {
    const x = node.inputs[0]!;
    const dims = graph.type(x)?.shape.map((dim, axis): Element => (Number.isNaN(dim) ? { of: x, axis } : dim));
    return dims?.slice((node.attributes.start as number) ?? 0, (node.attributes.end as number) ?? dims.length);
  },
  cast: (graph, node) => elementsOf(graph, node.inputs[0]),
  reshape: (graph, node) => elementsOf(graph, node.inputs[0]),
  squeeze: (graph, node) => elementsOf(graph, node.inputs[0]),
  unsqueeze: (graph, node) => elementsOf(graph, node.inputs[0]),
  concat: (graph, node) => {
    const parts = node.inputs.map((value) => elementsOf(graph, value));
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  },
  gather: (graph, node) => {
    const [from, indices] = node.inputs.map((value) => elementsOf(graph, value));
    return from && indices?.map((index) => (typeof index === "number" ? from.at(index) : undefined) ?? Number.NaN);
  },
  slice: (graph, node) => {
    const [from, starts, ends] = [elementsOf(graph, node.inputs[0]), numbers(node, "starts"), numbers(node, "ends")];
    const isPlain = starts?.length === 1 && ends?.length === 1 && (numbers(node, "steps")?.[0] ?? 1) === 1;
    return isPlain ? from?.slice(starts[0], ends[0]) : undefined;
  },
  strided_slice: (graph, node) => {
    const [from, begin, end] = [elementsOf(graph, node.inputs[0]), numbers(node, "begin"), numbers(node, "end")];
    const { beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = node.attributes;
    if (!from || begin?.length !== 1 || end?.length !== 1 || (numbers(node, "strides")?.[0] ?? 1) !== 1 || ellipsisMask || newAxisMask)
      return undefined;
    if (shrinkAxisMask) return [from.at(begin[0]!) ?? Number.NaN];
    return from.slice(beginMask ? 0 : begin[0], endMask ? from.length : end[0]);
  },
  mul: (graph, node) => {
    const [a, b] = node.inputs.map((value) => elementsOf(graph, value));
    return a?.length === b?.length
      ? a?.map((element, i) => (isUnknown(element) || isUnknown(b![i]) ? Number.NaN : Number(element) * Number(b![i])))
      : undefined;
  },
};

/** reshape(x, shape) with one unknown dimension ⇒ reshape(x) {shape}: 0 for dimensions of x itself, −1 for another. */
export function settleReshapes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [x] = node.inputs;
    const elements = node.op === "reshape" && node.inputs[1] ? elementsOf(graph, node.inputs[1]) : undefined;
    if (!elements || elements.includes(0)) continue;
    const shape = elements.map((element, axis) => (isDimensionOf(graph, x!, element, axis) ? 0 : isUnknown(element) ? -1 : Number(element)));
    if (shape.filter((dim) => dim === -1).length <= 1) graph.update(node, { inputs: [x!], attributes: { shape } });
  }
}

/** The element is dimension `axis` of x, or of a value that has the same size there: a batch, a number of tokens. */
function isDimensionOf(graph: Rewriter, x: Value, element: Element, axis: number): boolean {
  if (typeof element !== "object" || element.axis !== axis) return false;
  const [own, other] = [x, element.of].map((value) => graph.probedShape(value)?.[axis]);
  return element.of === x || (own === other && own !== 1 && Number.isNaN(graph.type(x)?.shape[axis] ?? 0));
}

/** expand(x, shape) whose unknown dimensions are those of x ⇒ expand(x) {shape}, 1 for the unknown ones. */
export function settleExpands(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const elements = node.op === "expand" && node.inputs[1] ? elementsOf(graph, node.inputs[1]) : undefined;
    if (!elements) continue;
    const [from, to] = [node.inputs[0]!, node.outputs[0]!].map((value) => graph.probedShape(value));
    if (!from || to?.length !== from.length || elements.length !== from.length) continue;
    if (elements.some((dim, axis) => isUnknown(dim) && (to[axis] !== from[axis] || to[axis] === 1))) continue;
    graph.update(node, { inputs: [node.inputs[0]!], attributes: { shape: elements.map((dim) => (isUnknown(dim) ? 1 : Number(dim))) } });
  }
}

/** binary(expand(x), y) ⇒ binary(x, y) where y has every dimension that x was expanded to. */
export function removeNeedlessExpands(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!BROADCASTING.has(node.op)) continue;
    for (const [i, value] of node.inputs.entries()) {
      const expand = graph.producer(value, "expand");
      const others = node.inputs.filter((other, k) => other && k !== i) as Value[];
      if (!expand || !coversAxes(graph, expand, others) || (node.op === "prelu" && i === 0)) continue;
      graph.update(node, { inputs: node.inputs.with(i, expand.inputs[0]!) });
    }
  }
}

/** Each axis that the expand makes longer is as long in one of `others`. */
function coversAxes(graph: Rewriter, expand: Node, others: readonly Value[]): boolean {
  const [from, to] = [expand.inputs[0]!, expand.outputs[0]!].map((value) => graph.probedShape(value));
  const shapes = others.map((value) => graph.probedShape(value));
  if (!from || !to || shapes.some((shape) => !shape)) return false;
  return to.every((dim, i) => {
    const back = to.length - i;
    return dim === from.at(-back) || shapes.some((shape) => back <= shape!.length && shape!.at(-back) === dim);
  });
}
