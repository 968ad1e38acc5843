// NumPy's .npy files, read into tensors and written from them.
import { dump, parse } from "npyjs";
import { LanewiseError } from "../errors.ts";
import { arrayOf, type DataType, type TypedArray } from "../graph/types.ts";
import { Tensor } from "../index.ts";

const CODES = {
  float32: "f4",
  float16: "f2",
  float64: "f8",
  int8: "i1",
  uint8: "u1",
  int16: "i2",
  uint16: "u2",
  int32: "i4",
  uint32: "u4",
  int64: "i8",
  uint64: "u8",
  bool: "b1",
} as const satisfies { readonly [T in DataType]: string };
const BY_CODE = new Map<string, DataType>(Object.entries(CODES).map(([dataType, code]) => [code, dataType as DataType]));

export const isNpy = (bytes: Uint8Array): boolean => bytes[0] === 0x93 && bytes[1] === 0x4e && bytes[2] === 0x55;

/** The tensor in a file's bytes. Throws `input` for what cannot be read: big endian, Fortran order, text, objects. */
export function readNpy(bytes: Uint8Array): Tensor {
  const { data, shape, dtype, fortranOrder } = parseNpy(bytes);
  const dataType = BY_CODE.get(dtype);
  if (!dataType)
    throw new LanewiseError("input", `an .npy of "${dtype}" is no tensor; it must hold one of ${[...BY_CODE.keys()].join(", ")}`);
  if (fortranOrder && shape.length > 1) throw new LanewiseError("input", "the .npy is in Fortran order; save numpy.ascontiguousarray(x)");
  const elements = dataType === "bool" ? Uint8Array.from(data as unknown as ArrayLike<boolean>, Number) : (data as unknown as TypedArray);
  return new Tensor(dataType, shape, elements);
}

function parseNpy(bytes: Uint8Array) {
  try {
    return parse(new Uint8Array(bytes).buffer, { convertFloat16: false });
  } catch (cause) {
    throw new LanewiseError("input", `the .npy cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** A tensor as the bytes of an .npy file. */
export function writeNpy({ dataType, shape, data }: Tensor): Uint8Array {
  return new Uint8Array(dump(data, [...shape], { dtype: CODES[dataType] }));
}

/**
 * A tensor with its elements in another data type, where that keeps their values: floats among each other, and whole
 * numbers that fit. Throws `input`.
 */
export function convertTensor(tensor: Tensor, dataType: DataType): Tensor {
  if (tensor.dataType === dataType) return tensor;
  const isFloat = (type: DataType) => type === "float32" || type === "float64";
  const whole = (type: DataType) => !type.startsWith("float");
  if (!(isFloat(tensor.dataType) && isFloat(dataType)) && !(whole(tensor.dataType) && whole(dataType))) {
    throw new LanewiseError("input", `expected ${dataType}, the file holds ${tensor.dataType}`);
  }
  const wide = dataType === "int64" || dataType === "uint64";
  const source = tensor.data as ArrayLike<number | bigint>;
  const data = arrayOf(dataType, source.length) as { [index: number]: number | bigint } & TypedArray;
  for (let i = 0; i < source.length; i++) {
    const value = wide ? BigInt(source[i]!) : Number(source[i]);
    data[i] = value;
    if (whole(dataType) && data[i] !== value) {
      throw new LanewiseError("input", `the file holds ${tensor.dataType}, and ${value} does not fit ${dataType}`);
    }
  }
  return new Tensor(dataType, tensor.shape, data);
}
