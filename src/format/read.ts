// Reads the compact format: the container's tensors become constants, its JSON the graph. The file is untrusted, so
// every number is checked against what it points into. What the operators mean is none of the format's business.
// docs/model-format.md describes the bytes.
import { LanewiseError } from "../errors.ts";
import { storedElements } from "../graph/constant.ts";
import {
  type Attribute,
  type Attributes,
  type DataType,
  ELEMENT_BYTES,
  type Graph,
  isDataType,
  type Node,
  type Quantization,
  sizeOf,
  type Value,
} from "../graph/types.ts";
import { defaultNodeName, defaultValueName, FORMAT_VERSION, GRAPH_KEY, SPECIAL_NUMBERS } from "./dialect.ts";
import { JsonAt } from "./json-at.ts";
import { readContainer, readShape, type StoredTensor } from "./safetensors.ts";
import { countBits, unpackSparse } from "./sparse.ts";

/** Graphs within graphs. */
const MAX_DEPTH = 16;
/** Constants of one repeated element, or without their zeros, may grow to this, all together. */
const MAX_EXPANDED_BYTES = 2 ** 28;

/**
 * The graph of a compact model file. Constants are views of `bytes`.
 *
 * Throws `LanewiseError`: "format" where the bytes are wrong, "shape" where the parts do not fit each other,
 * "unsupported" for a later version of the format.
 */
export function readCompact(bytes: Uint8Array): Graph {
  const { metadata, tensors } = readContainer(bytes);
  const text = metadata.get(GRAPH_KEY);
  if (text === undefined) {
    throw new LanewiseError(
      "format",
      `header.__metadata__: expected the graph under "${GRAPH_KEY}", found a safetensors file of weights alone`,
    );
  }
  return new GraphReader(JsonAt.parse(text, GRAPH_KEY), tensors).graph;
}

class GraphReader {
  readonly graph: Graph;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #quants: readonly Quantization[];
  /** Every value that can be named by its index where the reader is. */
  readonly #values: Value[];
  /** Values that nodes made and no output has named yet. */
  readonly #unnamed = new Set<Value>();
  #expandedBytes = 0;

