// Applies a unary function, chosen by its code, to a run of floats: the body of `f32_unary`,
// and the activation in the epilogues of other kernels.
import { UnaryCode } from "../../src/ops/codes";
import { erfs } from "./erf";
import * as exps from "./exp-functions";
import { eachExp } from "./exp-run";
import { held } from "./math";
import { logs } from "./log";
import { loadLanes, loadSome, storeLanes, storeSome } from "./tail";
import { tanhs } from "./tanh";
import * as functions from "./unary-functions";

/** y = f(x) over `count` floats for a short f. `y` may be `x`. */
function eachShort<F>(y: usize, x: usize, count: usize, p0: f32, p1: f32, p2: f32 = 1): void {
  const f = changetype<F>(0);
  // The addresses of floats are multiples of 4, which the compiler does not know.
  const zero = i32x4.splat(x & 3);
  const p = held(p0, zero);
  const q = held(p1, zero);
  const r = held(p2, zero);
  const some = count & 3;
  const whole = x + ((count - some) << 2);
  if (x < whole) {
    do {
      v128.store(y, f.of(v128.load(x), p, q, r));
      x += 16;
      y += 16;
    } while (x < whole);
  }
  if (some) storeSome(y, f.of(loadSome(x, some), p, q, r), some);
}

/** y = f(x) over `count` floats. `y` may be `x`. One body serves the tail too, because bodies are long. */
function each<F>(y: usize, x: usize, count: usize, p0: f32, p1: f32): void {
  const f = changetype<F>(0);
  const p = f32x4.splat(p0);
  const q = f32x4.splat(p1);
  const last = x + (count << 2);
  if (x >= last) return;
  do {
    const lanes = min((last - x) >> 2, 4);
    storeLanes(y, f.of(loadLanes(x, lanes), p, q), lanes);
    x += 16;
    y += 16;
  } while (x < last);
}

/** y = f(x) over `count` floats, where `code` names f. `y` may be `x`. */
export function unary(y: usize, x: usize, count: usize, code: u32, p0: f32, p1: f32): void {
  if (code == UnaryCode.clamp) eachShort<functions.Clamp>(y, x, count, p0, p1);
  else if (code == UnaryCode.leakyRelu) eachShort<functions.LeakyRelu>(y, x, count, p0, p1);
  else if (code == UnaryCode.thresholdedRelu) eachShort<functions.ThresholdedRelu>(y, x, count, p0, p1);
  else if (code == UnaryCode.sigmoid) eachExp<exps.Sigmoid>(y, x, count, -1, 0);
  else if (code == UnaryCode.tanh) tanhs(y, x, count);
  else if (code == UnaryCode.hardSigmoid) eachShort<functions.HardSigmoid>(y, x, count, p0, p1);
  else if (code == UnaryCode.hardSwish) eachShort<functions.HardSwish>(y, x, count, 3, 6, 1 / 6);
  else if (code == UnaryCode.swish) eachExp<exps.Swish>(y, x, count, -p0, 0);
  else if (code == UnaryCode.gelu) erfs(y, x, count, true);
  else if (code == UnaryCode.geluTanh) eachExp<exps.GeluTanh>(y, x, count, -0.0713548163, -1.59576912);
  else if (code == UnaryCode.elu) eachExp<exps.Elu>(y, x, count, p0, p1);
  else if (code == UnaryCode.selu) eachExp<exps.Elu>(y, x, count, p0, 1, p1);
  else if (code == UnaryCode.softplus) each<functions.Softplus>(y, x, count, p0, p1);
  else if (code == UnaryCode.softsign) eachShort<functions.Softsign>(y, x, count, p0, p1);
  else if (code == UnaryCode.mish) eachExp<exps.Mish>(y, x, count, 20, 2);
  else if (code == UnaryCode.exp) eachExp<exps.Exp>(y, x, count, p0, p1);
  else if (code == UnaryCode.log) logs(y, x, count);
  else if (code == UnaryCode.sqrt) eachShort<functions.Sqrt>(y, x, count, p0, p1);
  else if (code == UnaryCode.rsqrt) eachShort<functions.Rsqrt>(y, x, count, p0, p1);
  else if (code == UnaryCode.reciprocal) eachShort<functions.Reciprocal>(y, x, count, p0, p1);
  else if (code == UnaryCode.neg) eachShort<functions.Neg>(y, x, count, p0, p1);
  else if (code == UnaryCode.abs) eachShort<functions.Abs>(y, x, count, p0, p1);
  else if (code == UnaryCode.floor) eachShort<functions.Floor>(y, x, count, p0, p1);
  else if (code == UnaryCode.ceil) eachShort<functions.Ceil>(y, x, count, p0, p1);
  else if (code == UnaryCode.round) eachShort<functions.Round>(y, x, count, p0, p1);
  else if (code == UnaryCode.sign) eachShort<functions.Sign>(y, x, count, p0, p1);
  else if (code == UnaryCode.square) eachShort<functions.Square>(y, x, count, p0, p1);
  else if (code == UnaryCode.erf) erfs(y, x, count, false);
  else if (code == UnaryCode.sin) each<functions.Sin>(y, x, count, p0, p1);
  else if (code == UnaryCode.cos) each<functions.Cos>(y, x, count, p0, p1);
  else if (y != x) memory.copy(y, x, count << 2);
}

/** Applies the function that `code` names to `count` floats in place. */
export function activate(y: usize, count: usize, code: u32, p0: f32, p1: f32): void {
  if (code) unary(y, y, count, code, p0, p1);
}
