// QuantizeLinear and DequantizeLinear with constant scales become `quantize` and `dequantize` on int8 values that carry
// their quantization themselves. uint8 is shifted by 128.
import { constantValue } from "../../graph/constant.ts";
import type { Node, Quantization, TypedArray, Value } from "../../graph/types.ts";
import { sameQuant } from "../constants.ts";
import type { Rewriter } from "../rewrite.ts";

/** What a uint8 element is more than the int8 element that stands for it. */
const SHIFT = 128;

/** Operators that move raw elements about, and do not look at them. */
const MOVES = ["reshape", "transpose", "squeeze", "unsqueeze", "flatten", "slice", "gather", "max_pool2d"];

/** move(x) → dequantize_linear ⇒ dequantize_linear(x) → move, so that it meets what made x. */
export function dequantizeBeforeMoves(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const move = node.op === "dequantize_linear" ? graph.producer(node.inputs[0], ...MOVES) : undefined;
    if (!move || graph.isOutput(move.outputs[0]!) || graph.rank(node.inputs[1]!) !== 0) continue;
    if (move.inputs.slice(1).some((value) => value && !graph.isKnown(value))) continue;
    const x = graph.make("dequantize_linear", [move.inputs[0]!, ...node.inputs.slice(1)], node.attributes);
    graph.replaceNode(node, graph.make(move.op, [x, ...move.inputs.slice(1)], move.attributes));
  }
}

/** dequantize_linear of a constant, of what quantize_linear made, or of 8-bit elements ⇒ dequantize. */
export function readDequantizeLinear(graph: Rewriter): void {
  const twins = new Map<Value, Value[]>();
  for (const node of graph.nodes()) {
    const raw = node.inputs[0];
    const quant = node.op === "dequantize_linear" && raw ? quantOf(graph, node, raw) : undefined;
    if (!quant || !raw) continue;
    const known = twins.get(raw)?.find((value) => sameQuant(value.quant, quant));
    const x = known ?? quantizedForm(graph, raw, quant);
    if (!x) continue;
    twins.set(raw, [...(twins.get(raw) ?? []), x]);
    graph.update(node, { op: "dequantize", inputs: [x], attributes: {} });
  }
}

/** quantize_linear ⇒ quantize, and `recenter` where something reads the uint8 elements as they are. */
export function readQuantizeLinear(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const raw = node.outputs[0]!;
    const quant = node.op === "quantize_linear" ? quantOf(graph, node, raw) : undefined;
    if (!quant || quant.axis !== undefined || graph.dataType(raw) === "int32") continue;
    const y = graph.make("quantize", [node.inputs[0]!], { dataType: "int8" }, { name: raw.name, quant });
    graph.replaceNode(node, graph.dataType(raw) === "uint8" ? graph.make("recenter", [y], { dataType: "uint8" }) : y);
  }
}

/** The quantization that a node's scale and zero point give to the int8 form of `raw`. */
function quantOf(graph: Rewriter, node: Node, raw: Value): Quantization | undefined {
  const [, scaleValue, zeroValue] = node.inputs;
  const dataType = graph.dataType(raw);
  const scale = scaleValue && graph.isKnown(scaleValue) ? graph.known(scaleValue) : undefined;
  if (scale?.dataType !== "float32" || ((node.attributes.blockSize as number | undefined) ?? 0) !== 0) return undefined;
  if (dataType !== "int8" && dataType !== "uint8" && !(dataType === "int32" && graph.isKnown(raw))) return undefined;
  if (zeroValue && !graph.isKnown(zeroValue)) return undefined;
  const zeros = zeroValue ? Array.from(graph.known(zeroValue)!.data as ArrayLike<number>) : [];
  const scales = Array.from(scale.data as ArrayLike<number>);
  const shift = dataType === "uint8" ? SHIFT : 0;
  const zeroPoint = scales.map((_, i) => (zeros[i] ?? 0) - shift);
  if (scales.length === 1) return { scale: scales, zeroPoint };
  const [axis, rank] = [(node.attributes.axis as number | undefined) ?? 1, graph.rank(raw)];
  return rank === undefined ? undefined : { scale: scales, zeroPoint, axis: axis < 0 ? axis + rank : axis };
}

/** The int8 value that stands for raw elements. */
function quantizedForm(graph: Rewriter, raw: Value, quant: Quantization): Value | undefined {
  if (graph.isKnown(raw)) return quantizedConstant(graph, raw, quant);
  if (quant.axis !== undefined) return undefined;
  const source = graph.producer(raw, "quantize_linear");
  const made = source && quantOf(graph, source, raw);
  if (source && made && sameQuant(made, quant))
    return graph.make("quantize", [source.inputs[0]!], { dataType: "int8" }, { name: raw.name, quant });
  const back = graph.producer(raw, "recenter")?.inputs[0];
  if (back && sameQuant(back.quant, quant)) return back;
  if (graph.dataType(raw) === "uint8") return graph.make("recenter", [raw], { dataType: "int8" }, { quant });
  raw.quant ??= quant;
  return sameQuant(raw.quant, quant) ? raw : undefined;
}

function quantizedConstant(graph: Rewriter, raw: Value, quant: Quantization): Value {
  const { dataType, shape, data } = graph.known(raw)!;
  const signed: TypedArray = dataType === "uint8" ? Int8Array.from(data as Uint8Array, (element) => element - SHIFT) : data;
  return constantValue(raw.name, dataType === "uint8" ? "int8" : dataType, shape, signed, quant);
}
