// Operators between dequantize and quantize work on int8 themselves.
import { isStatic, type Node, type Value } from "../../graph/types.ts";
import { isConstant, reshapeConstant, reshapeQuant } from "../constants.ts";
import { UNARY } from "../elementwise.ts";
import type { Rewriter } from "../rewrite.ts";
import { quantizedOperand, quantizedReader, quantizedSource } from "./operands.ts";

/** Real functions of one quantized operand; what else they take is as it is. */
const ON_FIRST = new Set([
  ...[...UNARY].filter(
    (op) => !["cast", "recenter", "quantize", "dequantize", "requantize", "is_nan", "is_inf", "logical_not", "bitwise_not"].includes(op),
  ),
  ...["softmax", "log_softmax", "average_pool2d", "max_pool2d", "resize", "pad"],
  ...["reduce_mean", "reduce_sum", "reduce_max", "reduce_min"],
]);

/** Real functions of operands that are all quantized. */
const ON_ALL = new Set(["add", "sub", "mul", "div", "max", "min", "squared_difference", "concat", "prelu"]);

/** op(dequantize(x), …) → quantize ⇒ op(x, …) on int8. */
export function quantizeOperators(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!ON_FIRST.has(node.op) && !ON_ALL.has(node.op)) continue;
    const reader = quantizedReader(graph, node.outputs[0]!);
    const inputs = reader && quantizedInputs(graph, node);
    if (!inputs || node.attributes.activation !== undefined) continue;
    graph.replaceNode(
      reader,
      graph.make(node.op, inputs, attributesOf(node), { name: reader.outputs[0]!.name, quant: reader.outputs[0]!.quant }),
    );
  }
}

/** The average of a window is often in the middle between two steps: it is taken as the operators around it say. */
const attributesOf = ({ op, attributes }: Node) => (op === "average_pool2d" ? { ...attributes, rounding: "real" } : attributes);

/** The operands on int8, when all that should be are; at least one is not a constant. */
function quantizedInputs(graph: Rewriter, node: Node): (Value | null)[] | undefined {
  const inputs: (Value | null)[] = [];
  for (const [i, value] of node.inputs.entries()) {
    const isOperand = ON_ALL.has(node.op) || i === 0;
    const quantized = value && isOperand ? quantizedOperand(graph, value) : value;
    if (value && !quantized) return undefined;
    inputs.push(quantized ?? null);
  }
  return inputs.some((value) => value?.quant && !value.constant) ? inputs : undefined;
}

/** Operators that choose and move elements, and so do not care what they stand for. */
const MOVES = new Set(
  "reshape squeeze unsqueeze flatten transpose slice strided_slice split gather gather_nd depth_to_space space_to_depth max_pool2d".split(
    " ",
  ),
);

/** move(dequantize(x)) ⇒ dequantize(move(x)). */
export function dequantizeAfterMoves(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const x = isMove(graph, node) ? quantizedSource(graph, node.inputs[0]!) : undefined;
    if (!x || x.constant || x.quant?.axis !== undefined) continue;
    const outputs = node.outputs.map((value) => value && { name: graph.freshName(value.name, "int8"), quant: x.quant });
    graph.add({ ...node, inputs: node.inputs.with(0, x), outputs });
    for (const [i, value] of node.outputs.entries())
      if (value) graph.replaceValue(value, graph.make("dequantize", [outputs[i]!], {}, { name: value.name }));
    graph.remove(node);
  }
}

/** reshape(dequantize(#x)) ⇒ dequantize(#x), of that shape: weights of layers over one dimension become those of images. */
export function dequantizeReshaped(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const x = node.op === "reshape" ? graph.producer(node.inputs[0], "dequantize")?.inputs[0] : undefined;
    const shape = graph.type(node.outputs[0]!)?.shape;
    if (!isConstant(x) || !x.quant || !shape || !isStatic(shape)) continue;
    const quant = reshapeQuant(x.quant, x.type.shape, shape);
    if (!quant) continue;
    const reshaped = { ...reshapeConstant(x, shape), name: graph.freshName(x.name, "reshaped"), quant };
    graph.replaceNode(node, graph.make("dequantize", [reshaped], {}, { name: node.outputs[0]!.name }));
  }
}

/** A maximum may have bounds of its own; zeros that are added need a step that means 0. */
function isMove(graph: Rewriter, node: Node): boolean {
  if (node.op === "concat") return false;
  if (node.op === "max_pool2d") return node.attributes.min === undefined && node.attributes.max === undefined;
  if (node.op === "resize") return node.attributes.mode === "nearest";
  if (node.op === "pad") return padsWithSteps(graph, node);
  return MOVES.has(node.op);
}

function padsWithSteps(graph: Rewriter, { attributes, inputs }: Node): boolean {
  const isCopied = (attributes.mode ?? "constant") !== "constant";
  const quant = quantizedSource(graph, inputs[0]!)?.quant;
  const isZero = ((attributes.value as number | undefined) ?? 0) === 0 && !inputs[2] && Math.abs(quant?.zeroPoint[0] ?? 999) <= 128;
  return isCopied || isZero;
}

/** concat(dequantize(x), dequantize(y)), quantized alike ⇒ dequantize(concat(x, y)). */
export function dequantizeAfterConcat(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "concat") continue;
    const inputs = node.inputs.map((value) => (value ? quantizedSource(graph, value) : undefined));
    const [first] = inputs;
    const isAlike =
      first &&
      inputs.every(
        (value) =>
          value &&
          String(value.quant!.scale) === String(first.quant!.scale) &&
          String(value.quant!.zeroPoint) === String(first.quant!.zeroPoint),
      );
    if (!isAlike || inputs.every((value) => value!.constant)) continue;
    const joined = graph.make("concat", inputs as Value[], node.attributes, { quant: first.quant });
    graph.replaceNode(node, graph.make("dequantize", [joined], {}, { name: node.outputs[0]!.name }));
  }
}
