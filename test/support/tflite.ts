// Writes small .tflite files for tests, with whatever in them is to be wrong.
import { Builder, type Offset } from "flatbuffers";
import { TENSOR_TYPES } from "../../src/convert/tflite/schema.ts";

type ScalarKind = "byte" | "int" | "float" | "ulong";
/** A field of an options table: its number, how it is stored, its value. */
export type OptionField = readonly [id: number, kind: ScalarKind | "ints", value: number | readonly number[]];

export interface TensorSpec {
  readonly name?: string;
  readonly type?: (typeof TENSOR_TYPES)[number];
  readonly shape?: readonly number[];
  readonly signature?: readonly number[];
  /** Elements of a constant, or its raw bytes. */
  readonly data?: ArrayBufferView;
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly number[];
  readonly axis?: number;
  /** Instead of the buffer that `data` gets. */
  readonly buffer?: number;
  readonly isVariable?: boolean;
  /** `data` has only what is not zero. */
  readonly sparsity?: SparsitySpec;
}

/** How a sparse constant is walked; a dimension is dense, or lists where its segments end and the indices in them. */
export interface SparsitySpec {
  readonly traversalOrder: readonly number[];
  readonly blockMap: readonly number[];
  readonly dimensions: readonly (number | { readonly segments: readonly number[]; readonly indices: readonly number[] })[];
}

export interface OperatorSpec {
  /** A builtin operator's number, or a custom operator's name. */
  readonly op: number | string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Their number among the format's options, and the fields. */
  readonly options?: readonly [kind: number, ...fields: OptionField[]];
  readonly customOptions?: Uint8Array;
  readonly version?: number;
}

