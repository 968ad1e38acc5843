// What the float32 matrix kernels do to a sum before it is stored:
//   y = activation(clamp(sum + bias + residual, lo, hi))
// The bias is the first value of the sum, and lies with the weights. The activation is applied to a band of finished
// rows while they are in the cache; a clamp that must follow an activation is an activation of its own.
import { activate } from "./activate";

/** Five 32-bit words in memory that a call points to. */
@unmanaged
export class Epilogue {
  lo: f32;
  hi: f32;
  /** A `UnaryCode` with its parameters; 0 for none. */
  activation: u32;
  p0: f32;
  p1: f32;
}

/** Applies the activation to `rows` rows of `cols` floats; `strideBytes` is the distance between row starts. */
export function activateRows(y: usize, strideBytes: usize, rows: usize, cols: usize, epilogue: Epilogue): void {
  if (!epilogue.activation) return;
  if (strideBytes == cols << 2) {
    cols *= rows;
    rows = 1;
  }
  for (; rows > 0; rows--) {
    activate(y, cols, epilogue.activation, epilogue.p0, epilogue.p1);
    y += strideBytes;
  }
}
