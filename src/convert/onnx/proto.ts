// ONNX's messages as plain objects: the fields that an import needs, and nothing about what they mean.
import { LanewiseError, messageOf } from "../../errors.ts";
import { type Fields, ProtoReader } from "./proto-reader.ts";

export interface TensorProto {
  name: string;
  dims: number[];
  dataType: number;
  raw: Uint8Array | undefined;
  floats: number[];
  integers: number[];
  bigints: bigint[];
  doubles: number[];
  hasStrings: boolean;
  isExternal: boolean;
}

/** A dimension is a number, a name, or null where nothing is said. */
export interface ValueProto {
  name: string;
  /** "tensor", or what else the value is. */
  kind: string;
  dataType: number;
  shape: (number | string | null)[] | undefined;
}

export interface AttributeProto {
  name: string;
  type: number;
  reference: string;
  float: number;
  integer: number;
  string: Uint8Array | undefined;
  tensor: TensorProto | undefined;
  graph: GraphProto | undefined;
  floats: number[];
  integers: number[];
  strings: string[];
}

export interface NodeProto {
  name: string;
  opType: string;
  domain: string;
  overload: string;
  inputs: string[];
  outputs: string[];
  attributes: AttributeProto[];
}

export interface GraphProto {
  name: string;
  nodes: NodeProto[];
  initializers: TensorProto[];
  hasSparse: boolean;
  inputs: ValueProto[];
  outputs: ValueProto[];
  values: ValueProto[];
}

export interface FunctionProto {
  name: string;
  domain: string;
  overload: string;
  inputs: string[];
  outputs: string[];
  attributes: string[];
  defaults: AttributeProto[];
  nodes: NodeProto[];
  opsets: OpsetProto[];
}

export interface OpsetProto {
  domain: string;
  version: number;
}

export interface ModelProto {
  irVersion: number;
  graph: GraphProto | undefined;
  opsets: OpsetProto[];
  functions: FunctionProto[];
}

const TENSOR: Fields<TensorProto> = {
  1: (tensor, reader) => reader.integers(tensor.dims),
  2: (tensor, reader) => (tensor.dataType = reader.integer()),
  4: (tensor, reader) => reader.floats(tensor.floats),
  5: (tensor, reader) => reader.integers(tensor.integers),
  6: (tensor, reader) => {
    reader.bytes();
    tensor.hasStrings = true;
  },
  7: (tensor, reader) => reader.bigints(tensor.bigints),
  8: (tensor, reader) => (tensor.name = reader.string()),
  9: (tensor, reader) => (tensor.raw = reader.bytes()),
  10: (tensor, reader) => reader.doubles(tensor.doubles),
  11: (tensor, reader) => reader.bigints(tensor.bigints),
  14: (tensor, reader) => (tensor.isExternal = reader.integer() === 1),
};

const readTensor = (reader: ProtoReader): TensorProto =>
  reader.message("a tensor", TENSOR, {
    name: "",
    dims: [],
    dataType: 0,
    raw: undefined,
    floats: [],
    integers: [],
    bigints: [],
    doubles: [],
    hasStrings: false,
    isExternal: false,
  });

const DIMENSION: Fields<{ value: number | string | null }> = {
  1: (dimension, reader) => (dimension.value = reader.integer()),
  2: (dimension, reader) => (dimension.value = reader.string()),
};

const SHAPE: Fields<(number | string | null)[]> = {
  1: (shape, reader) => shape.push(reader.message("a dimension", DIMENSION, { value: null as number | string | null }).value),
};

const TENSOR_TYPE: Fields<ValueProto> = {
  1: (value, reader) => (value.dataType = reader.integer()),
  2: (value, reader) => (value.shape = reader.message("a shape", SHAPE, [])),
};

const otherType = (kind: string) => (value: ValueProto, reader: ProtoReader) => {
  reader.bytes();
  value.kind = kind;
};

const TYPE: Fields<ValueProto> = {
  1: (value, reader) => {
    value.kind = "tensor";
    reader.message("a tensor type", TENSOR_TYPE, value);
  },
  4: otherType("sequence"),
  5: otherType("map"),
  7: otherType("opaque"),
  8: otherType("sparse tensor"),
  9: otherType("optional"),
};

const VALUE: Fields<ValueProto> = {
  1: (value, reader) => (value.name = reader.string()),
  2: (value, reader) => reader.message("a type", TYPE, value),
};

const readValue = (reader: ProtoReader): ValueProto =>
  reader.message("a value", VALUE, { name: "", kind: "", dataType: 0, shape: undefined });

