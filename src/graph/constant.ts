// Reads and makes constants. The elements of a constant may be stored narrower than its type (float16 for float32).
import { float16ToFloat32 } from "./float16.ts";
import { type Constant, type DataType, ELEMENT_BYTES, type Quantization, type TypedArray, type Value, viewOf } from "./types.ts";

/** The stored bytes as elements of their storage type; copied only when they are not aligned. */
export function storedElements({ storage, bytes }: Constant): TypedArray {
  const size = ELEMENT_BYTES[storage];
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes); // not slice(): a Buffer's does not copy
  return viewOf(storage, aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** The elements of a constant in its value's data type. Throws when the storage cannot be widened to it. */
export function constantElements(value: Value & { constant: Constant }): TypedArray {
  const elements = storedElements(value.constant);
  const dataType = value.type?.dataType ?? value.constant.storage;
  if (dataType === value.constant.storage) return elements;
  if (dataType === "float32" && value.constant.storage === "float16") return float16ToFloat32(elements as Uint16Array);
  throw new Error(`constant "${value.name}": ${value.constant.storage} storage cannot hold ${dataType}`);
}

/** A constant value over a typed array, which is not copied. */
export function constantValue(name: string, dataType: DataType, shape: readonly number[], data: TypedArray, quant?: Quantization): Value {
  return {
    name,
    type: { dataType, shape },
    quant,
    constant: { storage: dataType, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
  };
}
