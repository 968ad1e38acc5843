// Writes small ONNX files for tests, with whatever in them is to be wrong.
import { PbfWriter } from "pbf";

/** ONNX's codes of data types. */
export const ONNX_TYPE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
};
export type OnnxType = keyof typeof ONNX_TYPE;

export interface OnnxTensor {
  readonly name?: string;
  readonly type?: OnnxType | number;
  readonly dims: readonly number[];
  readonly raw?: Uint8Array;
  readonly floats?: readonly number[];
  readonly int32s?: readonly number[];
  readonly int64s?: readonly number[];
  readonly external?: boolean;
}

/** An attribute by its type; integers and floats are told apart. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly tensor: OnnxTensor }
  | { readonly graph: OnnxGraph }
  | { readonly reference: string; readonly type: number };

export interface OnnxNode {
  readonly op: string;
  readonly name?: string;
  readonly domain?: string;
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: { readonly [name: string]: OnnxAttribute };
}

export interface OnnxValue {
  readonly name: string;
  readonly type?: OnnxType | number;
  /** A string is a symbolic dimension; undefined, no shape at all. */
  readonly shape?: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs?: readonly OnnxValue[];
  readonly outputs?: readonly OnnxValue[];
  readonly initializers?: readonly OnnxTensor[];
}

export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxModel extends OnnxGraph {
  readonly opset?: number;
  readonly domains?: { readonly [domain: string]: number };
  readonly functions?: readonly OnnxFunction[];
}

const typeCode = (type: OnnxType | number = "float32"): number => (typeof type === "number" ? type : ONNX_TYPE[type]);

const each = <T>(pbf: PbfWriter, field: number, list: readonly T[] | undefined, write: (item: T, pbf: PbfWriter) => void): void => {
  for (const item of list ?? []) pbf.writeMessage(field, write, item);
};

function writeTensor(tensor: OnnxTensor, pbf: PbfWriter): void {
  for (const dim of tensor.dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, typeCode(tensor.type));
  if (tensor.floats) pbf.writePackedFloat(4, [...tensor.floats]);
  if (tensor.int32s) pbf.writePackedVarint(5, [...tensor.int32s]);
  if (tensor.int64s) pbf.writePackedVarint(7, [...tensor.int64s]);
  if (tensor.name) pbf.writeStringField(8, tensor.name);
  if (tensor.raw) pbf.writeBytesField(9, tensor.raw);
  if (tensor.external) pbf.writeVarintField(14, 1);
}

function writeAttribute([name, attribute]: readonly [string, OnnxAttribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  const type = (code: number) => pbf.writeVarintField(20, code);
  if ("float" in attribute) {
    pbf.writeFloatField(2, attribute.float);
    type(1);
  } else if ("int" in attribute) {
    pbf.writeVarintField(3, attribute.int);
    type(2);
  } else if ("text" in attribute) {
    pbf.writeBytesField(4, new TextEncoder().encode(attribute.text));
    type(3);
  } else if ("tensor" in attribute) {
    pbf.writeMessage(5, writeTensor, attribute.tensor);
    type(4);
  } else if ("graph" in attribute) {
    pbf.writeMessage(6, writeGraph, attribute.graph);
    type(5);
  } else if ("floats" in attribute) {
    for (const value of attribute.floats) pbf.writeFloatField(7, value);
    type(6);
  } else if ("ints" in attribute) {
    for (const value of attribute.ints) pbf.writeVarintField(8, value);
    type(7);
  } else {
    pbf.writeStringField(21, attribute.reference);
    type(attribute.type);
  }
}

function writeNode({ op, name, domain, inputs, outputs, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const input of inputs ?? []) pbf.writeStringField(1, input);
  for (const output of outputs) pbf.writeStringField(2, output);
  if (name) pbf.writeStringField(3, name);
  pbf.writeStringField(4, op);
  each(pbf, 5, Object.entries(attributes ?? {}), writeAttribute);
  if (domain) pbf.writeStringField(7, domain);
}

function writeShape(shape: readonly (number | string)[], pbf: PbfWriter): void {
  each(pbf, 1, shape, (dim, at) => (typeof dim === "number" ? at.writeVarintField(1, dim) : at.writeStringField(2, dim)));
}

function writeValue({ name, type, shape }: OnnxValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  const writeTensorType = (_: unknown, at: PbfWriter) => {
    at.writeVarintField(1, typeCode(type));
    if (shape) at.writeMessage(2, writeShape, shape);
  };
  pbf.writeMessage(2, (_: unknown, at: PbfWriter) => at.writeMessage(1, writeTensorType, undefined), undefined);
}

function writeGraph({ nodes, inputs, outputs, initializers }: OnnxGraph, pbf: PbfWriter): void {
  each(pbf, 1, nodes, writeNode);
  pbf.writeStringField(2, "graph");
  each(pbf, 5, initializers, writeTensor);
  each(pbf, 11, inputs, writeValue);
  each(pbf, 12, outputs, writeValue);
}

function writeFunction(fn: OnnxFunction, pbf: PbfWriter): void {
  pbf.writeStringField(1, fn.name);
  for (const input of fn.inputs) pbf.writeStringField(4, input);
  for (const output of fn.outputs) pbf.writeStringField(5, output);
  each(pbf, 7, fn.nodes, writeNode);
  pbf.writeStringField(10, fn.domain);
}

/** The bytes of a model, of opset 21 if nothing else is said. */
export function writeOnnx({ opset = 21, domains = {}, functions, ...graph }: OnnxModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 8);
  pbf.writeMessage(7, writeGraph, graph);
  each(pbf, 8, Object.entries({ "": opset, ...domains }), ([domain, version], at) => {
    at.writeStringField(1, domain);
    at.writeVarintField(2, version);
  });
  each(pbf, 25, functions, writeFunction);
  return pbf.finish().slice();
}
