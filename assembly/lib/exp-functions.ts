// The unary functions that are made from an exponential, as classes: the power that e is raised to,
// and what becomes of x and e^power. `p`, `q` and `r` are splatted numbers, see `unary` in activate.ts.
import { splat } from "./math";
import { madd } from "./simd";
import { bySign } from "./unary-functions";

export class Exp {
  // @ts-ignore: decorator
  @inline power(x: v128, p: v128, q: v128): v128 {
    return x;
  }
  // @ts-ignore: decorator
  @inline of(x: v128, e: v128, p: v128, q: v128, one: v128, r: v128): v128 {
    return e;
  }
}

/** 1 / (1 + e^(p x)) to 4 ulp; 0 where p x > 88.72. */
export class Sigmoid {
  // @ts-ignore: decorator
  @inline power(x: v128, p: v128, q: v128): v128 {
    return f32x4.mul(x, p);
  }
  // @ts-ignore: decorator
  @inline of(x: v128, e: v128, p: v128, q: v128, one: v128, r: v128): v128 {
    return f32x4.div(one, f32x4.add(one, e));
  }
}

/** x / (1 + e^(p x)) */
export class Swish {
  // @ts-ignore: decorator
  @inline power(x: v128, p: v128, q: v128): v128 {
    return f32x4.mul(x, p);
  }
  // @ts-ignore: decorator
  @inline of(x: v128, e: v128, p: v128, q: v128, one: v128, r: v128): v128 {
    return f32x4.div(x, f32x4.add(one, e));
  }
}

/** x / (1 + e^(p x³ + q x)) */
export class GeluTanh {
  // @ts-ignore: decorator
  @inline power(x: v128, p: v128, q: v128): v128 {
    return f32x4.mul(x, madd(f32x4.mul(x, x), p, q));
  }
  // @ts-ignore: decorator
  @inline of(x: v128, e: v128, p: v128, q: v128, one: v128, r: v128): v128 {
    return f32x4.div(x, f32x4.add(one, e));
  }
}

/** r x where x ≥ 0, r p (e^(q x) − 1) elsewhere. */
export class Elu {
  // @ts-ignore: decorator
  @inline power(x: v128, p: v128, q: v128): v128 {
    return f32x4.pmin(f32x4.mul(x, q), splat(0));
  }
  // @ts-ignore: decorator
  @inline of(x: v128, e: v128, p: v128, q: v128, one: v128, r: v128): v128 {
    return f32x4.mul(bySign(x, f32x4.mul(f32x4.sub(e, one), p), x), r);
  }
}

/** x · tanh(softplus x) = x · n / (n + 2), n = e^x (e^x + 2), q = 2. p bounds x, so that n is finite where the quotient is 1. */
export class Mish {
  // @ts-ignore: decorator
  @inline power(x: v128, p: v128, q: v128): v128 {
    return f32x4.pmin(x, p);
  }
  // @ts-ignore: decorator
  @inline of(x: v128, e: v128, p: v128, q: v128, one: v128, r: v128): v128 {
    const n = f32x4.mul(e, f32x4.add(e, q));
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, q)));
  }
}
