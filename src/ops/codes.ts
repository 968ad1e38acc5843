// The numbers by which kernels know functions. This file is compiled twice: the kernels import it too,
// so that the numbers are written down once.

/** Functions of `f32_unary` and of the epilogues; `p0` and `p1` are the parameters named here. */
export enum UnaryCode {
  none,
  /** min(max(x, p0), p1) */
  clamp,
  /** x < 0 ? p0 · x : x */
  leakyRelu,
  /** x > p0 ? x : 0 */
  thresholdedRelu,
  sigmoid,
  tanh,
  /** clamp(p0 · x + p1, 0, 1) */
  hardSigmoid,
  hardSwish,
  /** x · sigmoid(p0 · x) */
  swish,
  gelu,
  geluTanh,
  /** x < 0 ? p0 · (e^(x · p1) − 1) : x, which is ELU for p1 = 1 and CELU for p1 = 1 / p0 */
  elu,
  /** p1 · (x < 0 ? p0 · (e^x − 1) : x) */
  selu,
  softplus,
  softsign,
  mish,
  exp,
  log,
  sqrt,
  rsqrt,
  reciprocal,
  neg,
  abs,
  floor,
  ceil,
  round,
  sign,
  square,
  erf,
  sin,
  cos,
}

/** Functions of `f32_binary`. */
export enum BinaryCode {
  add,
  sub,
  mul,
  div,
  max,
  min,
  squaredDifference,
  prelu,
  pow,
}

/** Functions of `i32_binary_rows` and its like; `floorDiv` and `floorMod` round towards −∞. */
export enum IntegerCode {
  add,
  sub,
  mul,
  max,
  min,
  squaredDifference,
  and,
  or,
  xor,
  div,
  mod,
  floorDiv,
  floorMod,
}

/** Comparisons of `f32_compare` and its like. */
export enum CompareCode {
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
}

/** Reductions of `f32_reduce`. */
export enum ReduceCode {
  sum,
  mean,
  max,
  min,
  prod,
  l1,
  l2,
  sumSquare,
  logSum,
  logSumExp,
}

/** What the engine's dot product of bytes computes, the first operand being signed. */
export enum DotKind {
  /** Some products saturate on their way: not what the kernels need. */
  inexact,
  /** Exactly the sum, the second operand read as unsigned. */
  unsigned,
  /** Exactly the sum, both operands read as signed, and none of the first −128. */
  signed,
}
