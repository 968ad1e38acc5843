// What an operator's import function sees of its node: inputs, what is known of them, and the means to add nodes.
import { LanewiseError } from "../../errors.ts";
import {
  type Attribute,
  type Attributes,
  arrayClass,
  type DataType,
  isStatic,
  sizeOf,
  type TensorType,
  type TypedArray,
  type Value,
} from "../../graph/types.ts";
import type { HostTensor } from "../../ops/define.ts";
import { type AttributesOf, readAttributes, type Schema } from "./attributes.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { AttributeProto, GraphProto, NodeProto } from "./proto.ts";

/** Importers compute no more elements than this; a model that needs more brings them. */
const MAX_COMPUTED = 2 ** 24;

/** What a node becomes: its outputs in their order. */
export type ImportResult = Value | readonly (Value | null)[];

/** Imports one node. */
export type NodeImport = (node: NodeContext) => ImportResult;

/** Operators of one domain by their ONNX names. */
export type ImportTable = { readonly [opType: string]: NodeImport };

/** An import function whose attributes are stated with their types and defaults. */
export function operator<S extends Schema>(schema: S, build: (node: NodeContext, attributes: AttributesOf<S>) => ImportResult): NodeImport {
  return (node) => build(node, readAttributes(schema, node.attributes));
}

export interface NodeContextSettings {
  readonly proto: NodeProto;
  /** Name of what is emitted for the node. */
  readonly name: string;
  readonly inputs: readonly (Value | null)[];
  /** Version of the operator set that the node belongs to. */
  readonly version: number;
  readonly attributes: readonly AttributeProto[];
  /** Adds the nodes of a nested graph on these inputs, and returns its outputs. */
  readonly inline: (graph: GraphProto, inputs: readonly Value[]) => Value[];
  /** What importers keep for each other during one import. */
  readonly shared: Map<string, Map<Value, Value>>;
}

export class NodeContext {
  readonly builder: GraphBuilder;
  readonly name: string;
  readonly version: number;
  readonly attributes: readonly AttributeProto[];
  readonly inputs: readonly (Value | null)[];
  readonly inline: (graph: GraphProto, inputs: readonly Value[]) => Value[];
  readonly #proto: NodeProto;
  readonly #shared: Map<string, Map<Value, Value>>;

  constructor(builder: GraphBuilder, settings: NodeContextSettings) {
    this.builder = builder;
    this.name = settings.name;
    this.version = settings.version;
    this.attributes = settings.attributes;
    this.inputs = settings.inputs;
    this.inline = settings.inline;
    this.#proto = settings.proto;
    this.#shared = settings.shared;
  }

  get outputCount(): number {
    return this.#proto.outputs.length;
  }

  /** True when something may use output `index`. */
  hasOutput(index: number): boolean {
    return Boolean(this.#proto.outputs[index]);
  }

  /** An input that must be there. Throws `format`. */
  input(index: number): Value {
    const value = this.inputs[index];
    if (!value) throw new LanewiseError("format", `input ${index} is missing`);
    return value;
  }

  optional(index: number): Value | null {
    return this.inputs[index] ?? null;
  }

  /** The inputs, all of which must be there. */
  allInputs(): Value[] {
    return this.inputs.map((_, index) => this.input(index));
  }

  emit(op: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): Value {
    return this.builder.emit(op, this.name, inputs, attributes, 1)[0]!;
  }

  emitAll(op: string, inputs: readonly (Value | null)[], attributes: Attributes, outputCount = this.outputCount): Value[] {
    return this.builder.emit(op, this.name, inputs, attributes, outputCount);
  }

  /**
   * Adds a node whose parameters ONNX gives as inputs from `first` on: those that are known become attributes of the
   * given names, the others stay inputs in their places.
   */
  emitWithParameters(op: string, x: Value, names: readonly string[], attributes: Attributes = {}, first = 1): Value {
    const given: Record<string, Attribute | undefined> = { ...attributes };
    const inputs: (Value | null)[] = [x];
    for (const [i, name] of names.entries()) {
      const elements = this.elements(first + i);
      if (elements) given[name] = elements;
      else inputs[1 + i] = this.optional(first + i);
    }
    return this.emit(
      op,
      Array.from(inputs, (input) => input ?? null),
      given,
    );
  }

  constant(dataType: DataType, shape: readonly number[], data: TypedArray | readonly number[]): Value {
    const elements = ArrayBuffer.isView(data) ? (data as TypedArray) : arrayOfNumbers(dataType, data as readonly number[]);
    return this.builder.constant(`${this.name}/constant`, dataType, shape, elements);
  }

  /** A constant whose elements follow from their positions. Throws `unsupported` when it would be absurdly large. */
  computed(dataType: DataType, shape: readonly number[], elementAt: (index: number) => number): Value {
    const length = sizeOf(shape);
    if (!(length <= MAX_COMPUTED)) throw this.unsupported(`a constant of shape [${shape}]`);
    return this.constant(
      dataType,
      shape,
      Array.from({ length }, (_, i) => elementAt(i)),
    );
  }

  /** A constant of one element in the data type of `like`. */
  scalarLike(like: Value, value: number): Value {
    return this.constant(this.type(like).dataType, [], [value]);
  }

  /** Elements of an input where they are known, as numbers. */
  elements(index: number): number[] | undefined {
    const known = this.knownTensor(this.optional(index));
    return known && Array.from(known.data as ArrayLike<number | bigint>, Number);
  }

  /** Elements of an input that decide what is emitted. Throws `unsupported` when only a run can tell them. */
  requireElements(index: number, what: string): number[] {
    const elements = this.elements(index);
    if (!elements) throw new LanewiseError("unsupported", `${what} that is computed during the run`);
    return elements;
  }

  knownTensor(value: Value | null): HostTensor | undefined {
    return value ? this.builder.known(value) : undefined;
  }

  /** Type of a value. Throws `unsupported` behind operators whose output types are not known. */
  type(value: Value): TensorType {
    const type = this.builder.type(value);
    if (!type) throw new LanewiseError("unsupported", `the rank of "${value.name}" is not known`);
    return type;
  }

  rank(value: Value): number {
    return this.type(value).shape.length;
  }

  /** A shape without unknown dimensions. Throws `unsupported`. */
  staticShape(value: Value): readonly number[] {
    const { shape } = this.type(value);
    if (!isStatic(shape)) throw new LanewiseError("unsupported", `the shape of "${value.name}" must be known before the run`);
    return shape;
  }

  /** The value that was made from `value` under this key before, or else is made now. */
  remember(key: string, value: Value, make: () => Value): Value {
    let made = this.#shared.get(key);
    if (!made) this.#shared.set(key, (made = new Map()));
    let result = made.get(value);
    if (!result) made.set(value, (result = make()));
    return result;
  }

  /** The value remembered under a key, if any. */
  recall(key: string, value: Value): Value | undefined {
    return this.#shared.get(key)?.get(value);
  }

  /** Refuses the node, which is reported with all others. */
  unsupported(why: string): LanewiseError {
    return new LanewiseError("unsupported", why);
  }
}

/** A typed array of a data type from plain numbers. */
function arrayOfNumbers(dataType: DataType, numbers: readonly number[]): TypedArray {
  if (dataType === "int64") return BigInt64Array.from(numbers, (number) => BigInt(number));
  if (dataType === "uint64") return BigUint64Array.from(numbers, (number) => BigInt(number));
  return (arrayClass(dataType) as Float64ArrayConstructor).from(numbers);
}
