// What an operator is: one value with its type rule, how it becomes kernel calls, and how it is named elsewhere.
// The planner calls `infer` and then `lower`; nothing here runs during `Model.run` but `host` functions.
import { LanewiseError } from "../errors.ts";
import { printAttributes, printType } from "../graph/print.ts";
import type { Attribute, Attributes, DataType, Graph, Node, Quantization, TensorType, TypedArray, Value } from "../graph/types.ts";
import type { KernelExports, KernelName } from "../runtime/kernel-exports.d.ts";
import type { DotKind } from "./codes.ts";
import type { QuantizedLowerings } from "./quantized/lowerings.ts";

/** A tensor that TypeScript computes on: plan-time values, and the views that host operators get. */
export interface HostTensor {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** A block of the arena or of the weights; the planner gives it its address after all nodes are lowered. */
export interface Buffer {
  readonly bytes: number;
  /** Final address, once laid out. */
  address?: number;
}

/** A place in a buffer, in bytes from its start. */
export interface Pointer {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** `pointer` moved by a number of bytes. */
export const offsetBy = (pointer: Pointer, bytes: number): Pointer => ({ buffer: pointer.buffer, offset: pointer.offset + bytes });

export type KernelArgument = number | Pointer;

/** Attributes read with a type and a default. Throws `shape` when an attribute has another type. */
export class AttributeReader {
  readonly #attributes: Attributes;
  readonly #prefix: string;

  /** With a prefix, every name means the attribute whose name begins with it. */
  constructor(attributes: Attributes, prefix = "") {
    this.#attributes = attributes;
    this.#prefix = prefix;
  }

  /** The attributes of a part of the operator. */
  within(prefix: string): AttributeReader {
    return new AttributeReader(this.#attributes, this.#prefix + prefix);
  }

  number(name: string, fallback?: number): number {
    return this.#read(name, "number", fallback);
  }
  string(name: string, fallback?: string): string {
    return this.#read(name, "string", fallback);
  }
  boolean(name: string, fallback?: boolean): boolean {
    return this.#read(name, "boolean", fallback);
  }
  /** A list of numbers. */
  numbers(name: string, fallback?: readonly number[]): readonly number[] {
    const value = this.#find(name) ?? fallback;
    if (!Array.isArray(value) || !value.every((item) => typeof item === "number")) throw this.#error(name, "a list of numbers");
    return value;
  }
  /** A nested graph. */
  graph(name: string): Graph {
    const value = this.#find(name);
    if (typeof value !== "object" || !("nodes" in value)) throw this.#error(name, "a graph");
    return value;
  }
  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  #find(name: string): Attribute | undefined {
    return this.#attributes[this.#prefix + name];
  }

  #read<T extends Attribute>(name: string, type: string, fallback: T | undefined): T {
    const value = this.#find(name) ?? fallback;
    if (typeof value !== type) throw this.#error(name, `a ${type}`);
    return value as T;
  }
  #error(name: string, expected: string): LanewiseError {
    const found = this.#find(name);
    return new LanewiseError(
      "shape",
      `attribute "${this.#prefix}${name}" must be ${expected}, found ${found === undefined ? "nothing" : JSON.stringify(found)}`,
    );
  }
}

/** What a type rule may look at. */
export interface InferContext {
  readonly attributes: AttributeReader;
  /** Types of the inputs; undefined where an optional input is absent. */
  readonly inputs: readonly (TensorType | undefined)[];
  readonly outputCount: number;
  /** Type of an input that must be there. Throws `shape` when it is not. */
  input(index: number): TensorType;
  /** Elements of input `index` where the plan knows them (constants and shape arithmetic), as numbers. */
  known(index: number): readonly number[] | undefined;
}

/** An input or output of the node being lowered: every dimension is known. */
export interface Operand extends TensorType {
  readonly quant: Quantization | undefined;
  /** Number of elements. */
  readonly size: number;
  readonly bytes: number;
  /** Where it lies. Asking for a constant's pointer puts the constant, as it is, among the weights. */
  readonly pointer: Pointer;
  /**
   * Elements between two neighbours along the last-but-one axis: the last dimension, or more where the planner
   * writes this output straight into a wider tensor (operators with `stridedOutput` only).
   */
  readonly rowStride: number;
  /** The elements where the plan knows them, in the operand's own data type. */
  readonly known: TypedArray | undefined;
}

/** Work and traffic of a step, for `profile`. */
export interface StepCost {
  /** Multiplications and additions. */
  readonly flops?: number;
}

/** A step that runs in TypeScript on views of the arena. */
export interface HostContext {
  readonly attributes: AttributeReader;
  readonly inputs: readonly (HostTensor | undefined)[];
  readonly outputs: readonly HostTensor[];
  /** Quantization of inputs and outputs, in their order. */
  readonly inputQuants: readonly (Quantization | undefined)[];
  readonly outputQuants: readonly (Quantization | undefined)[];
  /** An input that must be there. */
  input(index: number): HostTensor;
}