  constructor(root: JsonAt, tensors: ReadonlyMap<string, StoredTensor>) {
    const version = root.field("version").integer(1);
    if (version > FORMAT_VERSION) {
      throw new LanewiseError(
        "unsupported",
        `the file has format version ${version}, and this release reads up to ${FORMAT_VERSION}: update lanewise`,
      );
    }
    this.#tensors = tensors;
    this.#quants = this.#readQuants(root);
    this.#values = root
      .field("constants")
      .items()
      .map((entry) => this.#readConstant(entry));
    this.graph = this.#readGraph(root, 0);
    for (const [i, { type }] of this.graph.inputs.entries()) if (!type) root.field("inputs").item(i).fail("a type");
    checkUnique(
      root.field("inputs"),
      this.graph.inputs.map((value) => value.name),
    );
    checkUnique(
      root.field("outputs"),
      this.graph.outputs.map((value, i) => this.graph.outputNames?.[i] ?? value.name),
    );
  }

  #readGraph(at: JsonAt, depth: number): Graph {
    if (depth > MAX_DEPTH) at.fail(`at most ${MAX_DEPTH} graphs within each other`);
    const outside = this.#values.length;
    const inputs = at
      .field("inputs")
      .items()
      .map((entry) => this.#readInput(entry));
    this.#values.push(...inputs);
    const nodes = at
      .field("nodes")
      .items()
      .map((entry, i) => this.#readNode(entry, i, depth));
    const graph = { inputs, nodes, ...this.#readOutputs(at.field("outputs")) };
    if (depth > 0) this.#values.length = outside;
    return graph;
  }

  #readInput(at: JsonAt): Value {
    const name = at.item(0).text();
    const quant = this.#quantAt(at.item(3));
    if (at.item(1).absent) return { name, quant };
    const type = { dataType: readDataType(at.item(1)), shape: readOpenShape(at.item(2)) };
    return { name, type, quant };
  }

  /** `[op, inputs, outputs, attributes, name]` */
  #readNode(at: JsonAt, index: number, depth: number): Node {
    const op = at.item(0).text();
    const name = at.item(4).absent ? defaultNodeName(op, index) : at.item(4).text();
    const inputs = at
      .item(1)
      .items()
      .map((item) => (item.value === -1 ? null : this.#valueAt(item)));
    const attributes = at.item(3).absent ? {} : this.#readAttributes(at.item(3), depth);
    const outputs = at
      .item(2)
      .items()
      .map((item, i) => (item.absent ? null : { name: defaultValueName(name, i), quant: this.#quantAt(item) }));
    for (const value of outputs) {
      if (!value) continue;
      this.#values.push(value);
      this.#unnamed.add(value);
    }
    return { op, name, inputs, outputs, attributes };
  }

  #valueAt(at: JsonAt): Value {
    const index = at.integer(0);
    if (index < this.#values.length) return this.#values[index]!;
    throw new LanewiseError("shape", `${at.path}: value ${index} is used before it is made; there are ${this.#values.length} so far`);
  }

  /** Each is `[index, name]`; the first name of a value that a node made becomes its own. */
  #readOutputs(at: JsonAt): Pick<Graph, "outputs" | "outputNames"> {
    const names: string[] = [];
    const outputs = at.items().map((item) => {
      const value = this.#valueAt(item.item(0));
      const name = item.item(1).text();
      if (this.#unnamed.delete(value)) value.name = name;
      names.push(name);
      return value;
    });
    return outputs.some((value, i) => value.name !== names[i]) ? { outputs, outputNames: names } : { outputs };
  }

  #readAttributes(at: JsonAt, depth: number): Attributes {
    return Object.fromEntries(at.entries().map(([name, value]) => [name, this.#readAttribute(value, depth)]));
  }

  #readAttribute(at: JsonAt, depth: number): Attribute {
    const { value } = at;
    if (typeof value === "boolean" || typeof value === "string" || typeof value === "number") return value;
    if (at.isList) {
      const list = at.items().map((item) => (typeof item.value === "string" ? item.value : readNumber(item)));
      if (new Set(list.map((item) => typeof item)).size > 1) at.fail("a list of numbers or a list of strings");
      return list as number[] | string[];
    }
    if (at.absent) at.fail("a number, a string, a boolean, a list or a graph");
    const graph = at.field("graph");
    return graph.absent ? readNumber(at) : this.#readGraph(graph, depth + 1);
  }

  /** A tensor's name, or `[tensor, quant, dataType, shape, mask]` where the constant differs from the tensor. */
  #readConstant(at: JsonAt): Value {
    const nameAt = at.isList ? at.item(0) : at;
    const tensor = this.#tensors.get(nameAt.text()) ?? nameAt.fail("the name of a tensor in the file");
    const { name, storage } = tensor;
    if (!at.isList) return { name, type: { dataType: storage, shape: tensor.shape }, constant: { storage, bytes: tensor.bytes } };
    const dataType = at.item(2).absent ? storage : readDataType(at.item(2));
    if (dataType !== storage && !(dataType === "float32" && storage === "float16"))
      at.item(2).fail(`a data type that ${storage} can store`);
    const shape = at.item(3).absent ? tensor.shape : readShape(at.item(3));
    const quant = this.#quantAt(at.item(1));
    if (quant?.axis !== undefined && quant.scale.length !== shape[quant.axis]) {
      throw new LanewiseError(
        "shape",
        `${at.path}: expected ${shape[quant.axis]} scales along axis ${quant.axis} of [${shape}], found ${quant.scale.length}`,
      );
    }
    return { name, type: { dataType, shape }, quant, constant: { storage, bytes: this.#bytesFor(tensor, shape, at) } };
  }

  /** The tensor's bytes for a constant of another shape: the same elements, a single one repeated, or all that are not zero. */
  #bytesFor({ storage, shape: stored, bytes }: StoredTensor, shape: readonly number[], at: JsonAt): Uint8Array {
    const [size, width, maskAt] = [sizeOf(shape), ELEMENT_BYTES[storage], at.item(4)];
    if (maskAt.absent && size === sizeOf(stored)) return bytes;
    this.#expandedBytes += size * width;
    if (this.#expandedBytes > MAX_EXPANDED_BYTES) at.fail(`constants that expand to at most ${MAX_EXPANDED_BYTES} bytes`);
    if (!maskAt.absent) return unpackSparse({ elements: bytes, mask: this.#readMask(maskAt, size, sizeOf(stored)) }, size, width);
    if (sizeOf(stored) === 1) return repeat(bytes, size);
    throw new LanewiseError("shape", `${at.path}: a tensor of shape [${stored}] cannot be taken as [${shape}]`);
  }

  /** A bit for each of `size` elements, `kept` of them set. */
  #readMask(at: JsonAt, size: number, kept: number): Uint8Array {
    const mask = this.#tensors.get(at.text());
    if (mask?.storage !== "uint8" || mask.bytes.length !== Math.ceil(size / 8))
      return at.fail(`the name of a uint8 tensor with a bit for each of ${size} elements`);
    const bits = countBits(mask.bytes, size);
    if (bits !== kept)
      throw new LanewiseError("shape", `${at.path}: expected ${kept} bits, one for each element that is stored, found ${bits}`);
    return mask.bytes;
  }

  /** Index into the quantizations, or −1 for none. */
  #quantAt(at: JsonAt): Quantization | undefined {
    if (at.absent) return undefined;
    const index = at.integer(-1, this.#quants.length - 1);
    return index < 0 ? undefined : this.#quants[index];
  }

  /** Each is `[scale, zeroPoint, axis]`; a scale of `[count]` stands for the next ones in the tensor that holds them all. */
  #readQuants(root: JsonAt): Quantization[] {
    const pool = this.#readScales(root.field("scales"));
    let taken = 0;
    const take = (at: JsonAt) => pool.slice(taken, (taken += at.integer(0, pool.length - taken)));
    return (root.field("quants").absent ? [] : root.field("quants").items()).map((at) => {
      const scale = at.item(0).isList ? take(at.item(0).item(0)) : [Math.fround(at.item(0).number())];
      if (!scale.every(Number.isFinite)) at.item(0).fail("finite scales");
      const zeros = at.item(1);
      const zeroPoint = zeros.isList ? zeros.items().map(readZeroPoint) : scale.map(() => readZeroPoint(zeros));
      if (zeroPoint.length !== scale.length) zeros.fail(`${scale.length} zero points`);
      return { scale, zeroPoint, ...(at.item(2).absent ? {} : { axis: at.item(2).integer(0) }) };
    });
  }

  #readScales(at: JsonAt): number[] {
    if (at.absent) return [];
    const tensor = this.#tensors.get(at.text());
    if (tensor?.storage !== "float32") return at.fail("the name of a float32 tensor in the file");
    return Array.from(storedElements(tensor) as Float32Array);
  }
}

const readZeroPoint = (at: JsonAt): number => at.integer(-(2 ** 31), 2 ** 31);

const readDataType = (at: JsonAt): DataType => {
  const name = at.text();
  return isDataType(name) ? name : at.fail("a data type");
};

/** A shape in which null stands for a dimension that is not known before a run. */
function readOpenShape(at: JsonAt): number[] {
  const shape = at.items().map((dim) => (dim.absent ? Number.NaN : dim.integer(0)));
  readShape(
    new JsonAt(
      shape.filter((dim) => !Number.isNaN(dim)),
      at.path,
    ),
  );
  return shape;
}

/** A number, or `{"number": "Infinity"}` for those that JSON lacks. */
function readNumber(at: JsonAt): number {
  if (typeof at.value === "number") return at.value;
  const special = at.field("number");
  return SPECIAL_NUMBERS.get(special.value) ?? special.fail(`one of ${[...SPECIAL_NUMBERS.keys()].join(", ")}`);
}

function repeat(element: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(count * element.length);
  bytes.set(element.subarray(0, bytes.length));
  for (let filled = element.length; filled < bytes.length; filled *= 2) bytes.copyWithin(filled, 0, filled);
  return bytes;
}

function checkUnique(at: JsonAt, names: readonly string[]): void {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new LanewiseError("format", `${at.path}: the name ${JSON.stringify(twice)} is given twice`);
}
