// Layers between dequantize and quantize become layers on int8.
import { constantValue } from "../../graph/constant.ts";
import type { Node, Quantization, Value } from "../../graph/types.ts";
import { type ConstantValue, isConstant, transposeConstant } from "../constants.ts";
import type { Rewriter } from "../rewrite.ts";
import { quantizedReader, quantizedSource } from "./operands.ts";

const LAYERS = ["conv2d", "conv_transpose2d", "matmul"];

/** layer(dequantize(x), dequantize(#w), bias) → quantize ⇒ layer(x, #w, #bias) on int8, the bias in steps of both scales. */
export function quantizeLayers(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (!LAYERS.includes(node.op) || node.attributes.activation !== undefined || (node.attributes.alpha ?? 1) !== 1) continue;
    const reader = quantizedReader(graph, node.outputs[0]!);
    const x = quantizedSource(graph, node.inputs[0]!);
    const weight = quantizedSource(graph, node.inputs[1]!);
    if (!reader || !x?.quant || !weight?.quant || node.inputs[3]) continue;
    const bias = node.inputs[2] ? quantizedBias(graph, node.inputs[2], x.quant, weight.quant) : undefined;
    if (node.inputs[2] && !bias) continue;
    const quantized = rowsByOutput(node, weight);
    const inputs = [x, quantized.weight, ...(bias ? [bias] : [])];
    const y = graph.make(node.op, inputs, quantized.attributes, { name: reader.outputs[0]!.name, quant: reader.outputs[0]!.quant });
    graph.replaceNode(reader, y);
  }
}

/** A dense layer has one row of weights for each output. */
function rowsByOutput(node: Node, weight: Value): { weight: Value; attributes: Node["attributes"] } {
  const isPlain = node.op !== "matmul" || node.attributes.transposeB === true || !isConstant(weight) || weight.type.shape.length !== 2;
  if (isPlain) return { weight, attributes: node.attributes };
  return { weight: transposeConstant(weight as ConstantValue, [1, 0]), attributes: { ...node.attributes, transposeB: true } };
}

/** The bias as int32 in steps of the product of both scales; undefined when it is computed. */
function quantizedBias(graph: Rewriter, bias: Value, x: Quantization, weight: Quantization): Value | undefined {
  const scale = weight.scale.map((value) => Math.fround(value * x.scale[0]!));
  const quant: Quantization = { scale, zeroPoint: scale.map(() => 0), ...(scale.length > 1 && { axis: 0 }) };
  const source = graph.producer(bias, "dequantize")?.inputs[0];
  if (isConstant(source) && source.type.dataType === "int32" && source.quant && isNear(source.quant, quant)) {
    return { ...source, quant };
  }
  const reals = graph.isKnown(bias) ? graph.known(bias) : undefined;
  if (reals?.dataType !== "float32") return undefined;
  const steps = Int32Array.from(reals.data as Float32Array, (value, i) => Math.round(value / scale[scale.length > 1 ? i : 0]!));
  return constantValue(bias.name, "int32", reals.shape, steps, quant);
}

/** The scales agree as far as float32 rounding lets them. */
function isNear(actual: Quantization, wanted: Quantization): boolean {
  const scaleAt = (quant: Quantization, i: number) => quant.scale[quant.scale.length > 1 ? i : 0]!;
  const length = Math.max(actual.scale.length, wanted.scale.length);
  const agree = (i: number) => Math.abs(scaleAt(actual, i) - scaleAt(wanted, i)) <= 1e-5 * scaleAt(wanted, i);
  return actual.zeroPoint.every((zero) => zero === 0) && Array.from({ length }, (_, i) => i).every(agree);
}
