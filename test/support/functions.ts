// Unary functions in float64, the references of kernels and operators; and distances in float32 steps.

/** erf by its Maclaurin series up to 3, by the continued fraction of erfc above; about 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x) || a === 0) return x;
  if (a > 6) return Math.sign(x);
  if (a > 3) {
    let fraction = 0;
    for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
    return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)));
  }
  let sum = x;
  for (let k = 1, term = x; k < 60; k++) {
    term *= (-x * x) / k;
    sum += term / (2 * k + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const clamp = (x: number, lo: number, hi: number) => (x < lo ? lo : Math.min(x, hi));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Nearest integer, halves to the even one. */
export function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

/** By the names of `UnaryCode`; `p` and `q` are its parameters p0 and p1. */
export const UNARY: { readonly [name: string]: (x: number, p: number, q: number) => number } = {
  none: (x) => x,
  clamp,
  leakyRelu: (x, p) => (x < 0 ? p * x : x),
  thresholdedRelu: (x, p) => (x > p ? x : x <= p ? 0 : x),
  sigmoid,
  tanh: Math.tanh,
  hardSigmoid: (x, p, q) => clamp(p * x + q, 0, 1),
  hardSwish: (x) => (x * clamp(x + 3, 0, 6)) / 6,
  swish: (x, p) => x * sigmoid(p * x),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)),
  elu: (x, p, q) => (x < 0 ? p * Math.expm1(x * q) : x),
  selu: (x, p, q) => q * (x < 0 ? p * Math.expm1(x) : x),
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  mish: (x) => x * Math.tanh(softplus(x)),
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  neg: (x) => -x,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundEven,
  sign: Math.sign,
  square: (x) => x * x,
  erf,
  sin: Math.sin,
  cos: Math.cos,
};

/** Distance between neighbours of float32 at `x`. */
export function ulpOf(x: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(x) || 1e-45)));
  return 2 ** (exponent - 23);
}

/** |actual − expected| in units of the last place of float32; 0 where both are NaN or the same infinity. */
export function ulps(actual: number, expected: number): number {
  if (Number.isNaN(actual) || Number.isNaN(expected)) return Number.isNaN(actual) && Number.isNaN(expected) ? 0 : Infinity;
  const rounded = Math.fround(expected);
  if (actual === rounded) return 0;
  return Math.abs(actual - expected) / ulpOf(expected);
}

const nanOr = (a: number, b: number, value: number) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : value);

/** By the names of `BinaryCode`. */
export const BINARY: { readonly [name: string]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: (a, b) => nanOr(a, b, Math.max(a, b)),
  min: (a, b) => nanOr(a, b, Math.min(a, b)),
  squaredDifference: (a, b) => (a - b) ** 2,
  prelu: (a, b) => (a < 0 ? a * b : a),
  // JavaScript says NaN where C and everybody else say 1.
  pow: (a, b) => (b === 0 || a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
};

/** By the names of `CompareCode`. */
export const COMPARE: { readonly [name: string]: (a: number, b: number) => boolean } = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
};
