// The exponential and the natural logarithm as functions of their own: each is some 300 bytes, and several loops call them.
import { exp4, log4 } from "./math";

/** e^x, as `exp4` has it. */
export function expOf(x: v128): v128 {
  return exp4(x);
}

/** ln x, as `log4` has it. */
export function lnOf(x: v128): v128 {
  return log4(x);
}
