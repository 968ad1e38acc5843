// The binary functions, four floats at a time, as classes of one method: see unary-functions.ts.
import { pow4 } from "./pow";

export class Add {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

export class Sub {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}

export class Mul {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

export class Div {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}

/** A NaN on either side gives NaN. */
export class Max {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}

/** A NaN on either side gives NaN. */
export class Min {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}

export class SquaredDifference {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    const d = f32x4.sub(a, b);
    return f32x4.mul(d, d);
  }
}

/** a < 0 ? a · b : a */
export class Prelu {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, f32x4.splat(0)));
  }
}

export class Pow {
  // @ts-ignore: decorator
  @inline of(a: v128, b: v128): v128 {
    return pow4(a, b);
  }
}
