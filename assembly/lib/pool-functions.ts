// What a pooling window does with its elements, as classes like unary-functions.ts. `count` is the
// number of elements that the window counts as having.
import { splat } from "./math";

/** The largest element; which one is not told where a NaN is among them. */
export class MaxPool {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(-Infinity);
  }
  // @ts-ignore: decorator
  @inline join(x: v128, acc: v128): v128 {
    return f32x4.pmax(x, acc);
  }
  // @ts-ignore: decorator
  @inline finish(acc: v128, count: v128): v128 {
    return acc;
  }
}

export class AveragePool {
  // @ts-ignore: decorator
  @inline neutral(): v128 {
    return splat(0);
  }
  // @ts-ignore: decorator
  @inline join(x: v128, acc: v128): v128 {
    return f32x4.add(x, acc);
  }
  // @ts-ignore: decorator
  @inline finish(acc: v128, count: v128): v128 {
    return f32x4.div(acc, count);
  }
}
