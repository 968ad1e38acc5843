// Types, values and graphs as text: `i8[1,56,56,64]`, and one line a node. Used by errors, `inspect` and snapshots.
import type { Attribute, Attributes, DataType, Graph, Node, TensorType, Value } from "./types.ts";

const SHORT: { readonly [T in DataType]: string } = {
  float32: "f32",
  float16: "f16",
  float64: "f64",
  int8: "i8",
  uint8: "u8",
  int16: "i16",
  uint16: "u16",
  int32: "i32",
  uint32: "u32",
  int64: "i64",
  uint64: "u64",
  bool: "bool",
};

const dims = (shape: readonly number[]): string => shape.map((dim) => (Number.isNaN(dim) ? "?" : dim)).join(",");

/** `f32[1,224,224,3]`; an unknown dimension is `?`. */
export const printType = (type: TensorType | undefined): string => (type ? `${SHORT[type.dataType]}[${dims(type.shape)}]` : "?");

/** `float32[1,224,224,3]`: the type by the names that callers use. */
export const printPublicType = (type: TensorType): string => `${type.dataType}[${dims(type.shape)}]`;

function printAttribute(value: Attribute): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.join(",")}]`;
  if (typeof value === "object") return `{${(value as Graph).nodes.length} nodes}`;
  return String(value);
}

/** `{strides=[1,1] groups=1}`, or nothing. */
export function printAttributes(attributes: Attributes): string {
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return entries.length ? ` {${entries.map(([name, value]) => `${name}=${printAttribute(value as Attribute)}`).join(" ")}}` : "";
}

const printQuant = ({ quant }: Value): string => {
  if (!quant) return "";
  return quant.scale.length > 1 ? ` q×${quant.scale.length}` : ` q(${Number(quant.scale[0]).toPrecision(4)},${quant.zeroPoint[0]})`;
};

const printValue = (value: Value | null): string => (value ? `${value.constant ? "#" : "%"}${value.name}` : "–");

/** One line: outputs with types = op(inputs) {attributes}. */
export function printNode(node: Node): string {
  const outputs = node.outputs.map((value) => (value ? `${printValue(value)}:${printType(value.type)}${printQuant(value)}` : "–"));
  return `${outputs.join(", ")} = ${node.op}(${node.inputs.map(printValue).join(", ")})${printAttributes(node.attributes)}`;
}

/** The whole graph: inputs, constants, nodes and outputs, a line each. */
export function printGraph(graph: Graph): string {
  const constants = new Set(graph.nodes.flatMap((node) => node.inputs.filter((value): value is Value => Boolean(value?.constant))));
  return [
    ...graph.inputs.map((value) => `input %${value.name}:${printType(value.type)}${printQuant(value)}`),
    ...[...constants].map((value) => `const #${value.name}:${printType(value.type)}${printQuant(value)}`),
    ...graph.nodes.map(printNode),
    ...graph.outputs.map((value, i) => `output ${printValue(value)} as "${graph.outputNames?.[i] ?? value.name}"`),
  ].join("\n");
}
