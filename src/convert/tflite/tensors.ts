// What a tensor of the file means: its type, its quantization and, where the file brings them, its elements.
import { check, LanewiseError } from "../../errors.ts";
import {
  type Constant,
  type DataType,
  ELEMENT_BYTES,
  isDataType,
  type Quantization,
  sizeOf,
  type TensorType,
  type Value,
} from "../../graph/types.ts";
import { TENSOR_TYPES, type TfliteModel, type TfliteQuantization, type TfliteTensor } from "./schema.ts";
import { densify } from "./sparse.ts";

/** The format's name of a tensor's element type. */
const typeName = ({ type }: TfliteTensor): string => TENSOR_TYPES[type] ?? `type ${type}`;

/** True for a tensor of complex numbers, which is two values of the graph. */
export const isComplex = (tensor: TfliteTensor): boolean => typeName(tensor) === "complex64";

/** The element type that the graph uses: four-bit integers become eight-bit ones, complex numbers their real parts. */
function dataTypeOf(tensor: TfliteTensor): DataType | undefined {
  const name = typeName(tensor);
  if (name === "int4") return "int8";
  if (name === "complex64") return "float32";
  return isDataType(name) ? name : undefined;
}

/** Why the engine cannot hold this tensor; undefined when it can. */
export function tensorProblem(tensor: TfliteTensor, value: Value): string | undefined {
  const name = typeName(tensor);
  const label = `tensor "${tensor.name}"`;
  if (!dataTypeOf(tensor) || isComplex(tensor)) return `${label} has data type ${name}`;
  if (tensor.externalBuffer) return `${label} has its elements in another file`;
  if (tensor.quantization?.details) return `${label} has custom or blockwise quantization`;
  if (value.constant) return undefined;
  if (tensor.isVariable) return `${label} is state that lives between runs`;
  if (name === "int4") return `${label} is a four-bit activation`;
  if (name === "int16" && isQuantized(tensor.quantization)) return `${label} is a 16-bit quantized activation`;
  return undefined;
}

const MAX_RANK = 64;

/** Declared shape; a dimension that each run decides is NaN. Throws `shape`. */
function shapeOf({ name, shape, shapeSignature }: TfliteTensor): number[] {
  check(shape.length <= MAX_RANK, "shape", () => `tensor "${name}" has ${shape.length} dimensions`);
  const dims = shapeSignature.length === shape.length ? shapeSignature : shape;
  return dims.map((dim, axis) => {
    check(dim >= -1, "shape", () => `tensor "${name}": dimension ${axis} is ${dim}`);
    return dim === -1 ? Number.NaN : dim;
  });
}

/** The declared type; undefined when the engine has no such element type. Throws `shape`. */
export function typeOf(tensor: TfliteTensor): TensorType | undefined {
  const dataType = dataTypeOf(tensor);
  return dataType && { dataType, shape: shapeOf(tensor) };
}

/** A scale of 0 is how old files say "not quantized". */
const isQuantized = (quantization: TfliteQuantization | undefined): boolean => Boolean(quantization?.scale.some((scale) => scale !== 0));

const ZERO_POINTS: { readonly [T in DataType]?: readonly [number, number] } = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
};

/** The quantization of a tensor whose numbers are steps; other types have none. Throws `format`, `shape`. */
export function quantOf({ name, quantization }: TfliteTensor, type: TensorType): Quantization | undefined {
  const range = ZERO_POINTS[type.dataType];
  if (!range || !quantization || !isQuantized(quantization)) return undefined;
  const { scale, zeroPoint, axis } = quantization;
  for (const value of scale)
    check(value >= 0 && Number.isFinite(value), "format", () => `tensor "${name}": a quantization scale is ${value}`);
  for (const value of zeroPoint) {
    check(
      value >= range[0] && value <= range[1],
      "format",
      () => `tensor "${name}": a zero point is ${value}, expected ${range[0]} … ${range[1]}`,
    );
  }
  const zeros = zeroPoint.length === scale.length ? zeroPoint : scale.map(() => zeroPoint[0] ?? 0);
  check(
    zeroPoint.length <= 1 || zeros === zeroPoint,
    "shape",
    () => `tensor "${name}": ${scale.length} scales and ${zeroPoint.length} zero points`,
  );
  if (scale.length === 1) return { scale, zeroPoint: zeros };
  check(type.shape[axis] === scale.length, "shape", () => `tensor "${name}": ${scale.length} scales for axis ${axis} of [${type.shape}]`);
  return { scale, zeroPoint: zeros, axis };
}

/** The bytes that the file brings for a tensor; none for what a run computes. Throws `format`. */
function bufferOf({ name, buffer: index }: TfliteTensor, { buffers }: TfliteModel): Uint8Array | undefined {
  const buffer = buffers[index];
  if (!buffer) {
    if (index === 0) return undefined;
    throw new LanewiseError("format", `tensor "${name}": buffer ${index} does not exist; the file has ${buffers.length}`);
  }
  const bytes = buffer.outside ?? buffer.data;
  return bytes?.length ? bytes : undefined;
}

/** The constant that a tensor is; undefined for what a run computes. Throws `format`, and `shape` when bytes and type do not fit. */
export function constantOf(tensor: TfliteTensor, model: TfliteModel): Constant | undefined {
  const bytes = bufferOf(tensor, model);
  const dataType = dataTypeOf(tensor);
  if (!bytes || !dataType || isComplex(tensor)) return undefined;
  if (tensor.sparsity) return { storage: dataType, bytes: densify(tensor, tensor.sparsity, bytes, ELEMENT_BYTES[dataType]) };
  const elements = sizeOf(tensor.shape);
  const expected = typeName(tensor) === "int4" ? Math.ceil(elements / 2) : elements * ELEMENT_BYTES[dataType];
  check(
    bytes.length === expected,
    "shape",
    () => `tensor "${tensor.name}": ${typeName(tensor)}[${tensor.shape}] takes ${expected} bytes, its buffer has ${bytes.length}`,
  );
  return { storage: dataType, bytes: typeName(tensor) === "int4" ? unpackInt4(bytes, elements) : bytes };
}

/** Two's complement halves of bytes, the lower half first. */
function unpackInt4(bytes: Uint8Array, elements: number): Uint8Array {
  const unpacked = new Int8Array(elements);
  for (let i = 0; i < elements; i++) {
    const pair = bytes[i >> 1]!;
    unpacked[i] = (i & 1 ? pair << 24 : pair << 28) >> 28;
  }
  return new Uint8Array(unpacked.buffer);
}
