// What the float32 matrix kernels do to a sum before it is done with:
//   y = clamp(activation(sum + bias + residual), lo, hi)
// The bias is the first value of the sum, and lies with the weights. Without an activation the clamp happens in
// registers; an activation is applied to a band of finished rows while they are in the cache.
import { UnaryCode } from "../../src/ops/codes";
import { activate } from "./activate";
import { clamp } from "./simd";
import { storeSome } from "./tail";

/** Five 32-bit words in memory that a call points to. */
@unmanaged
export class Epilogue {
  lo: f32;
  hi: f32;
  /** A `UnaryCode` with its parameters; 0 for none. */
  activation: u32;
  p0: f32;
  p1: f32;

  /** The bounds that sums are clamped to in registers. */
  get sumLo(): f32 {
    return this.activation ? -Infinity : this.lo;
  }
  get sumHi(): f32 {
    return this.activation ? Infinity : this.hi;
  }
}

/** Finishes `rows` rows of `cols` floats; `strideBytes` is the distance between row starts. */
export function activateRows(y: usize, strideBytes: usize, rows: usize, cols: usize, epilogue: Epilogue): void {
  if (!epilogue.activation) return;
  const isBounded = epilogue.lo > -Infinity || epilogue.hi < Infinity;
  if (strideBytes == cols << 2) {
    cols *= rows;
    rows = 1;
  }
  for (; rows > 0; rows--) {
    activate(y, cols, epilogue.activation, epilogue.p0, epilogue.p1);
    if (isBounded) activate(y, cols, UnaryCode.clamp, epilogue.lo, epilogue.hi);
    y += strideBytes;
  }
}

/**
 * Adds the residual, unless its pointer is 0, clamps and stores the first `lanes` of four columns.
 * Reads, but does not use, up to 12 bytes past the residual.
 */
// @ts-ignore: decorator
@inline
export function storeSum(y: usize, residual: usize, sum: v128, lo: v128, hi: v128, lanes: isize): void {
  if (residual) sum = f32x4.add(sum, v128.load(residual));
  sum = clamp(sum, lo, hi);
  if (lanes >= 4) v128.store(y, sum);
  else storeSome(y, sum, lanes);
}
