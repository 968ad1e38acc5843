// What goes into a model and comes out of it.
import { LanewiseError } from "../errors.ts";
import { printPublicType } from "../graph/print.ts";
import { arrayClass, type DataType, isDataType, sizeOf, type TypedArray } from "../graph/types.ts";

/** Elements as callers may give them. */
export type TensorData = TypedArray | readonly number[] | readonly bigint[];

/**
 * A dense tensor in C order.
 *
 * `data` is the typed array of the data type: `BigInt64Array` for int64, `Uint8Array` for bool, the bits in a
 * `Uint16Array` for float16. Given an array of numbers (or, for int64 and uint64, any integer array), it is converted.
 *
 * Throws `LanewiseError` ("input") when the data type is unknown, a dimension is not a non-negative integer, or the
 * number of elements does not fit the shape, or a number in an array is none that the data type has (300 for int8).
 */
export class Tensor {
  /** Type of the elements. */
  readonly dataType: DataType;
  /** Dimensions, the last one running fastest; empty for a scalar. */
  readonly shape: readonly number[];
  /** The elements: the caller's own array where it already has the right type, otherwise a copy. */
  readonly data: TypedArray;

  /** Throws "input"; see the class. */
  constructor(dataType: DataType, shape: readonly number[], data: TensorData) {
    if (!isDataType(dataType))
      throw new LanewiseError("input", `a tensor has data type "${dataType}"; see DataType for the ones there are`);
    if (!Array.isArray(shape) || !shape.every((dim) => Number.isInteger(dim) && dim >= 0)) {
      throw new LanewiseError("input", `a tensor's shape is a list of whole numbers from 0, found ${JSON.stringify(shape)}`);
    }
    this.dataType = dataType;
    this.shape = Object.isFrozen(shape) ? shape : Object.freeze([...shape]);
    this.data = convert(dataType, data);
    if (this.data.length !== sizeOf(shape)) {
      throw new LanewiseError("input", `a ${printPublicType(this)} has ${sizeOf(shape)} elements, the data has ${this.data.length}`);
    }
  }
}

function convert(dataType: DataType, data: TensorData): TypedArray {
  const Class = arrayClass(dataType);
  if (data instanceof Class) return data;
  if (dataType === "bool" && data instanceof Int8Array) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const wide = dataType === "int64" || dataType === "uint64";
  const list = Array.isArray(data);
  const integers = wide && ArrayBuffer.isView(data) && !(data instanceof Float32Array) && !(data instanceof Float64Array);
  if (!list && !integers) {
    throw new LanewiseError("input", `data of a ${dataType} tensor must be a ${Class.name} or an array, found ${describe(data)}`);
  }
  try {
    const numbers: readonly (number | bigint)[] = Array.from(
      data as ArrayLike<number>,
      wide ? (BigInt as unknown as typeof Number) : Number,
    );
    return checkedNumbers((Class as Float32ArrayConstructor).from(numbers as number[]), numbers);
  } catch (cause) {
    throw new LanewiseError("input", `data of a ${dataType} tensor: ${(cause as Error).message}`, { cause });
  }
}

/** Floats are rounded; integers that would come out as other ones are refused. */
function checkedNumbers(converted: TypedArray, numbers: readonly (number | bigint)[]): TypedArray {
  if (converted instanceof Float32Array || converted instanceof Float64Array) return converted;
  const at = (converted as Int32Array).findIndex((value, i) => value !== numbers[i]);
  if (at >= 0) throw new RangeError(`element ${at} is ${numbers[at]}`);
  return converted;
}

const describe = (data: unknown): string =>
  data === null || typeof data !== "object" ? String(data) : (data.constructor?.name ?? "an object");
