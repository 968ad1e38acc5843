// Layers between dequantize and quantize become layers on int8.
import { constantElements, constantValue } from "../../graph/constant.ts";
import type { Node, Quantization, Value } from "../../graph/types.ts";
import { type ConstantValue, floatsOf, isConstant, transposeConstant } from "../constants.ts";
import { plainLayer } from "../fuse-affine.ts";
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

/** add(layer, dequantize(#bias)) → quantize ⇒ the layer with that bias. */
export function fuseQuantizedBias(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    if (node.op !== "add" || !quantizedReader(graph, node.outputs[0]!)) continue;
    for (const [x, bias] of [node.inputs, node.inputs.toReversed()] as [Value, Value][]) {
      const layer = plainLayer(graph, x, LAYERS);
      const isBias =
        isConstant(quantizedConstant(graph, bias)) && String(graph.type(bias)?.shape) === String(graph.type(x)?.shape.slice(-1));
      if (!layer || layer.inputs[2] || !isBias || !quantizedConstant(graph, layer.inputs[1]!)) continue;
      graph.update(layer, { inputs: [layer.inputs[0]!, layer.inputs[1]!, bias], attributes: { ...layer.attributes, ...node.attributes } });
      graph.replaceNode(node, x);
      break;
    }
  }
}

const quantizedConstant = (graph: Rewriter, value: Value): ConstantValue | undefined => {
  const source = graph.producer(value, "dequantize")?.inputs[0];
  return isConstant(source) && source.quant ? source : undefined;
};

/** The bias as int32 in steps of the product of both scales; undefined when it is computed. */
function quantizedBias(graph: Rewriter, bias: Value, x: Quantization, weight: Quantization): Value | undefined {
  const scale = weight.scale.map((value) => Math.fround(value * x.scale[0]!));
  const quant: Quantization = { scale, zeroPoint: scale.map(() => 0), ...(scale.length > 1 && { axis: 0 }) };
  const source = quantizedConstant(graph, bias);
  if (source?.type.dataType === "int32" && isNear(source.quant!, quant)) return { ...source, quant };
  const reals = source ? realsOf(source) : floatsOf(bias);
  const steps = reals && Int32Array.from(reals, (value, i) => Math.round(value / scale[scale.length > 1 ? i : 0]!));
  return steps && constantValue(bias.name, "int32", [steps.length], steps, quant);
}

/** What the elements of a quantized constant of one axis stand for. */
function realsOf(value: ConstantValue): Float64Array {
  const { scale, zeroPoint } = value.quant!;
  const at = (i: number) => (scale.length > 1 ? i : 0);
  return Float64Array.from(constantElements(value) as Int8Array, (step, i) => (step - zeroPoint[at(i)]!) * scale[at(i)]!);
}

/** The scales agree as far as float32 rounding lets them. */
function isNear(actual: Quantization, wanted: Quantization): boolean {
  const scaleAt = (quant: Quantization, i: number) => quant.scale[quant.scale.length > 1 ? i : 0]!;
  const length = Math.max(actual.scale.length, wanted.scale.length);
  const agree = (i: number) => Math.abs(scaleAt(actual, i) - scaleAt(wanted, i)) <= 1e-5 * scaleAt(wanted, i);
  return actual.zeroPoint.every((zero) => zero === 0) && Array.from({ length }, (_, i) => i).every(agree);
}
