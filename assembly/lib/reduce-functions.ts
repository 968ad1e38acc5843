// Reductions as classes, like unary-functions.ts: the value that changes nothing, what an element
// becomes, and how two partial results join. `m` is a centre that only some of them use.
import { exp4, splat } from "./math";

// @ts-ignore: decorator
@inline
function square(x: v128): v128 {
  return f32x4.mul(x, x);
}

export class Sum {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(0);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return x;
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

export class SumAbs {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(0);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return f32x4.abs(x);
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

/** Σ (x − m)² */
export class SumSquare {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(0);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return square(f32x4.sub(x, m));
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

/** Σ e^(x − m) */
export class SumExp {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(0);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return exp4(f32x4.sub(x, m));
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

export class Prod {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(1);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return x;
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

/** NaN is lost: reduce.ts marks it. */
export class Max {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(-Infinity);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return x;
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.pmax(a, b);
  }
}

/** NaN is lost: reduce.ts marks it. */
export class Min {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(Infinity);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return x;
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.pmin(a, b);
  }
}

/** The largest element that is not a NaN: one instruction on x64 where Max is seven. */
export class Largest {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(-Infinity);
  }
  // @ts-ignore: decorator
  @inline map(x: v128, m: v128): v128 {
    return x;
  }
  // @ts-ignore: decorator
  @inline join(a: v128, b: v128): v128 {
    return f32x4.pmax(a, b);
  }
}