export interface ModelSpec {
  readonly tensors: readonly TensorSpec[];
  readonly operators: readonly OperatorSpec[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly version?: number;
  /** Puts the constants' bytes behind the flatbuffer, as files above 2 GB do. */
  readonly dataOutside?: boolean;
}

const CUSTOM = 32;

/** The bytes of a .tflite file. */
export function writeTflite(spec: ModelSpec): Uint8Array {
  if (!spec.dataOutside) return build(spec, []);
  // The offsets have a fixed width, so a first pass tells where the data will lie.
  let end = build(
    spec,
    spec.tensors.map(() => 2),
  ).length;
  const places = spec.tensors.map(({ data }) => {
    const at = end;
    end += data?.byteLength ?? 0;
    return at;
  });
  const file = new Uint8Array(end);
  file.set(build(spec, places));
  for (const [i, { data }] of spec.tensors.entries()) if (data) file.set(bytesOf(data), places[i]!);
  return file;
}

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function build(spec: ModelSpec, places: readonly number[]): Uint8Array {
  const b = new Builder(1024);
  const buffers: Offset[] = [table(b, 3, [])];
  const tensors = spec.tensors.map((tensor, i) => {
    if (tensor.data) buffers.push(writeBuffer(b, tensor.data, places[i]));
    return writeTensor(b, tensor, tensor.buffer ?? (tensor.data ? buffers.length - 1 : 0));
  });
  const operators = spec.operators.map((operator, i) => writeOperator(b, operator, i));
  const subgraph = table(b, 5, [
    [0, "offset", offsets(b, tensors)],
    [1, "offset", ints(b, spec.inputs)],
    [2, "offset", ints(b, spec.outputs)],
    [3, "offset", offsets(b, operators)],
  ]);
  const codes = spec.operators.map(({ op, version = 1 }) => writeCode(b, op, version));
  const model = table(b, 8, [
    [0, "int", spec.version ?? 3],
    [1, "offset", offsets(b, codes)],
    [2, "offset", offsets(b, [subgraph])],
    [4, "offset", offsets(b, buffers)],
  ]);
  b.finish(model, "TFL3");
  return b.asUint8Array().slice();
}

function writeBuffer(b: Builder, data: ArrayBufferView, place: number | undefined): Offset {
  if (place === undefined) return table(b, 3, [[0, "offset", b.createByteVector(bytesOf(data))]]);
  return table(b, 3, [
    [1, "ulong", place],
    [2, "ulong", data.byteLength],
  ]);
}

function writeTensor(b: Builder, spec: TensorSpec, buffer: number): Offset {
  const { name = "", type = "float32", shape = [], signature, scale, zeroPoint = [], axis = 0, isVariable } = spec;
  const sparsity = spec.sparsity && writeSparsity(b, spec.sparsity);
  const fields: Field[] = [
    [0, "offset", ints(b, shape)],
    [1, "byte", TENSOR_TYPES.indexOf(type)],
    [2, "int", buffer],
    [3, "offset", b.createString(name)],
  ];
  if (scale) fields.push([4, "offset", writeQuantization(b, scale, zeroPoint, axis)]);
  if (isVariable) fields.push([5, "byte", 1]);
  if (signature) fields.push([7, "offset", ints(b, signature)]);
  if (sparsity !== undefined) fields.push([6, "offset", sparsity]);
  return table(b, 10, fields);
}

/** Numbers of the union's int32, uint16 and uint8 vectors. */
const [INT32S, UINT16S, UINT8S] = [1, 2, 3];

function writeSparsity(b: Builder, { traversalOrder, blockMap, dimensions }: SparsitySpec): Offset {
  const list = (values: readonly number[]): readonly [number, Offset] => {
    const most = Math.max(...values);
    if (most > 0xffff) return [INT32S, table(b, 1, [[0, "offset", ints(b, values)]])];
    if (most > 0xff) return [UINT16S, table(b, 1, [[0, "offset", vector(b, 2, values, (value) => b.addInt16(value))]])];
    return [UINT8S, table(b, 1, [[0, "offset", vector(b, 1, values, (value) => b.addInt8(value))]])];
  };
  const written = dimensions.map((dimension) => {
    if (typeof dimension === "number") return table(b, 6, [[1, "int", dimension]]);
    const [segments, indices] = [list(dimension.segments), list(dimension.indices)];
    return table(b, 6, [
      [0, "byte", 1],
      [2, "byte", segments[0]],
      [3, "offset", segments[1]],
      [4, "byte", indices[0]],
      [5, "offset", indices[1]],
    ]);
  });
  return table(b, 3, [
    [0, "offset", ints(b, traversalOrder)],
    [1, "offset", ints(b, blockMap)],
    [2, "offset", offsets(b, written)],
  ]);
}

const writeQuantization = (b: Builder, scale: readonly number[], zeroPoint: readonly number[], axis: number): Offset => {
  const zeros = vector(b, 8, zeroPoint, (zero) => b.addInt64(BigInt(zero)));
  const scales = vector(b, 4, scale, (value) => b.addFloat32(value));
  return table(b, 7, [
    [2, "offset", scales],
    [3, "offset", zeros],
    [6, "int", axis],
  ]);
};

function writeOperator(b: Builder, { inputs, outputs, options, customOptions }: OperatorSpec, code: number): Offset {
  const fields: Field[] = [
    [0, "int", code],
    [1, "offset", ints(b, inputs)],
    [2, "offset", ints(b, outputs)],
  ];
  if (options) {
    const [kind, ...list] = options;
    const written = list.map(
      ([id, how, value]): Field => (how === "ints" ? [id, "offset", ints(b, value as number[])] : [id, how, value as number]),
    );
    fields.push([3, "byte", kind], [4, "offset", table(b, Math.max(0, ...list.map(([id]) => id + 1)), written)]);
  }
  if (customOptions) fields.push([5, "offset", b.createByteVector(customOptions)]);
  return table(b, 9, fields);
}

function writeCode(b: Builder, op: number | string, version: number): Offset {
  const code = typeof op === "number" ? op : CUSTOM;
  const fields: Field[] = [
    [0, "byte", Math.min(code, 127)],
    [2, "int", version],
    [3, "int", code],
  ];
  if (typeof op === "string") fields.push([1, "offset", b.createString(op)]);
  return table(b, 4, fields);
}

type Field = readonly [id: number, kind: ScalarKind | "offset", value: number];

function table(b: Builder, size: number, fields: readonly Field[]): Offset {
  b.startObject(size);
  for (const [id, kind, value] of fields) {
    if (kind === "byte") b.addFieldInt8(id, value, null);
    else if (kind === "int") b.addFieldInt32(id, value, null);
    else if (kind === "ulong") b.addFieldInt64(id, BigInt(value), null);
    else if (kind === "float") b.addFieldFloat32(id, value, null);
    else b.addFieldOffset(id, value, 0);
  }
  return b.endObject();
}

function vector(b: Builder, elementBytes: number, values: readonly number[], add: (value: number) => void): Offset {
  b.startVector(elementBytes, values.length, elementBytes);
  for (const value of [...values].reverse()) add(value);
  return b.endVector();
}

const ints = (b: Builder, values: readonly number[]): Offset => vector(b, 4, values, (value) => b.addInt32(value));
const offsets = (b: Builder, values: readonly Offset[]): Offset => vector(b, 4, values, (value) => b.addOffset(value));
