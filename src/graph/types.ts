// The graph: plain data that importers make, passes change, the format stores and the planner reads.
// It knows nothing of operators; what a node means is in src/ops.

/** Element types of tensors, by WebNN's names. A `bool` is stored as one byte, 0 or 1. */
export type DataType =
  | "float32"
  | "float16"
  | "float64"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool";

/** Views of tensor elements. `float16` is the bits in a Uint16Array. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * Affine quantization: real = scale · (stored − zeroPoint).
 * One entry for the whole tensor, or one per index of `axis`. Scales are float32 values.
 */
export interface Quantization {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis?: number;
}

/** Data type and shape. A dimension that is not known before a run is NaN. */
export interface TensorType {
  readonly dataType: DataType;
  readonly shape: readonly number[];
}

/**
 * Elements that the model file brings. `storage` is how they are kept: a float32 constant may be
 * stored as float16 and is widened when it is used.
 */
export interface Constant {
  readonly storage: DataType;
  readonly bytes: Uint8Array;
}

/** An edge of the graph: made by one node, a graph input, or a constant. */
export interface Value {
  name: string;
  /** Undefined until types are inferred. */
  type?: TensorType | undefined;
  quant?: Quantization | undefined;
  constant?: Constant | undefined;
}

export type Attribute = number | string | boolean | readonly number[] | readonly string[] | Graph;
export type Attributes = { readonly [name: string]: Attribute | undefined };

/** One operator applied. A missing optional input is null; a missing optional output too. */
export interface Node {
  op: string;
  name: string;
  inputs: (Value | null)[];
  outputs: (Value | null)[];
  attributes: Attributes;
}

/** A directed acyclic graph; `nodes` are in topological order. */
export interface Graph {
  inputs: Value[];
  outputs: Value[];
  nodes: Node[];
  /** Name of an output in the source model where it differs from the value's own name. */
  outputNames?: string[];
}

/** Bytes of one element. */
export const ELEMENT_BYTES: { readonly [T in DataType]: number } = {
  float32: 4,
  float16: 2,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
};

const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const satisfies { readonly [T in DataType]: unknown };

/** True for a name in `DataType`. */
export const isDataType = (name: string): name is DataType => Object.hasOwn(ELEMENT_BYTES, name);

/** A typed array of `length` elements over `buffer` from byte `offset` on. */
export function viewOf(dataType: DataType, buffer: ArrayBufferLike, offset: number, length: number): TypedArray {
  return new ARRAYS[dataType](buffer as ArrayBuffer, offset, length);
}

/** A zeroed typed array of `length` elements. */
export function arrayOf(dataType: DataType, length: number): TypedArray {
  return new ARRAYS[dataType](length);
}

/** The constructor of the typed array that carries a data type. */
export const arrayClass = (dataType: DataType) => ARRAYS[dataType];

/** Number of elements; NaN while a dimension is unknown. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

/** True when every dimension is a number. */
export const isStatic = (shape: readonly number[]): boolean => !shape.some(Number.isNaN);
