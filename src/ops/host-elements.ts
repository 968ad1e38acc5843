// Elements as TypeScript computes on them: numbers, whatever data type they are stored in.
import { float16ToFloat32, toFloat16Bits } from "../graph/float16.ts";
import type { DataType } from "../graph/types.ts";
import type { HostTensor } from "./define.ts";

/** True for the data types that typed arrays give as bigint. */
export const isWide = (dataType: DataType): boolean => dataType === "int64" || dataType === "uint64";

/** True for float32, float16 and float64. */
export const isFloat = (dataType: DataType): boolean => dataType.startsWith("float");

/** All elements as numbers; 64-bit integers beyond 2^53 lose their last bits. */
export function numbersOf({ dataType, data }: HostTensor): ArrayLike<number> {
  if (dataType === "float16") return float16ToFloat32(data as Uint16Array);
  if (isWide(dataType)) return Float64Array.from(data as BigInt64Array, Number);
  return data as ArrayLike<number>;
}

/** A number as a typed array of `dataType` takes it: typed arrays wrap integers around and round floats. */
export function encode(dataType: DataType, value: number): number | bigint {
  if (dataType === "bool") return value ? 1 : 0;
  if (dataType === "float16") return toFloat16Bits(value);
  return isWide(dataType) ? wideInteger(value) : value;
}

const LIMIT = 2 ** 63;

/** Truncates towards zero; what 64 bits cannot hold ends at the nearest that they can, NaN at 0. */
function wideInteger(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= LIMIT) return 2n ** 63n - 1n;
  return value <= -LIMIT ? -(2n ** 63n) : BigInt(Math.trunc(value));
}

/** The nearest integer, ties to even. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** Writes numbers into a tensor of any data type. */
export function writeNumbers({ dataType, data }: HostTensor, values: ArrayLike<number>): void {
  for (let i = 0; i < data.length; i++) data[i] = encode(dataType, values[i]!) as never;
}