/** Turns a node into steps. */
export interface LowerContext {
  readonly attributes: AttributeReader;
  readonly inputs: readonly (Operand | undefined)[];
  readonly outputs: readonly (Operand | undefined)[];
  input(index: number): Operand;
  output(index: number): Operand;
  /** Appends a kernel call. */
  emit<K extends KernelName>(kernel: K, args: KernelArguments<K>, cost?: StepCost): void;
  /** Appends a kernel call whose last two parameters are `begin, end`; the call covers units 0 … `units`. */
  emitSplit<K extends KernelName>(kernel: K, units: number, args: SplitArguments<K>, cost?: StepCost): void;
  /** Appends a step that runs the operator's `host` function. */
  emitHost(): void;
  /** The kernel emitted last returns other than 0 for elements that it refuses. `host` then runs, to throw what is wrong. */
  explainByHost(): void;
  /** Arena bytes that live during this node's steps only, aligned to 64. */
  scratch(bytes: number): Pointer;
  /**
   * Bytes among the weights, written once by `fill` and shared by all plans of the model.
   * `key` names the packing (one that grows the weights by the word "winograd" or "strassen"); `owner` is the constant operand
   * that it is made from.
   */
  weights(owner: Operand, key: string, bytes: number, fill: (target: DataViewOf) => void): Pointer;
  /** Bytes among the weights that depend on this plan's shapes: index and weight tables. */
  table(data: TypedArray): Pointer;
  /**
   * The candidate that computes a layer: the one that was timed to be the fastest on this device, where that was done,
   * or else `estimated`. `key` tells layers apart whose candidates take different times.
   */
  choose(key: string, candidates: readonly string[], estimated: string): string;
  /** "small" when the caller asked for the least memory: no packing that grows the weights. */
  readonly memory: "fast" | "small";
  /** How operators run on quantized values; there when the model has some. */
  readonly quantized: QuantizedLowerings | undefined;
  /** The kernels' tier, for choices that depend on it. */
  readonly tier: "simd128" | "relaxed";
  /** What the engine's dot product of bytes computes. */
  readonly dot: DotKind;
}

/** Views over one block of wasm memory, for packers. */
export interface DataViewOf {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  readonly i16: Int16Array;
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
}

type AsArguments<P extends readonly unknown[]> = { [I in keyof P]: KernelArgument };
export type KernelArguments<K extends KernelName> = AsArguments<Parameters<KernelExports[K]>>;
type DropLastTwo<P extends readonly unknown[]> = P extends [...infer Rest, unknown, unknown] ? Rest : never;
export type SplitArguments<K extends KernelName> = AsArguments<DropLastTwo<Parameters<KernelExports[K]>>>;

/**
 * Names of attributes in a source format, with their defaults there: the attribute is passed on under the same name.
 * For operators that differ by more than that, the importer has a function of its own.
 */
export type ImportSchema = { readonly [sourceName: string]: Attributes };

/** What decides whether outputs are views. */
export interface ViewContext {
  readonly input: TensorType;
  readonly outputs: readonly TensorType[];
  readonly attributes: AttributeReader;
  /** Inputs that are there. With one, the attributes say everything. */
  readonly inputCount: number;
}

/** The nodes of a plan in their order, for operators that stand for several of them. */
export interface FuseContext {
  readonly nodes: readonly Node[];
  /** The type of a value, every dimension a number. */
  type(value: Value): TensorType;
  /** True where the elements are known before the run. */
  isKnown(value: Value): boolean;
  /** How many nodes read a value, and 1 more where it leaves the plan. */
  useCount(value: Value): number;
  readonly memory: "fast" | "small";
  readonly tier: "simd128" | "relaxed";
}

export interface OpDef {
  /** snake_case concept. */
  readonly name: string;
  /** Types of the outputs. Arithmetic on unknown dimensions (NaN) gives unknown dimensions. Throws `shape`. */
  infer(ctx: InferContext): TensorType[];
  /**
   * Emits the kernel calls. Without it, and where it returns false (no kernel takes these data types),
   * the step is `host`.
   */
  lower?(ctx: LowerContext): boolean | void;
  /**
   * Computes the outputs in TypeScript, for any data type: rare operators, plan-time evaluation, constant folding.
   * An operator with `dynamic` returns its outputs instead, because their shapes depend on the data.
   */
  host?(ctx: HostContext): HostTensor[] | void;
  /** The outputs' shapes depend on the data: the plan splits here, and goes on when the shapes are known. */
  readonly dynamic?: boolean;
  /** Outputs that can be told from types alone (shape, size). Undefined while a needed dimension is unknown. */
  fromTypes?(ctx: InferContext): HostTensor[] | undefined;
  /** Inputs that output 0 may overwrite when they have the same bytes and die here. */
  readonly inPlace?: readonly number[];
  /** Byte offset of each output within input 0 where the outputs are that input's bytes; undefined where not. */
  view?(ctx: ViewContext): readonly number[] | undefined;
  /** `lower` honours `rowStride` of output 0. */
  readonly stridedOutput?: boolean;
  /**
   * The nodes with those that this operator computes faster together replaced by one of it, in the place of the last.
   * The outputs of the others must not be read any more.
   */
  fuse?(ctx: FuseContext): readonly Node[];
  readonly onnx?: ImportSchema;
  readonly tflite?: ImportSchema;
}

/** An operator as one value; checks nothing at run time, the compiler does. */
export const defineOp = <const T extends OpDef>(op: T): T => op;

/** Adds the node's name, operator and input types to an error raised inside the operator. */
export function atNode<T>(node: Node, inputs: readonly (TensorType | undefined)[], body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof LanewiseError) || error.message.startsWith('node "')) throw error;
    const types = inputs.map(printType).join(", ");
    throw new LanewiseError(
      error.code,
      `node "${node.name}" (${node.op}): ${error.message}. Inputs: ${types || "none"}${printAttributes(node.attributes)}`,
      { cause: error },
    );
  }
}
