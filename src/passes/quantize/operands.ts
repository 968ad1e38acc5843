// What stands before and after an operator that could work on int8.
import { constantValue } from "../../graph/constant.ts";
import type { Node, Value } from "../../graph/types.ts";
import { scalarOf } from "../constants.ts";
import type { Rewriter } from "../rewrite.ts";

/** The int8 value behind a dequantize. */
export function quantizedSource(graph: Rewriter, value: Value): Value | undefined {
  const source = graph.producer(value, "dequantize")?.inputs[0];
  return source?.quant && (graph.dataType(source) === "int8" || source.type?.dataType === "int8") ? source : undefined;
}

/** The int8 value behind a dequantize, or a number as one: a number has a scale that makes it exact. */
export function quantizedOperand(graph: Rewriter, value: Value): Value | undefined {
  const number = scalarOf(graph, value);
  if (number === undefined || graph.dataType(value) !== "float32") return quantizedSource(graph, value);
  const quant = { scale: [Math.abs(number) || 1], zeroPoint: [0] };
  return constantValue(value.name, "int8", graph.type(value)!.shape, Int8Array.of(Math.sign(number)), quant);
}

/** The quantize that alone reads a value. */
export function quantizedReader(graph: Rewriter, value: Value): Node | undefined {
  const reader = graph.soleUser(value);
  return reader?.op === "quantize" && reader.outputs[0]!.quant?.axis === undefined ? reader : undefined;
}
