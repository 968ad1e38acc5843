// Writes the compact format. The same graph gives the same bytes.
// docs/model-format.md describes them.
import { LanewiseError } from "../errors.ts";
import type { Constant, Graph, TensorType, Value } from "../graph/types.ts";
import { FORMAT_VERSION, GRAPH_KEY } from "./dialect.ts";
import { GraphEncoder, nestedGraphs, QuantTable, trimmed } from "./graph-json.ts";
import { containerHeader, type StoredTensor } from "./safetensors.ts";
import { type PooledConstant, type PooledTensor, TensorPool } from "./tensor-pool.ts";

export interface WriteOptions {
  /**
   * What the file should not exceed. Above it, node names, the tensors' own names and the padding of the header are
   * given up, one after the other, and at last zeros are left out of constants; the file is the first that fits, or
   * else the smallest.
   */
  readonly maxBytes?: number;
}

interface Style {
  readonly nodeNames: boolean;
  readonly shortTensorNames: boolean;
  /** The data begins at a multiple of this. */
  readonly alignment: number;
}

/** From the most helpful file to the smallest. */
const STYLES: readonly Style[] = [
  { nodeNames: true, shortTensorNames: false, alignment: 64 },
  { nodeNames: false, shortTensorNames: false, alignment: 64 },
  { nodeNames: false, shortTensorNames: true, alignment: 64 },
  { nodeNames: false, shortTensorNames: true, alignment: 8 },
  { nodeNames: false, shortTensorNames: true, alignment: 1 },
];

/** The bytes of a graph's compact file. Throws `shape` when the graph's nodes are out of order. */
export function writeCompact(graph: Graph, { maxBytes = Number.POSITIVE_INFINITY }: WriteOptions = {}): Uint8Array {
  let best: File | undefined;
  for (const sparse of [false, true]) {
    const content = new Content(graph, sparse);
    for (const style of STYLES) {
      const file = content.file(style);
      if (!best || file.bytes < best.bytes) best = file;
      if (best.bytes <= maxBytes) return join(best);
    }
  }
  return join(best!);
}

interface File {
  readonly header: Uint8Array;
  readonly tensors: readonly StoredTensor[];
  readonly bytes: number;
}

function join({ header, tensors, bytes }: File): Uint8Array {
  const file = new Uint8Array(bytes);
  file.set(header);
  let at = header.length;
  for (const tensor of tensors) {
    file.set(tensor.bytes, at);
    at += tensor.bytes.length;
  }
  return file;
}

interface ConstantEntry extends PooledConstant {
  readonly type: TensorType;
  readonly quant: number;
}

/** What a file says, before it is decided how tersely. */
class Content {
  readonly #graph: Graph;
  readonly #pool: TensorPool;
  readonly #quants = new QuantTable();
  readonly #constants: ConstantEntry[] = [];
  readonly #constantIndex = new Map<Value, number>();
  readonly #scales: PooledTensor | undefined;

  constructor(graph: Graph, sparse: boolean) {
    this.#graph = graph;
    this.#pool = new TensorPool(sparse);
    const known = new Map<string, number>();
    for (const value of constantsOf(graph)) {
      if (this.#constantIndex.has(value)) continue;
      if (!value.type) throw new LanewiseError("shape", `constant "${value.name}" has no type`);
      const entry = {
        ...this.#pool.addConstant(value.name, value.type, value.constant),
        type: value.type,
        quant: this.#quants.index(value.quant),
      };
      const key = `${entry.tensor.id} ${entry.mask?.id} ${entry.quant} ${value.type.dataType} ${value.type.shape}`;
      const index = known.get(key) ?? this.#constants.push(entry) - 1;
      known.set(key, index);
      this.#constantIndex.set(value, index);
    }
    for (const value of valuesOf(graph)) this.#quants.index(value.quant);
    const scales = Float32Array.from(this.#quants.scales);
    if (scales.length > 0) {
      this.#scales = this.#pool.add("quantization.scales", [scales.length], "float32", new Uint8Array(scales.buffer));
    }
  }

  file(style: Style): File {
    const names = this.#pool.named(style.shortTensorNames);
    const tensors = [...names.values()];
    const text = JSON.stringify(this.#json(style, names));
    const header = containerHeader({ [GRAPH_KEY]: text }, tensors, style.alignment);
    return { header, tensors, bytes: tensors.reduce((sum, tensor) => sum + tensor.bytes.length, header.length) };
  }

  #json(style: Style, names: ReadonlyMap<PooledTensor, StoredTensor>): object {
    const { entries } = this.#quants;
    return {
      version: FORMAT_VERSION,
      ...(this.#scales && { scales: names.get(this.#scales)!.name }),
      ...(entries.length > 0 && { quants: entries }),
      constants: this.#constants.map((entry) => constantJson(entry, names)),
      ...new GraphEncoder(this.#constantIndex, this.#constants.length, this.#quants, style.nodeNames).encode(this.#graph),
    };
  }
}

/** A tensor's name where the constant is the tensor; otherwise also quantization, data type, shape and mask. */
function constantJson({ tensor, mask, type, quant }: ConstantEntry, names: ReadonlyMap<PooledTensor, StoredTensor>): unknown {
  const { name, storage, shape } = names.get(tensor)!;
  const dataType = type.dataType === storage ? null : type.dataType;
  const dims = String(type.shape) === String(shape) && type.shape.length === shape.length ? null : type.shape;
  return quant < 0 && !dataType && !dims ? name : trimmed([name, quant, dataType, dims, mask ? names.get(mask)!.name : null]);
}

/** Constants that nodes or outputs use, in the order of their first use; one may come more than once. */
function constantsOf(graph: Graph): (Value & { constant: Constant })[] {
  const inputs = new Set(graph.inputs);
  const isConstant = (value: Value | null): value is Value & { constant: Constant } => value?.constant !== undefined && !inputs.has(value);
  const used = graph.nodes.flatMap((node) => [...node.inputs.filter(isConstant), ...nestedGraphs(node.attributes).flatMap(constantsOf)]);
  return [...used, ...graph.outputs.filter(isConstant)];
}

/** Values that are inputs of a graph or made by its nodes. */
function valuesOf(graph: Graph): Value[] {
  const made = graph.nodes.flatMap((node) => [
    ...nestedGraphs(node.attributes).flatMap(valuesOf),
    ...node.outputs.filter((value) => value !== null),
  ]);
  return [...graph.inputs, ...made];
}
