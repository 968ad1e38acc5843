// Tensors of an ONNX file as constants. Elements stay where they lie in the file when they are stored as we keep them;
// bfloat16 is widened to float32, and packed integers of 2 and 4 bits to 8.
import { check } from "../../errors.ts";
import { constantValue } from "../../graph/constant.ts";
import { arrayClass, type DataType, ELEMENT_BYTES, type TypedArray, type Value } from "../../graph/types.ts";
import type { TensorProto } from "./proto.ts";

/** ONNX's data types by their codes; `dataType` is the engine's, where it has one. */
const DATA_TYPES: readonly { readonly name: string; readonly dataType?: DataType; readonly bits?: 2 | 4 }[] = [
  { name: "undefined" },
  { name: "float32", dataType: "float32" },
  { name: "uint8", dataType: "uint8" },
  { name: "int8", dataType: "int8" },
  { name: "uint16", dataType: "uint16" },
  { name: "int16", dataType: "int16" },
  { name: "int32", dataType: "int32" },
  { name: "int64", dataType: "int64" },
  { name: "string" },
  { name: "bool", dataType: "bool" },
  { name: "float16", dataType: "float16" },
  { name: "float64", dataType: "float64" },
  { name: "uint32", dataType: "uint32" },
  { name: "uint64", dataType: "uint64" },
  { name: "complex64" },
  { name: "complex128" },
  { name: "bfloat16" },
  { name: "float8e4m3fn" },
  { name: "float8e4m3fnuz" },
  { name: "float8e5m2" },
  { name: "float8e5m2fnuz" },
  { name: "uint4", bits: 4 },
  { name: "int4", bits: 4 },
  { name: "float4e2m1" },
  { name: "float8e8m0" },
  { name: "uint2", bits: 2 },
  { name: "int2", bits: 2 },
];

const BFLOAT16 = 16;

/** The data type that a code stands for. Throws `format` for no code at all, `unsupported` for a type the engine has not. */
export function dataTypeOf(code: number, where: string): DataType {
  const entry = DATA_TYPES[code];
  check(entry && code > 0, "format", () => `${where} has data type ${code}, which ONNX does not define`);
  check(
    entry.dataType,
    "unsupported",
    () => `${where} is ${entry.name}; data types are float32, float16, float64, integers of 8 to 64 bits and bool`,
  );
  return entry.dataType;
}

/** True for integers of 2 and 4 bits. */
export const isPacked = ({ dataType }: TensorProto): boolean => DATA_TYPES[dataType]?.bits !== undefined;

/** The number of elements of a tensor. Throws `format` when no such tensor can be in a file. */
function countOf(dims: readonly number[], where: string): number {
  check(
    dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0),
    "format",
    () => `${where} has shape [${dims}]`,
  );
  const count = dims.reduce((product, dim) => product * dim, 1);
  check(Number.isSafeInteger(count), "format", () => `${where} has shape [${dims}], which is too large`);
  return count;
}

/** A constant of the graph. Throws `format` when the bytes do not fit the shape, `unsupported` for types that cannot be kept. */
export function tensorValue(tensor: TensorProto, name = tensor.name): Value {
  const where = `tensor "${name}"`;
  const count = countOf(tensor.dims, where);
  check(!tensor.isExternal, "format", () => `${where} lies in another file: save the model with its weights inside`);
  const entry = DATA_TYPES[tensor.dataType];
  if (tensor.dataType === BFLOAT16)
    return constantValue(name, "float32", tensor.dims, widenBfloat16(storedAs("uint16", tensor, count, where)));
  if (entry?.bits) {
    const isSigned = entry.name.startsWith("int");
    const packed = storedAs("uint8", tensor, Math.ceil((count * entry.bits) / 8), where) as Uint8Array;
    return constantValue(name, isSigned ? "int8" : "uint8", tensor.dims, unpackBits(packed, count, entry.bits, isSigned));
  }
  const dataType = dataTypeOf(tensor.dataType, where);
  if (tensor.raw) {
    checkLength(tensor.raw.length, count * ELEMENT_BYTES[dataType], "bytes", tensor, where);
    return { name, type: { dataType, shape: tensor.dims }, constant: { storage: dataType, bytes: tensor.raw } };
  }
  return constantValue(name, dataType, tensor.dims, storedAs(dataType, tensor, count, where));
}

function checkLength(found: number, expected: number, unit: string, { dims }: TensorProto, where: string): void {
  check(found === expected, "format", () => `${where} has ${found} ${unit}, its shape [${dims}] needs ${expected}`);
}

/** The elements, from the raw bytes or from the list that the data type is written in. */
function storedAs(dataType: DataType, tensor: TensorProto, count: number, where: string): TypedArray {
  const bytes = tensor.raw;
  if (bytes) {
    checkLength(bytes.length, count * ELEMENT_BYTES[dataType], "bytes", tensor, where);
    return new (arrayClass(dataType) as Uint8ArrayConstructor)(new Uint8Array(bytes).buffer);
  }
  const list = listOf(dataType, tensor);
  checkLength(list.length, count, "elements", tensor, where);
  if (dataType === "int64") return BigInt64Array.from(list as bigint[]);
  if (dataType === "uint64") return BigUint64Array.from(list as bigint[], (value) => BigInt.asUintN(64, value));
  return (arrayClass(dataType) as Float64ArrayConstructor).from(list as number[], Number);
}

function listOf(dataType: DataType, tensor: TensorProto): readonly number[] | readonly bigint[] {
  switch (dataType) {
    case "float32":
      return tensor.floats;
    case "float64":
      return tensor.doubles;
    case "int64":
    case "uint64":
    case "uint32":
      return tensor.bigints;
    default:
      return tensor.integers;
  }
}

function widenBfloat16(halves: TypedArray): Float32Array {
  return new Float32Array(Uint32Array.from(halves as Uint16Array, (bits) => bits << 16).buffer);
}

function unpackBits(packed: Uint8Array, count: number, bits: 2 | 4, isSigned: boolean): Int8Array | Uint8Array {
  const elements = isSigned ? new Int8Array(count) : new Uint8Array(count);
  const perByte = 8 / bits;
  for (let i = 0; i < count; i++) {
    const field = (packed[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & ((1 << bits) - 1);
    elements[i] = isSigned ? (field << (32 - bits)) >> (32 - bits) : field;
  }
  return elements;
}
