// Every unary function once: its number for the kernels, its parameters from attributes, and itself in float64.
import { LanewiseError } from "../errors.ts";
import { UnaryCode } from "./codes.ts";
import type { AttributeReader } from "./define.ts";
import { roundHalfEven } from "./real.ts";

/** A unary function with its parameters filled in. */
export interface UnaryFunction {
  /** How kernels know it; absent where only TypeScript computes it. */
  readonly code?: UnaryCode;
  readonly p0: number;
  readonly p1: number;
  readonly real: (x: number) => number;
  /** On 64-bit integers, exactly; absent where the function is not one of integers. */
  readonly wide?: ((x: bigint) => bigint) | undefined;
}

interface Entry {
  readonly code?: UnaryCode;
  /** p0 and p1. */
  parameters?(attributes: AttributeReader): readonly [number, number?];
  real(x: number, p0: number, p1: number): number;
  wide?(x: bigint, p0: number, p1: number): bigint;
}

const clamp = (x: number, lo: number, hi: number): number => (x < lo ? lo : Math.min(x, hi));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const alpha = (fallback: number) => (attributes: AttributeReader) => [attributes.number("alpha", fallback)] as const;

/** The series of erf up to 3, the continued fraction of its complement above: about 1e-15. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x) || size === 0) return x;
  if (size > 6) return Math.sign(x);
  if (size > 3) {
    let fraction = 0;
    for (let k = 60; k > 0; k--) fraction = k / 2 / (size + fraction);
    return Math.sign(x) * (1 - Math.exp(-size * size) / ((size + fraction) * Math.sqrt(Math.PI)));
  }
  let sum = x;
  for (let k = 1, term = x; k < 60; k++) {
    term *= (-x * x) / k;
    sum += term / (2 * k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const CUBE = 0.044715;
const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

const FUNCTIONS = {
  abs: { code: UnaryCode.abs, real: Math.abs, wide: (x) => (x < 0n ? -x : x) },
  neg: { code: UnaryCode.neg, real: (x) => -x, wide: (x) => -x },
  sign: { code: UnaryCode.sign, real: Math.sign, wide: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n) },
  floor: { code: UnaryCode.floor, real: Math.floor, wide: (x) => x },
  ceil: { code: UnaryCode.ceil, real: Math.ceil, wide: (x) => x },
  round: { code: UnaryCode.round, real: roundHalfEven, wide: (x) => x },
  square: { code: UnaryCode.square, real: (x) => x * x, wide: (x) => x * x },
  sqrt: { code: UnaryCode.sqrt, real: Math.sqrt },
  rsqrt: { code: UnaryCode.rsqrt, real: (x) => 1 / Math.sqrt(x) },
  reciprocal: { code: UnaryCode.reciprocal, real: (x) => 1 / x },
  exp: { code: UnaryCode.exp, real: Math.exp },
  log: { code: UnaryCode.log, real: Math.log },
  erf: { code: UnaryCode.erf, real: erf },
  sin: { code: UnaryCode.sin, real: Math.sin },
  cos: { code: UnaryCode.cos, real: Math.cos },
  tan: { real: Math.tan },
  asin: { real: Math.asin },
  acos: { real: Math.acos },
  atan: { real: Math.atan },
  sinh: { real: Math.sinh },
  cosh: { real: Math.cosh },
  tanh: { code: UnaryCode.tanh, real: Math.tanh },
  asinh: { real: Math.asinh },
  acosh: { real: Math.acosh },
  atanh: { real: Math.atanh },
  sigmoid: { code: UnaryCode.sigmoid, real: sigmoid },
  softplus: { code: UnaryCode.softplus, real: softplus },
  softsign: { code: UnaryCode.softsign, real: (x) => x / (1 + Math.abs(x)) },
  hard_swish: { code: UnaryCode.hardSwish, real: (x) => (x * clamp(x + 3, 0, 6)) / 6 },
  mish: { code: UnaryCode.mish, real: (x) => x * Math.tanh(softplus(x)) },
  clamp: {
    code: UnaryCode.clamp,
    parameters: (attributes) => [attributes.number("min", -Infinity), attributes.number("max", Infinity)],
    real: clamp,
    wide: (x, lo, hi) => (x < lo ? BigInt(Math.ceil(lo)) : x > hi ? BigInt(Math.floor(hi)) : x),
  },
  leaky_relu: { code: UnaryCode.leakyRelu, parameters: alpha(0.01), real: (x, p0) => (x < 0 ? p0 * x : x) },
  thresholded_relu: { code: UnaryCode.thresholdedRelu, parameters: alpha(1), real: (x, p0) => (x <= p0 ? 0 : x) },
  elu: {
    code: UnaryCode.elu,
    parameters: (attributes) => [attributes.number("alpha", 1), 1],
    real: (x, p0) => (x < 0 ? p0 * Math.expm1(x) : x),
  },
  celu: {
    code: UnaryCode.elu,
    parameters: (attributes) => [attributes.number("alpha", 1), 1 / attributes.number("alpha", 1)],
    real: (x, p0, p1) => (x < 0 ? p0 * Math.expm1(x * p1) : x),
  },
  selu: {
    code: UnaryCode.selu,
    parameters: (attributes) => [attributes.number("alpha", SELU_ALPHA), attributes.number("gamma", SELU_GAMMA)],
    real: (x, p0, p1) => p1 * (x < 0 ? p0 * Math.expm1(x) : x),
  },
  hard_sigmoid: {
    code: UnaryCode.hardSigmoid,
    parameters: (attributes) => [attributes.number("alpha", 0.2), attributes.number("beta", 0.5)],
    real: (x, p0, p1) => clamp(p0 * x + p1, 0, 1),
  },
  swish: { code: UnaryCode.swish, parameters: alpha(1), real: (x, p0) => x * sigmoid(p0 * x) },
  gelu: { code: UnaryCode.gelu, real: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)) },
  gelu_tanh: { code: UnaryCode.geluTanh, real: (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + CUBE * x ** 3)) },
  shrink: {
    parameters: (attributes) => [attributes.number("bias", 0), attributes.number("lambda", 0.5)],
    real: (x, bias, lambda) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0),
  },
} satisfies { readonly [name: string]: Entry };

/** Names of the operators that are a unary function of real numbers. */
export const UNARY_NAMES = Object.keys(FUNCTIONS).filter((name) => name !== "gelu_tanh");

/** The function that a unary operator, or the attribute `activation` of another one, names. Throws `unsupported`. */
export function unaryFunction(name: string, attributes: AttributeReader): UnaryFunction {
  const tanh = name === "gelu" && attributes.string("approximate", "none") === "tanh";
  const key = tanh ? "gelu_tanh" : name;
  if (!Object.hasOwn(FUNCTIONS, key)) throw new LanewiseError("unsupported", `there is no unary function "${name}"`);
  const entry: Entry = FUNCTIONS[key as keyof typeof FUNCTIONS];
  const [p0, p1 = 0] = entry.parameters?.(attributes) ?? [0];
  const { code, wide } = entry;
  return {
    ...(code === undefined ? {} : { code }),
    p0,
    p1,
    real: (x) => entry.real(x, p0, p1),
    wide: wide && ((x) => wide(x, p0, p1)),
  };
}
