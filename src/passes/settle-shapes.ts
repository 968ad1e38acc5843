// Shapes that a model computes from the shapes of its values: where one dimension stays open, or stays what it is,
// the shape can be said in an attribute all the same.
import { constantValue } from "../graph/constant.ts";
import { type Node, sizeOf, type TensorType, type Value } from "../graph/types.ts";
import { BROADCASTING } from "./elementwise.ts";
import { type Element, elementsOf, isOpen } from "./partial-shapes.ts";
import type { Rewriter } from "./rewrite.ts";

/** One dimension of a shape that has others open, once it is known ⇒ a constant. */
export function foldDimensions(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!["gather", "slice", "strided_slice"].includes(node.op) || graph.isKnown(node.outputs[0]!)) continue;
    const type = graph.type(node.outputs[0]!);
    const elements = type && isVector(type) ? elementsOf(graph, node.outputs[0]) : undefined;
    if (!elements || elements.some(isOpen) || elements.length !== sizeOf(type!.shape)) continue;
    const data =
      type!.dataType === "int64"
        ? BigInt64Array.from(elements, (element) => BigInt(Number(element)))
        : Int32Array.from(elements, (element) => Number(element));
    graph.replaceNode(node, constantValue(node.outputs[0]!.name, type!.dataType, type!.shape, data));
  }
}

const isVector = ({ dataType, shape }: TensorType): boolean => (dataType === "int64" || dataType === "int32") && shape.length <= 1;

/** reshape(x, shape) with one unknown dimension ⇒ reshape(x) {shape}: 0 for dimensions of x itself, −1 for another. */
export function settleReshapes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [x] = node.inputs;
    const elements = node.op === "reshape" && node.inputs[1] ? elementsOf(graph, node.inputs[1]) : undefined;
    if (!elements || elements.includes(0)) continue;
    const shape = elements.map((element, axis) =>
      isDimensionOf(graph, x!, element, axis) ? 0 : isOpen(element) || Number(element) < 0 ? -1 : Number(element),
    );
    if (shape.filter((dim) => dim === -1).length <= 1) graph.update(node, { inputs: [x!], attributes: { shape } });
  }
}

/** The element is dimension `axis` of x, or of a value that has the same size there: a batch, a number of tokens. */
function isDimensionOf(graph: Rewriter, x: Value, element: Element, axis: number): boolean {
  if (typeof element !== "object" || element.axis !== axis) return false;
  const [own, other] = [x, element.of].map((value) => graph.probedShape(value)?.[axis]);
  return element.of === x || (own === other && own !== 1 && Number.isNaN(graph.type(x)?.shape[axis] ?? 0));
}

/** Not known, or −1 as exporters write it: as long as the operand. */
const isKept = (element: Element): boolean => isOpen(element) || Number(element) < 0;

/** expand(x, shape) whose unknown dimensions are those of x ⇒ expand(x) {shape}, 1 for the unknown ones. */
export function settleExpands(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const elements = node.op === "expand" && node.inputs[1] ? elementsOf(graph, node.inputs[1]) : undefined;
    if (!elements) continue;
    const [from, to] = [node.inputs[0]!, node.outputs[0]!].map((value) => graph.probedShape(value));
    if (!from || to?.length !== from.length || elements.length !== from.length) continue;
    if (elements.some((dim, axis) => isKept(dim) && (to[axis] !== from[axis] || to[axis] === 1))) continue;
    graph.update(node, { inputs: [node.inputs[0]!], attributes: { shape: elements.map((dim) => (isKept(dim) ? 1 : Number(dim))) } });
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