const ATTRIBUTE: Fields<AttributeProto> = {
  1: (attribute, reader) => (attribute.name = reader.string()),
  2: (attribute, reader) => (attribute.float = reader.float()),
  3: (attribute, reader) => (attribute.integer = reader.integer()),
  4: (attribute, reader) => (attribute.string = reader.bytes()),
  5: (attribute, reader) => (attribute.tensor = readTensor(reader)),
  6: (attribute, reader) => (attribute.graph = readGraph(reader)),
  7: (attribute, reader) => reader.floats(attribute.floats),
  8: (attribute, reader) => reader.integers(attribute.integers),
  9: (attribute, reader) => attribute.strings.push(reader.string()),
  20: (attribute, reader) => (attribute.type = reader.integer()),
  21: (attribute, reader) => (attribute.reference = reader.string()),
};

const readAttribute = (reader: ProtoReader): AttributeProto =>
  reader.message("an attribute", ATTRIBUTE, {
    name: "",
    type: 0,
    reference: "",
    float: 0,
    integer: 0,
    string: undefined,
    tensor: undefined,
    graph: undefined,
    floats: [],
    integers: [],
    strings: [],
  });

const NODE: Fields<NodeProto> = {
  1: (node, reader) => node.inputs.push(reader.string()),
  2: (node, reader) => node.outputs.push(reader.string()),
  3: (node, reader) => (node.name = reader.string()),
  4: (node, reader) => (node.opType = reader.string()),
  5: (node, reader) => node.attributes.push(readAttribute(reader)),
  7: (node, reader) => (node.domain = reader.string()),
  8: (node, reader) => (node.overload = reader.string()),
};

const readNode = (reader: ProtoReader): NodeProto =>
  reader.message("a node", NODE, { name: "", opType: "", domain: "", overload: "", inputs: [], outputs: [], attributes: [] });

const GRAPH: Fields<GraphProto> = {
  1: (graph, reader) => graph.nodes.push(readNode(reader)),
  2: (graph, reader) => (graph.name = reader.string()),
  5: (graph, reader) => graph.initializers.push(readTensor(reader)),
  11: (graph, reader) => graph.inputs.push(readValue(reader)),
  12: (graph, reader) => graph.outputs.push(readValue(reader)),
  13: (graph, reader) => graph.values.push(readValue(reader)),
  15: (graph, reader) => {
    reader.bytes();
    graph.hasSparse = true;
  },
};

const readGraph = (reader: ProtoReader): GraphProto =>
  reader.message("a graph", GRAPH, { name: "", nodes: [], initializers: [], hasSparse: false, inputs: [], outputs: [], values: [] });

const OPSET: Fields<OpsetProto> = {
  1: (opset, reader) => (opset.domain = reader.string()),
  2: (opset, reader) => (opset.version = reader.integer()),
};

const readOpset = (reader: ProtoReader): OpsetProto => reader.message("an opset import", OPSET, { domain: "", version: 0 });

const FUNCTION: Fields<FunctionProto> = {
  1: (fn, reader) => (fn.name = reader.string()),
  4: (fn, reader) => fn.inputs.push(reader.string()),
  5: (fn, reader) => fn.outputs.push(reader.string()),
  6: (fn, reader) => fn.attributes.push(reader.string()),
  7: (fn, reader) => fn.nodes.push(readNode(reader)),
  9: (fn, reader) => fn.opsets.push(readOpset(reader)),
  10: (fn, reader) => (fn.domain = reader.string()),
  11: (fn, reader) => fn.defaults.push(readAttribute(reader)),
  13: (fn, reader) => (fn.overload = reader.string()),
};

const readFunction = (reader: ProtoReader): FunctionProto =>
  reader.message("a function", FUNCTION, {
    name: "",
    domain: "",
    overload: "",
    inputs: [],
    outputs: [],
    attributes: [],
    defaults: [],
    nodes: [],
    opsets: [],
  });

const MODEL: Fields<ModelProto> = {
  1: (model, reader) => (model.irVersion = reader.integer()),
  7: (model, reader) => (model.graph = readGraph(reader)),
  8: (model, reader) => model.opsets.push(readOpset(reader)),
  25: (model, reader) => model.functions.push(readFunction(reader)),
};

/** Decodes a model file. Tensor bytes stay where they lie in it. Throws `format`. */
export function readModelProto(bytes: Uint8Array): ModelProto & { graph: GraphProto } {
  try {
    const reader = new ProtoReader(bytes, "the model");
    const { graph, ...model } = reader.read(MODEL, { irVersion: 0, graph: undefined, opsets: [], functions: [] });
    if (!graph) throw reader.error("there is no graph in it: it is no ONNX model, or the file is cut short");
    return { ...model, graph };
  } catch (error) {
    if (error instanceof LanewiseError) throw error;
    throw new LanewiseError("format", `the model cannot be read as ONNX: ${messageOf(error)}`, { cause: error });
  }
}
