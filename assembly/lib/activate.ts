// Applies a unary function, chosen by its code, to a run of floats: the body of `f32_unary`,
// and the activation in the epilogues of other kernels.
import { UnaryCode } from "../../src/ops/codes";
import { loadLanes, loadSome, storeLanes, storeSome } from "./tail";
import * as functions from "./unary-functions";

/** y = f(x) over `count` floats for a short f. `y` may be `x`. */
function eachShort<F>(y: usize, x: usize, count: usize, p0: f32, p1: f32): void {
  const f = changetype<F>(0);
  const p = f32x4.splat(p0);
  const q = f32x4.splat(p1);
  const some = count & 3;
  const whole = x + ((count - some) << 2);
  if (x < whole) {
    do {
      v128.store(y, f.of(v128.load(x), p, q));
      x += 16;
      y += 16;
    } while (x < whole);
  }
  if (some) storeSome(y, f.of(loadSome(x, some), p, q), some);
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
  switch (code) {
    case UnaryCode.clamp: return eachShort<functions.Clamp>(y, x, count, p0, p1);
    case UnaryCode.leakyRelu: return eachShort<functions.LeakyRelu>(y, x, count, p0, p1);
    case UnaryCode.thresholdedRelu: return eachShort<functions.ThresholdedRelu>(y, x, count, p0, p1);
    case UnaryCode.sigmoid: return each<functions.Sigmoid>(y, x, count, p0, p1);
    case UnaryCode.tanh: return each<functions.Tanh>(y, x, count, p0, p1);
    case UnaryCode.hardSigmoid: return eachShort<functions.HardSigmoid>(y, x, count, p0, p1);
    case UnaryCode.hardSwish: return eachShort<functions.HardSwish>(y, x, count, p0, p1);
    case UnaryCode.swish: return each<functions.Swish>(y, x, count, p0, p1);
    case UnaryCode.gelu: return each<functions.Gelu>(y, x, count, p0, p1);
    case UnaryCode.geluTanh: return each<functions.GeluTanh>(y, x, count, p0, p1);
    case UnaryCode.elu: return each<functions.Elu>(y, x, count, p0, p1);
    case UnaryCode.selu: return each<functions.Selu>(y, x, count, p0, p1);
    case UnaryCode.softplus: return each<functions.Softplus>(y, x, count, p0, p1);
    case UnaryCode.softsign: return eachShort<functions.Softsign>(y, x, count, p0, p1);
    case UnaryCode.mish: return each<functions.Mish>(y, x, count, p0, p1);
    case UnaryCode.exp: return each<functions.Exp>(y, x, count, p0, p1);
    case UnaryCode.log: return each<functions.Log>(y, x, count, p0, p1);
    case UnaryCode.sqrt: return eachShort<functions.Sqrt>(y, x, count, p0, p1);
    case UnaryCode.rsqrt: return eachShort<functions.Rsqrt>(y, x, count, p0, p1);
    case UnaryCode.reciprocal: return eachShort<functions.Reciprocal>(y, x, count, p0, p1);
    case UnaryCode.neg: return eachShort<functions.Neg>(y, x, count, p0, p1);
    case UnaryCode.abs: return eachShort<functions.Abs>(y, x, count, p0, p1);
    case UnaryCode.floor: return eachShort<functions.Floor>(y, x, count, p0, p1);
    case UnaryCode.ceil: return eachShort<functions.Ceil>(y, x, count, p0, p1);
    case UnaryCode.round: return eachShort<functions.Round>(y, x, count, p0, p1);
    case UnaryCode.sign: return eachShort<functions.Sign>(y, x, count, p0, p1);
    case UnaryCode.square: return eachShort<functions.Square>(y, x, count, p0, p1);
    case UnaryCode.erf: return each<functions.Erf>(y, x, count, p0, p1);
    case UnaryCode.sin: return each<functions.Sin>(y, x, count, p0, p1);
    case UnaryCode.cos: return each<functions.Cos>(y, x, count, p0, p1);
    default: if (y != x) memory.copy(y, x, count << 2);
  }
}

/** Applies the function that `code` names to `count` floats in place. */
export function activate(y: usize, count: usize, code: u32, p0: f32, p1: f32): void {
  if (code) unary(y, y, count, code, p0, p1);
}
