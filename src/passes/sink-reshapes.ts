// Moves reshapes down past operators that do not mind, so that layers meet their activations, and reshapes meet.
import { isStatic, type Node, type Value } from "../graph/types.ts";
import { type ConstantValue, isConstant, reshapeConstant, sameQuant, scalarOf } from "./constants.ts";
import { UNARY } from "./elementwise.ts";
import { askForShape, copiedAxes } from "./merge-views.ts";
import type { Rewriter } from "./rewrite.ts";

/** Operators that work on rows along the last axis. */
const ROWWISE = new Set(["softmax", "log_softmax", "layer_norm", "rms_norm"]);

const ARITHMETIC = ["add", "sub", "mul", "div", "pow", "max", "min"];

/**
 * unary(reshape(x)) ⇒ reshape(unary(x)); binary operators with a number, or with constants along a last axis that the reshape
 * leaves alone, and operators on rows that stay whole, likewise.
 */
export function sinkReshapes(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const index = dataInput(graph, node) ?? channelwiseInput(graph, node);
    const reshape = index === undefined ? undefined : privateReshape(graph, node.inputs[index]!);
    if (!reshape || node.outputs[0]!.quant?.axis !== undefined) continue;
    const operands = node.inputs.map((value) => (index !== undefined && isRow(value) ? asVector(value) : value));
    moveBelow(graph, node, reshape, operands.with(index!, reshape.inputs[0]!));
  }
}

/** matmul(reshape(a), #b) ⇒ reshape(matmul(a, #b)), where the reshape leaves the last axis of a alone. */
export function sinkReshapesPastMatmul(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const [, b, , residual] = node.inputs;
    const reshape = node.op === "matmul" ? privateReshape(graph, node.inputs[0]!) : undefined;
    if (!reshape || residual || !isConstant(b) || b.type.shape.length !== 2 || node.attributes.transposeA === true) continue;
    const [from, to] = [reshape.inputs[0]!, reshape.outputs[0]!].map((value) => graph.type(value)?.shape);
    if (!from || !to || from.length < 2 || from.length <= to.length || from.at(-1) !== to.at(-1)) continue;
    moveBelow(graph, node, reshape, node.inputs.with(0, reshape.inputs[0]!));
  }
}

/** The input of an elementwise operator that decides the shape of its output. */
function dataInput(graph: Rewriter, node: Node): 0 | 1 | undefined {
  if ((UNARY.has(node.op) && node.op !== "dequantize") || isRowwise(graph, node)) return 0;
  const [a, b] = node.inputs;
  if (!ARITHMETIC.includes(node.op) || !a || !b) return undefined;
  if (scalarOf(graph, b) !== undefined && graph.sameShape(a, node.outputs[0]!)) return 0;
  return scalarOf(graph, a) !== undefined && graph.sameShape(b, node.outputs[0]!) ? 1 : undefined;
}

/** The input of a binary operator whose other input is constants along the last axis, which the reshape before it leaves alone. */
function channelwiseInput(graph: Rewriter, node: Node): 0 | 1 | undefined {
  const index = isRow(node.inputs[1]) ? 0 : isRow(node.inputs[0]) ? 1 : undefined;
  const x = index === undefined || !ARITHMETIC.includes(node.op) ? undefined : node.inputs[index];
  const reshape = x && graph.producer(x, "reshape");
  if (!reshape || !graph.sameShape(x, node.outputs[0]!)) return undefined;
  const [from, to] = [reshape.inputs[0]!, x].map((value) => graph.type(value)?.shape.at(-1));
  return from === to && from !== undefined && !Number.isNaN(from) ? index : undefined;
}

/** Float constants along the last axis alone. */
const isRow = (value: Value | null | undefined): value is ConstantValue =>
  isConstant(value) && !value.quant && value.type.shape.every((dim, axis, { length }) => dim === 1 || axis === length - 1);

const asVector = (value: ConstantValue): Value => reshapeConstant(value, value.type.shape.slice(-1));

/** Only the last axis matters to the operator, and the reshape before it leaves that axis alone. */
function isRowwise(graph: Rewriter, node: Node): boolean {
  const reshape = ROWWISE.has(node.op) ? graph.producer(node.inputs[0], "reshape") : undefined;
  const [from, to] = [reshape?.inputs[0], reshape?.outputs[0]].map((value) => value && graph.type(value)?.shape);
  const axis = (node.attributes.axis as number | undefined) ?? -1;
  return Boolean(from && to && from.at(-1) === to.at(-1) && (axis === -1 || axis === to.length - 1));
}

/** The reshape that makes a value for one reader; none where it starts from the graph's input or ends at its output. */
function privateReshape(graph: Rewriter, value: Value): Node | undefined {
  const reshape = graph.producer(value, "reshape");
  const from = reshape?.inputs[0];
  if (!reshape || !from || reshape.inputs.length > 1 || !graph.soleUser(value) || !graph.producer(from)) return undefined;
  return sameQuant(from.quant, value.quant) && from.quant?.axis === undefined ? reshape : undefined;
}

function moveBelow(graph: Rewriter, node: Node, reshape: Node, inputs: (Value | null)[]): void {
  const [y] = node.outputs;
  const shape = askForShape(graph.type(y!)?.shape, copiedAxes(graph, reshape));
  if (!shape || !isStatic(graph.probedShape(reshape.inputs[0]!) ?? [Number.NaN])) return;
  const attributes = ROWWISE.has(node.op) ? { ...node.attributes, axis: -1 } : node.attributes;
  const above = graph.make(node.op, inputs, attributes, { quant: y!.quant });
  graph.replaceNode(node, graph.make("reshape", [above], { shape }, { name: y!.name, quant: y!.quant }));
}
