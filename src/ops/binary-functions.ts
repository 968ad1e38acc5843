// Every binary function once: its number for the kernels, and itself on numbers and on 64-bit integers.
import { BinaryCode, CompareCode, IntegerCode } from "./codes.ts";

export interface BinaryFunction {
  /** How `f32_binary` knows it; absent where only TypeScript computes it. */
  readonly code?: BinaryCode;
  /** How the kernels of integers know it. */
  readonly integerCode?: IntegerCode;
  /** The operands may change places. */
  readonly commutes?: boolean;
  real(a: number, b: number): number;
  /** Exactly, on 64-bit integers. */
  wide?(a: bigint, b: bigint): bigint;
  /** On integers that a number holds, where that differs from `real`. */
  integer?(a: number, b: number): number;
}

const nanOr = (a: number, b: number, value: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : value);

/** JavaScript says NaN where C and everybody else say 1. */
/** a to the b in 64 bits, by squares; a fraction is cut to 0, and 0 to a negative power is the largest number. */
function widePow(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 0n ? 2n ** 63n - 1n : a * a === 1n ? widePow(a, -b) : 0n;
  let [power, square] = [1n, a];
  for (let rest = b; rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = BigInt.asIntN(64, power * square);
    square = BigInt.asIntN(64, square * square);
  }
  return power;
}

const pow = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b);

/** The remainder with the divisor's sign. */
const floorMod = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};

const wideFloorMod = (a: bigint, b: bigint): bigint => {
  if (b === 0n) return 0n;
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
};

const wideDiv = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : a / b);

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** Operators that clamp their result and may apply an activation to it. */
export const ARITHMETIC: { readonly [name: string]: BinaryFunction } = {
  add: { code: BinaryCode.add, integerCode: IntegerCode.add, commutes: true, real: (a, b) => a + b, wide: (a, b) => a + b },
  sub: { code: BinaryCode.sub, integerCode: IntegerCode.sub, real: (a, b) => a - b, wide: (a, b) => a - b },
  mul: {
    code: BinaryCode.mul,
    integerCode: IntegerCode.mul,
    commutes: true,
    real: (a, b) => a * b,
    wide: (a, b) => a * b,
    integer: Math.imul,
  },
  div: {
    code: BinaryCode.div,
    integerCode: IntegerCode.div,
    real: (a, b) => a / b,
    wide: wideDiv,
    integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  },
  max: {
    code: BinaryCode.max,
    integerCode: IntegerCode.max,
    commutes: true,
    real: (a, b) => nanOr(a, b, Math.max(a, b)),
    wide: (a, b) => larger(a, b),
  },
  min: {
    code: BinaryCode.min,
    integerCode: IntegerCode.min,
    commutes: true,
    real: (a, b) => nanOr(a, b, Math.min(a, b)),
    wide: (a, b) => smaller(a, b),
  },
  squared_difference: {
    code: BinaryCode.squaredDifference,
    integerCode: IntegerCode.squaredDifference,
    commutes: true,
    real: (a, b) => (a - b) * (a - b),
    wide: (a, b) => (a - b) * (a - b),
  },
  pow: {
    code: BinaryCode.pow,
    real: pow,
    wide: widePow,
  },
};

/** Operators whose result has the operands' type. */
export const PLAIN: { readonly [name: string]: BinaryFunction } = {
  prelu: { code: BinaryCode.prelu, real: (a, b) => (a < 0 ? a * b : a), wide: (a, b) => (a < 0n ? a * b : a) },
  floor_div: {
    integerCode: IntegerCode.floorDiv,
    real: (a, b) => Math.floor(a / b),
    wide: (a, b) => wideDiv(a - wideFloorMod(a, b), b),
    integer: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
  },
  atan2: { real: Math.atan2 },
};

/** mod with the sign of the divisor, or of the dividend. */
export const MOD: BinaryFunction = { integerCode: IntegerCode.floorMod, real: floorMod, wide: wideFloorMod };
export const FMOD: BinaryFunction = { integerCode: IntegerCode.mod, real: (a, b) => a % b, wide: (a, b) => (b === 0n ? 0n : a % b) };

/** Comparisons hold for numbers and for 64-bit integers alike. */
export const COMPARISONS: {
  readonly [name: string]: { readonly code: CompareCode; holds<T extends number | bigint>(a: T, b: T): boolean };
} = {
  equal: { code: CompareCode.equal, holds: (a, b) => a === b },
  not_equal: { code: CompareCode.notEqual, holds: (a, b) => a !== b },
  less: { code: CompareCode.less, holds: (a, b) => a < b },
  less_equal: { code: CompareCode.lessEqual, holds: (a, b) => a <= b },
  greater: { code: CompareCode.greater, holds: (a, b) => a > b },
  greater_equal: { code: CompareCode.greaterEqual, holds: (a, b) => a >= b },
};
