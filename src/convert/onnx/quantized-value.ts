// Raw quantized tensors of ONNX as the graph's quantized values: int8 with a scale and a zero point of their own.
// uint8 is shifted by 128; each raw value keeps its quantized twin, so that a chain of operators stays int8.
import { constantElements } from "../../graph/constant.ts";
import { type Constant, type Quantization, sizeOf, type Value } from "../../graph/types.ts";
import type { NodeContext } from "./node-context.ts";

/** Inputs of a node that hold a scale and a zero point. */
export interface ScaleInputs {
  readonly scale: number;
  readonly zero: number;
}

const PACKED = "packed integers";
const TWIN = "quantized twin";

/** Notes that a constant's integers have less than 8 bits in the model. */
export function markPacked(shared: Map<string, Map<Value, Value>>, value: Value): void {
  shared.set(PACKED, (shared.get(PACKED) ?? new Map<Value, Value>()).set(value, value));
}

/** True for a constant whose integers have less than 8 bits in the model. */
export const packedIntegers = (node: NodeContext, value: Value): boolean => node.recall(PACKED, value) !== undefined;

/** What QuantizeLinear and its kin say, for int8: undefined where scales are known to a run only. */
export function quantizationAt(node: NodeContext, { scale, zero }: ScaleInputs, axis?: number): Quantization | undefined {
  const scales = node.elements(scale);
  const zeroPoints = node.optional(zero) ? node.elements(zero) : [0];
  if (!scales || !zeroPoints || node.type(node.input(scale)).dataType !== "float32") return undefined;
  const shift = node.optional(zero) && node.type(node.input(zero)).dataType === "int8" ? 0 : 128;
  const perAxis = scales.length > 1 && axis !== undefined ? { axis } : {};
  if (scales.length > 1 && axis === undefined) return undefined;
  return { scale: scales, zeroPoint: scales.map((_, i) => (zeroPoints[i] ?? zeroPoints[0]!) - shift), ...perAxis };
}

const sameQuant = (a: Quantization | undefined, b: Quantization): boolean =>
  a !== undefined && String(a.scale) === String(b.scale) && String(a.zeroPoint) === String(b.zeroPoint);

/** The int8 value of a raw tensor; undefined without a quantization. */
export function quantizedInput(node: NodeContext, raw: Value, quant: Quantization | undefined): Value | undefined {
  if (!quant) return undefined;
  const twin = twinOf(node, raw, quant);
  if (twin) return twin;
  const { dataType } = node.type(raw);
  if (dataType !== "int8" && dataType !== "uint8") return undefined;
  if (raw.constant) return quantizedConstant(node, raw as Value & { constant: Constant }, quant);
  const source = node.builder.producer(raw);
  const value =
    source?.op === "quantize_linear" && source.inputs[0]
      ? node.emit("quantize", [source.inputs[0]], { dataType: "int8" })
      : recentered(node, raw);
  value.quant = quant;
  node.remember(TWIN, raw, () => value);
  return value;
}

/** The quantized value that a raw one was made from; through operators that only move elements, which then move its own. */
function twinOf(node: NodeContext, raw: Value, quant: Quantization): Value | undefined {
  const twin = node.recall(TWIN, raw);
  if (twin) return sameQuant(twin.quant, quant) ? twin : undefined;
  const move = node.builder.producer(raw);
  if (move?.outputs.length !== 1 || !node.builder.movesElements(move)) return undefined;
  const source = twinOf(node, move.inputs[0]!, quant);
  return source && node.remember(TWIN, raw, () => node.emit(move.op, [source, ...move.inputs.slice(1)], move.attributes));
}

/** The same bits as int8; two steps where they are int8 already, so that the value can have a quantization of its own. */
function recentered(node: NodeContext, raw: Value): Value {
  const other = node.emit("recenter", [raw], { dataType: node.type(raw).dataType === "uint8" ? "int8" : "uint8" });
  return node.type(raw).dataType === "uint8" ? other : node.emit("recenter", [other], { dataType: "int8" });
}

function quantizedConstant(node: NodeContext, raw: Value & { constant: Constant }, quant: Quantization): Value {
  const elements = constantElements(raw);
  const centered = elements instanceof Int8Array ? elements : Int8Array.from(elements as Uint8Array, (value) => value - 128);
  const value = node.builder.constant(raw.name, "int8", raw.type!.shape, centered);
  value.quant = quant;
  return value;
}

/** Constant weights as int8; undefined where they are no constants. */
export const quantizedWeights = (node: NodeContext, raw: Value, quant: Quantization | undefined): Value | undefined =>
  raw.constant && quant
    ? node.remember(`quantized ${quant.scale} ${quant.zeroPoint}`, raw, () => quantizedInput(node, raw, quant)!)
    : undefined;

/** An int32 bias in units of the product of both scales. */
export function biasValue(node: NodeContext, bias: Value, x: Quantization, weights: Quantization): Value {
  if (!bias.constant) return bias;
  const scale = weights.scale.map((value) => Math.fround(x.scale[0]! * value));
  const perAxis = scale.length > 1 ? { axis: 0 } : {};
  const elements = constantElements(bias as Value & { constant: Constant });
  const value = node.builder.constant(bias.name, "int32", [sizeOf(bias.type!.shape)], elements);
  value.quant = { scale, zeroPoint: scale.map(() => 0), ...perAxis };
  return value;
}

/** The raw tensor that ONNX sees of an int8 result, whose twin the result becomes. */
export function quantizedResult(node: NodeContext, y: Value, quant: Quantization, { zero }: ScaleInputs): Value {
  y.quant = quant;
  const isSigned = node.optional(zero) !== null && node.type(node.input(zero)).dataType === "int8";
  const raw = isSigned ? y : node.emit("recenter", [y], { dataType: "uint8" });
  node.remember(TWIN, raw, () => y);
  return raw;
}

/** A raw tensor as float32. */
export function dequantized(node: NodeContext, raw: Value, { scale, zero }: ScaleInputs, axis = 1): Value {
  return node.emit("dequantize_linear", [raw, node.input(scale), node.optional(zero)], { axis });
}

/** Float32 as a raw tensor. */
export function requantized(node: NodeContext, y: Value, { scale, zero }: ScaleInputs): Value {
  const point = node.optional(zero);
  return node.emit("quantize_linear", [y, node.input(scale), point], { axis: 1, dataType: point ? node.type(point).dataType : "uint8" });
}
