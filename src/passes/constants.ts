// Constants as passes read and make them. Axes are moved in the stored elements, so that a constant stored as
// float16 stays so.
import { constantElements, storedElements } from "../graph/constant.ts";
import {
  arrayOf,
  type Constant,
  isStatic,
  type Quantization,
  sizeOf,
  type TensorType,
  type TypedArray,
  type Value,
} from "../graph/types.ts";
import { moveElements, moveOver, stridesOf } from "../ops/moves.ts";
import type { Rewriter } from "./rewrite.ts";

/** A value that the model file brings. */
export type ConstantValue = Value & { readonly type: TensorType; readonly constant: Constant };

export const isConstant = (value: Value | null | undefined): value is ConstantValue =>
  Boolean(value?.constant && value.type && isStatic(value.type.shape));

/** The number in a constant of one element, quantized ones apart. */
export function scalarOf(graph: Rewriter, value: Value | null | undefined): number | undefined {
  if (!value || value.quant || !graph.isKnown(value)) return undefined;
  const type = graph.type(value);
  if (!type || sizeOf(type.shape) !== 1 || type.dataType === "float16") return undefined; // read no large constant for this
  return Number(graph.known(value)!.data[0]);
}

/** The elements of a float32 constant. */
export function floatsOf(value: Value | null | undefined): Float32Array | undefined {
  return isConstant(value) && value.type.dataType === "float32" && !value.quant ? (constantElements(value) as Float32Array) : undefined;
}

/** One float for each of `channels` from a constant that broadcasts along the last axis only; undefined for others. */
export function channelsOf(value: Value | null | undefined, channels: number): Float32Array | undefined {
  const floats = floatsOf(value);
  if (!floats || !isConstant(value)) return undefined;
  if (floats.length === 1) return new Float32Array(channels).fill(floats[0]!);
  return floats.length === channels && value.type.shape.at(-1) === channels ? floats : undefined;
}

/** A constant over new float32 elements. */
export function floatConstant(name: string, shape: readonly number[], data: Float32Array): ConstantValue {
  return { name, type: { dataType: "float32", shape }, constant: { storage: "float32", bytes: bytesOf(data) } };
}

/** The same kind of constant with other elements, given in its storage type. */
export function restored(value: ConstantValue, shape: readonly number[], data: TypedArray, quant = value.quant): ConstantValue {
  return {
    name: value.name,
    quant,
    type: { dataType: value.type.dataType, shape },
    constant: { storage: value.constant.storage, bytes: bytesOf(data) },
  };
}

export const bytesOf = (data: TypedArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** The constant with its axes in another order. */
export function transposeConstant(value: ConstantValue, perm: readonly number[]): ConstantValue {
  const from = value.type.shape;
  const shape = perm.map((axis) => from[axis]!);
  const strides = stridesOf(from);
  const data = arrayOf(value.constant.storage, sizeOf(shape));
  const move = moveOver(
    shape,
    stridesOf(shape),
    perm.map((axis) => strides[axis]!),
  );
  if (data.length) moveElements(data, storedElements(value.constant), move);
  return restored(value, shape, data, permuteQuant(value.quant, perm));
}

/** The constant's elements under another shape of the same size. */
export function reshapeConstant(value: ConstantValue, shape: readonly number[]): ConstantValue {
  return { ...value, type: { dataType: value.type.dataType, shape } };
}

/** Quantization after the axes of a value were put in another order. */
export function permuteQuant(quant: Quantization | undefined, perm: readonly number[]): Quantization | undefined {
  return quant?.axis === undefined ? quant : { ...quant, axis: perm.indexOf(quant.axis) };
}

/** Quantization of a constant under another shape of the same size; undefined where the axis of its scales is not there any more. */
export function reshapeQuant(quant: Quantization, from: readonly number[], to: readonly number[]): Quantization | undefined {
  const { axis } = quant;
  if (axis === undefined) return quant;
  const before = sizeOf(from.slice(0, axis));
  const found = to.findIndex((size, i) => size === from[axis] && sizeOf(to.slice(0, i)) === before);
  return found < 0 ? undefined : { ...quant, axis: found };
}

/** True when both values are quantized alike, or neither is. */
export function sameQuant(a: Quantization | undefined, b: Quantization | undefined): boolean {
  if (a === b) return true;
  return String(a?.scale) === String(b?.scale) && String(a?.zeroPoint) === String(b?.zeroPoint) && (a?.axis ?? -1) === (b?.axis ?? -1);
}
