// The unary functions, four floats at a time. Each is a class of one method, because a loop that
// is generic over the class becomes a loop of its own for each; no instance ever exists.
// `p` and `q` are the splatted parameters p0 and p1 of src/ops/codes.ts, which says what they mean.
import { exp4, log1p4, log4, sigmoid4, sin4, splat, tanh4 } from "./math";
import { clamp, madd } from "./simd";

/** `negative` where x < 0, else `other`; so a NaN takes `other`. */
// @ts-ignore: decorator
@inline
function bySign(x: v128, negative: v128, other: v128): v128 {
  return v128.bitselect(negative, other, f32x4.lt(x, splat(0)));
}

/** e^min(x, 0) − 1. */
// @ts-ignore: decorator
@inline
function expMinusOne(x: v128): v128 {
  return f32x4.sub(exp4(f32x4.pmin(x, splat(0))), splat(1));
}

export class Clamp {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return clamp(x, p, q);
  }
}

export class LeakyRelu {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return bySign(x, f32x4.mul(x, p), x);
  }
}

export class ThresholdedRelu {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return v128.andnot(x, f32x4.le(x, p));
  }
}

export class Sigmoid {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return sigmoid4(x);
  }
}

export class Tanh {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return tanh4(x);
  }
}

export class HardSigmoid {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return clamp(madd(x, p, q), splat(0), splat(1));
  }
}

export class HardSwish {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    const gate = clamp(f32x4.add(x, splat(3)), splat(0), splat(6));
    return f32x4.mul(x, f32x4.mul(gate, splat(1 / 6)));
  }
}

export class Swish {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.mul(x, sigmoid4(f32x4.mul(x, p)));
  }
}

/** x / 2 · (1 + tanh u) = x · sigmoid(2 u), u = √(2/π) (x + 0.044715 x³). */
export class GeluTanh {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    const twice = madd(f32x4.mul(x, x), splat(0.0713548163), splat(1.59576912));
    return f32x4.mul(x, sigmoid4(f32x4.mul(x, twice)));
  }
}

export class Elu {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return bySign(x, f32x4.mul(expMinusOne(f32x4.mul(x, q)), p), x);
  }
}

export class Selu {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.mul(bySign(x, f32x4.mul(expMinusOne(x), p), x), q);
  }
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|). */
export class Softplus {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    const small = exp4(f32x4.neg(f32x4.abs(x)));
    return f32x4.add(f32x4.pmax(x, splat(0)), log1p4(small));
  }
}

export class Softsign {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.div(x, f32x4.add(f32x4.abs(x), splat(1)));
  }
}

/** x · tanh(softplus x) = x · n / (n + 2), n = e^x (e^x + 2). The bound keeps n finite where the quotient is 1. */
export class Mish {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    const two = splat(2);
    const e = exp4(f32x4.pmin(x, splat(20)));
    const n = f32x4.mul(e, f32x4.add(e, two));
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, two)));
  }
}

export class Exp {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return exp4(x);
  }
}

export class Log {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return log4(x);
  }
}

export class Sqrt {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.sqrt(x);
  }
}

export class Rsqrt {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.div(splat(1), f32x4.sqrt(x));
  }
}

export class Reciprocal {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.div(splat(1), x);
  }
}

export class Neg {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.neg(x);
  }
}

export class Abs {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.abs(x);
  }
}

export class Floor {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.floor(x);
  }
}

export class Ceil {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.ceil(x);
  }
}

/** Half to even. */
export class Round {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.nearest(x);
  }
}

/** −1, 0 or 1; a NaN stays NaN. */
export class Sign {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    const one = v128.or(splat(1), v128.and(x, splat(-0.0)));
    return v128.bitselect(one, x, f32x4.gt(f32x4.abs(x), splat(0)));
  }
}

export class Square {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.mul(x, x);
  }
}

export class Sin {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return sin4(x, 0);
  }
}

export class Cos {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return sin4(x, 1);
  }
}
