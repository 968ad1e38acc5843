// The unary functions, four floats at a time. Each is a class of one method, because a loop that
// is generic over the class becomes a loop of its own for each; no instance ever exists.
// `p` and `q` are the splatted parameters p0 and p1 of src/ops/codes.ts, which says what they mean; `r` is 1.
// Those made from an exponential are in exp-functions.ts; erf and tanh have files of their own.
import { exp4, log1p4, sin4, splat } from "./math";
import { clamp, madd } from "./simd";

/** `negative` where x < 0, else `other`; so a NaN takes `other`. */
// @ts-ignore: decorator
@inline
export function bySign(x: v128, negative: v128, other: v128): v128 {
  return v128.bitselect(negative, other, f32x4.lt(x, splat(0)));
}

export class Clamp {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return clamp(x, p, q);
  }
}

export class LeakyRelu {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return bySign(x, f32x4.mul(x, p), x);
  }
}

export class ThresholdedRelu {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return v128.andnot(x, f32x4.le(x, p));
  }
}

export class HardSigmoid {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return clamp(madd(x, p, q), splat(0), r);
  }
}

/** x · clamp(x + 3, 0, 6) / 6: p = 3, q = 6, r = 1 / 6. */
export class HardSwish {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    const gate = clamp(f32x4.add(x, p), splat(0), q);
    return f32x4.mul(x, f32x4.mul(gate, r));
  }
}

export class Softsign {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.div(x, f32x4.add(f32x4.abs(x), r));
  }
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|). */
export class Softplus {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.add(f32x4.pmax(x, splat(0)), log1p4(exp4(f32x4.neg(f32x4.abs(x)))));
  }
}

export class Sqrt {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.sqrt(x);
  }
}

export class Rsqrt {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.div(r, f32x4.sqrt(x));
  }
}

export class Reciprocal {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.div(r, x);
  }
}

export class Neg {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.neg(x);
  }
}

export class Abs {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.abs(x);
  }
}

export class Floor {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.floor(x);
  }
}

export class Ceil {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.ceil(x);
  }
}

/** Half to even. */
export class Round {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    return f32x4.nearest(x);
  }
}

/** −1, 0 or 1; a NaN stays NaN. */
export class Sign {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
    const one = v128.or(r, v128.and(x, splat(-0.0)));
    return v128.bitselect(one, x, f32x4.gt(f32x4.abs(x), splat(0)));
  }
}

export class Square {
  // @ts-ignore: decorator
  @inline of(x: v128, p: v128, q: v128, r: v128): v128 {
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
