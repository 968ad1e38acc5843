// What an operator's importer sees: its tensors as values, its options, and ways to add nodes to the graph.
import { check, LanewiseError } from "../../errors.ts";
import { constantElements, constantValue } from "../../graph/constant.ts";
import type { Attributes, Constant, DataType, Node, Quantization, TensorType, TypedArray, Value } from "../../graph/types.ts";
import { type Decoded, type Fields, NO_FIELDS } from "./flatbuffer.ts";
import type { OperatorKind, TfliteOperator } from "./schema.ts";

/** Type and quantization of a value that the file does not have. */
export interface ValueType extends TensorType {
  readonly quant?: Quantization | undefined;
}

/** Hands out names that no other value of the graph has. */
export class Names {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  unique(wanted: string): string {
    let name = wanted;
    let count = this.#next.get(wanted) ?? 2;
    while (this.#taken.has(name)) name = `${wanted}_${count++}`;
    this.#next.set(wanted, count);
    this.#taken.add(name);
    return name;
  }
}

/** One operator being imported. Its errors say what is wrong with it alone; the caller adds which operator it is. */
export class OperatorContext {
  readonly kind: OperatorKind;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: (Value | null)[];
  /** Nodes that the operator has become. */
  readonly nodes: Node[] = [];
  /** The file's name of what it makes. */
  readonly name: string;
  /** The graph's names. */
  readonly names: Names;
  readonly #operator: TfliteOperator;

  constructor(kind: OperatorKind, operator: TfliteOperator, values: { inputs: (Value | null)[]; outputs: (Value | null)[] }, names: Names) {
    this.kind = kind;
    this.#operator = operator;
    this.inputs = values.inputs;
    this.outputs = values.outputs;
    this.name = values.outputs[0]?.name ?? kind.name;
    this.names = names;
  }

  /** The operator's options; defaults where the file has none of this kind. `kind` is their number among the format's options. */
  options<F extends Fields>(kind: number, fields: F): Decoded<F> {
    const given = this.#operator.optionsType === kind ? this.#operator.options : undefined;
    return (given ?? NO_FIELDS).decode(fields);
  }

  /** Bytes that a custom operator keeps its options in. */
  get customOptions(): Uint8Array {
    return this.#operator.customOptions ?? new Uint8Array();
  }

  /** An input that must be there. Throws `shape`. */
  input(index: number): Value {
    const value = this.inputs[index];
    check(value, "shape", () => `input ${index} is missing`);
    return value;
  }

  /** An output that must be there. Throws `shape`. */
  output(index = 0): Value {
    const value = this.outputs[index];
    check(value, "shape", () => `output ${index} is missing`);
    return value;
  }

  /** Elements of an input that must be constant, as numbers. Throws `unsupported`. */
  known(index: number, what: string): number[] {
    const elements = elementsOf(this.input(index));
    check(elements, "unsupported", () => `${what} must be constant`);
    return elements;
  }

  /** Adds a node; without `outputs` it makes what the operator makes. */
  emit(op: string, inputs: (Value | null)[], attributes: Attributes = {}, outputs: (Value | null)[] = this.outputs): void {
    const rounding = roundingOf(op, outputs[0]);
    this.nodes.push({
      op,
      name: this.name,
      inputs,
      outputs: [...outputs],
      attributes: rounding ? { ...attributes, rounding } : attributes,
    });
  }

  /** Adds a node that makes a value which the file does not have. */
  make(op: string, inputs: (Value | null)[], attributes: Attributes, type: ValueType): Value {
    const value = this.value(op, type);
    this.emit(op, inputs, attributes, [value]);
    return value;
  }

  /** A value which the file does not have; some node is to make it. */
  value(op: string, { dataType, shape, quant }: ValueType): Value {
    return { name: this.names.unique(`${this.name}/${op}`), type: { dataType, shape }, quant };
  }

  /** A constant that the file does not have. */
  constant(what: string, dataType: DataType, shape: readonly number[], data: TypedArray): Value {
    return constantValue(this.names.unique(`${this.name}/${what}`), dataType, shape, data);
  }

  /** Lets an output be a value that is there already. */
  alias(value: Value, index = 0): void {
    this.outputs[index] = value;
  }
}

/** How TFLite's integer kernels round what lies in the middle between two steps; other operators round to the even one. */
const ROUNDING: { readonly [op: string]: "half_up" } = {
  add: "half_up",
  sub: "half_up",
  requantize: "half_up",
  resize: "half_up",
};

/** An average divides steps, as they are in the file. */
function roundingOf(op: string, y: Value | null | undefined): "half_up" | "half_away" | undefined {
  if (!y?.quant) return undefined;
  if (op === "average_pool2d") return y.type?.dataType === "uint8" ? "half_up" : "half_away";
  return ROUNDING[op];
}

/** Elements of a constant as numbers; undefined for what a run computes. */
export function elementsOf(value: Value | null | undefined): number[] | undefined {
  if (!value?.constant) return undefined;
  return Array.from(constantElements(value as Value & { constant: Constant }) as ArrayLike<number | bigint>, Number);
}

/** The declared shape, unknown dimensions NaN. Throws `unsupported` where the file declares none. */
export function shapeOf(value: Value): readonly number[] {
  check(value.type, "unsupported", () => `tensor "${value.name}" has no shape`);
  return value.type.shape;
}

/** Type and quantization of a value, with another shape. */
export function like(value: Value, shape: readonly number[]): ValueType {
  check(value.type, "unsupported", () => `tensor "${value.name}" has no type`);
  return { dataType: value.type.dataType, shape, quant: value.quant };
}

/** The element type. Throws `unsupported` where the file declares none. */
export const dataTypeOf = (value: Value): DataType => like(value, []).dataType;

/** Throws `unsupported`: the model may be fine, the importer cannot read it. */
export function unsupported(why: string): never {
  throw new LanewiseError("unsupported", why);
}

/** One operator of the format becomes nodes of the graph. */
export type OperatorImport = (ctx: OperatorContext) => void;
/** A family of operators by their names in the format. */
export type OperatorImports = { readonly [name: string]: OperatorImport };

/** An operator with options: their number in the format, their fields, and what it becomes. */
export const withOptions =
  <F extends Fields>(kind: number, fields: F, build: (ctx: OperatorContext, options: Decoded<F>) => void): OperatorImport =>
  (ctx) =>
    build(ctx, ctx.options(kind, fields));
