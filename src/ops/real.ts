// Tensors as real numbers: what a quantized element stands for, and the element that stands nearest to a number.
// For operators in TypeScript, which then need not know how their operands are stored.
import type { Quantization, TensorType } from "../graph/types.ts";
import { sizeOf } from "../graph/types.ts";
import type { HostTensor } from "./define.ts";
import { isFloat, numbersOf, writeNumbers } from "./host-elements.ts";

/** Nearest integer, halves to the even one. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

/** Scale and zero point of element `i`. */
function quantAt({ scale, zeroPoint, axis = 0 }: Quantization, shape: readonly number[]): (i: number) => readonly [number, number] {
  if (scale.length === 1) return () => [scale[0]!, zeroPoint[0] ?? 0];
  const inner = sizeOf(shape.slice(axis + 1));
  return (i) => {
    const channel = Math.floor(i / inner) % shape[axis]!;
    return [scale[channel]!, zeroPoint[channel] ?? 0];
  };
}

/** The real numbers that the elements stand for. */
export function realsOf(x: HostTensor, quant: Quantization | undefined): ArrayLike<number> {
  const stored = numbersOf(x);
  if (!quant || isFloat(x.dataType)) return stored;
  const at = quantAt(quant, x.shape);
  return Float64Array.from(stored, (value, i) => {
    const [scale, zeroPoint] = at(i);
    return (value - zeroPoint) * scale;
  });
}

const LIMITS: { readonly [dataType: string]: readonly [number, number] } = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/** The nearest element of a quantized type to a real number: half to even, then clamped. */
function quantizeReal(value: number, scale: number, zeroPoint: number, dataType: TensorType["dataType"]): number {
  const [least, most] = LIMITS[dataType] ?? [-Infinity, Infinity];
  return Math.min(Math.max(roundHalfEven(value / scale) + zeroPoint, least), most);
}

/** Writes real numbers, as the elements nearest to them. */
export function writeReals(y: HostTensor, values: ArrayLike<number>, quant: Quantization | undefined): void {
  if (!quant || isFloat(y.dataType)) {
    writeNumbers(y, values);
    return;
  }
  const at = quantAt(quant, y.shape);
  for (let i = 0; i < y.data.length; i++) {
    const [scale, zeroPoint] = at(i);
    y.data[i] = quantizeReal(values[i]!, scale, zeroPoint, y.dataType) as never;
  }
}
