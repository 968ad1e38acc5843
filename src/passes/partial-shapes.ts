// Shapes as far as they can be told before a run: vectors of integers that a model computes from the shapes of values
// whose dimensions are partly open.
import type { Node, Value } from "../graph/types.ts";
import type { Rewriter } from "./rewrite.ts";

/** A dimension that only a run tells. */
export interface Open {
  readonly of: Value;
  readonly axis: number;
}

/** An element of a shape; NaN where it is computed from open dimensions. */
export type Element = number | Open;
type Elements = readonly Element[];

/** Not a number yet; −1 is one. */
export const isOpen = (element: Element | undefined): boolean => typeof element !== "number" || Number.isNaN(element);

/** The elements of a vector of integers as far as they can be told. Undefined when nothing is known. */
export function elementsOf(graph: Rewriter, value: Value | null | undefined): Elements | undefined {
  if (!value) return undefined;
  if (graph.isKnown(value)) return Array.from(graph.known(value)!.data as ArrayLike<number | bigint>, Number);
  const node = graph.producer(value);
  return node && Object.hasOwn(SOURCES, node.op) ? SOURCES[node.op]!(graph, node) : undefined;
}

type Source = (graph: Rewriter, node: Node) => Elements | undefined;

const numbers = (node: Node, name: string): readonly number[] | undefined => node.attributes[name] as readonly number[] | undefined;

const first: Source = (graph, node) => elementsOf(graph, node.inputs[0]);

/** Element by element, from operands of one length or of one element. */
const elementwise =
  (compute: (...operands: Element[]) => Element): Source =>
  (graph, node) => {
    const operands = node.inputs.map((value) => elementsOf(graph, value));
    if (operands.some((operand) => !operand?.length)) return undefined;
    const length = Math.max(...operands.map((operand) => operand!.length));
    if (operands.some((operand) => operand!.length !== 1 && operand!.length !== length)) return undefined;
    return Array.from({ length }, (_, i) => compute(...operands.map((operand) => operand![operand!.length === 1 ? 0 : i]!)));
  };

const arithmetic = (compute: (a: number, b: number) => number): Source =>
  elementwise((a, b) => (isOpen(a) || isOpen(b) ? Number.NaN : compute(Number(a), Number(b))));

/** A dimension is never negative, even before it is known. */
function areEqual(a: Element, b: Element): number {
  if (!isOpen(a) && !isOpen(b)) return Number(a === b);
  return (typeof a === "object" && Number(b) < 0) || (typeof b === "object" && Number(a) < 0) ? 0 : Number.NaN;
}

/** What becomes of partly known elements in the operators that shapes are computed with. */
const SOURCES: { readonly [op: string]: Source } = {
  shape: (graph, node) => {
    const x = node.inputs[0]!;
    const dims = graph.type(x)?.shape.map((dim, axis): Element => (Number.isNaN(dim) ? { of: x, axis } : dim));
    return dims?.slice((node.attributes.start as number) ?? 0, (node.attributes.end as number) ?? dims.length);
  },
  cast: first,
  reshape: first,
  squeeze: first,
  unsqueeze: first,
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
    const isPlain = begin?.length === 1 && end?.length === 1 && (numbers(node, "strides")?.[0] ?? 1) === 1;
    if (!from || !isPlain || ellipsisMask || newAxisMask) return undefined;
    if (shrinkAxisMask) return [from.at(begin[0]!) ?? Number.NaN];
    return from.slice(beginMask ? 0 : begin[0], endMask ? from.length : end[0]);
  },
  add: arithmetic((a, b) => a + b),
  sub: arithmetic((a, b) => a - b),
  mul: arithmetic((a, b) => a * b),
  equal: elementwise((a, b) => areEqual(a!, b!)),
  where: elementwise((condition, a, b) => (isOpen(condition) ? Number.NaN : condition ? a! : b!)),
};
