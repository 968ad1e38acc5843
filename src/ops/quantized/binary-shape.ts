// What the int8 binary kernel is told in memory; assembly/lib/qs8-binary-row.ts draws the same words.
import { roundHalfEven } from "../real.ts";
import type { Steps } from "./steps.ts";

/** Operands, result, and the result's clamp in steps. */
export interface BinarySteps {
  readonly a: Steps;
  readonly b: Steps;
  readonly y: Steps;
  readonly lo: number;
  readonly hi: number;
}

const CODE = { sum: 0, product: 1, table: 2, floatSum: 3 } as const;
/** Where the float32 words begin. */
const FLOATS = 10;

const words = (code: number, { a, b, y, lo, hi }: BinarySteps): Int32Array =>
  Int32Array.of(code, a.zero, b.zero, y.zero, lo, hi, 0, 0, 0, 0, 0, 0, 0);

/** Scale of an operand over the scale of the result, in float32. */
const ratioOf = (x: Steps, y: Steps): number => Math.fround(Math.fround(x.scale) / Math.fround(y.scale));

/** True when the ratios of the scales fit the multipliers of a sum. */
export const sumFits = ({ a, b, y }: BinarySteps): boolean =>
  [ratioOf(a, y), ratioOf(b, y)].every((ratio) => ratio >= 2 ** -10 && ratio < 2 ** 8);

/** a ± b: the ratios as integers of at most 21 bits, the sum rounded half up, as XNNPACK rounds it. */
export function sumShape(steps: BinarySteps, sign: 1 | -1): Int32Array {
  const ratios = [ratioOf(steps.a, steps.y), ratioOf(steps.b, steps.y)] as const;
  const shift = 20 - Math.floor(Math.log2(Math.max(...ratios)));
  const aMultiplier = roundHalfEven(ratios[0] * 2 ** shift),
    bMultiplier = sign * roundHalfEven(ratios[1] * 2 ** shift);
  const bias = 2 ** (shift - 1) - aMultiplier * steps.a.zero - bMultiplier * steps.b.zero;
  const shape = words(CODE.sum, steps);
  shape.set([aMultiplier, bMultiplier, bias, shift], 6);
  return shape;
}

/** a ± b in float32: each operand times its ratio, and one number for the zero points, rounded half to even, as onnxruntime does. */
export function floatSumShape(steps: BinarySteps, sign: 1 | -1): Int32Array {
  const [a, b] = [ratioOf(steps.a, steps.y), sign * ratioOf(steps.b, steps.y)];
  const zeros = Math.fround(Math.fround(a * steps.a.zero) + Math.fround(b * steps.b.zero));
  const shape = words(CODE.floatSum, steps);
  new Float32Array(shape.buffer).set([a, b, Math.fround(steps.y.zero - zeros)], FLOATS);
  return shape;
}

/** a · b: the product times one float32 scale. */
export function productShape(steps: BinarySteps): Int32Array {
  const shape = words(CODE.product, steps);
  const scale = Math.fround(Math.fround(Math.fround(steps.a.scale) * Math.fround(steps.b.scale)) / Math.fround(steps.y.scale));
  new Float32Array(shape.buffer)[FLOATS] = scale;
  return shape;
}

/** Any function, from a table of its results. */
export const tableShape = (): Int32Array => Int32Array.of(CODE.table, 0, 0, 0, -128, 127, 0, 0, 0, 0, 0, 0, 0);
