// Writes the little of ONNX that the project's own models need: nodes, initializers, one float input and output.
import { PbfWriter } from "pbf";

const TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };

const message = (pbf, field, write) => pbf.writeMessage(field, (_, inner) => write(inner), undefined);

function writeAttribute(pbf, [name, value]) {
  pbf.writeStringField(1, name);
  if (Array.isArray(value)) {
    for (const item of value) pbf.writeVarintField(8, item);
    pbf.writeVarintField(20, 7);
  } else if (typeof value === "object") {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, 1);
  } else {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, 2);
  }
}

function writeNode(pbf, { op, inputs, output, attributes }) {
  for (const input of inputs) pbf.writeStringField(1, input);
  pbf.writeStringField(2, output);
  pbf.writeStringField(3, output);
  pbf.writeStringField(4, op);
  for (const entry of Object.entries(attributes)) message(pbf, 5, (inner) => writeAttribute(inner, entry));
}

function writeTensor(pbf, { name, dataType, shape, data }) {
  for (const dim of shape) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, TYPES[dataType]);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A float32 value; without a shape, of any. */
function writeFloatValue(pbf, { name, shape }) {
  pbf.writeStringField(1, name);
  message(pbf, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.writeVarintField(1, TYPES.float32);
      if (!shape) return;
      message(tensor, 2, (dims) => {
        for (const dim of shape) message(dims, 1, (inner) => inner.writeVarintField(1, dim));
      });
    }),
  );
}

/**
 * Collects a graph; every method that adds something returns its name. Attributes are whole numbers, lists of them,
 * or `{ float }`.
 */
export class OnnxGraph {
  /** { op, inputs, output, attributes }, in order. */
  nodes = [];
  /** { name, dataType, shape, data }. */
  tensors = [];
  #names = 0;

  node(op, inputs, attributes = {}, output = `t${this.#names++}`) {
    this.nodes.push({ op, inputs, output, attributes });
    return output;
  }

  tensor(dataType, shape, data, name = `w${this.#names++}`) {
    this.tensors.push({ name, dataType, shape, data });
    return name;
  }

  /** The bytes of a model, opset 17. */
  bytes(input, output) {
    const pbf = new PbfWriter();
    pbf.writeVarintField(1, 8);
    message(pbf, 7, (graph) => {
      for (const node of this.nodes) message(graph, 1, (inner) => writeNode(inner, node));
      graph.writeStringField(2, "lanewise");
      for (const tensor of this.tensors) message(graph, 5, (inner) => writeTensor(inner, tensor));
      message(graph, 11, (inner) => writeFloatValue(inner, input));
      message(graph, 12, (inner) => writeFloatValue(inner, output));
    });
    message(pbf, 8, (opset) => opset.writeVarintField(2, 17));
    return pbf.finish();
  }
}
