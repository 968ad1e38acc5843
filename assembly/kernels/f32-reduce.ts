// Reductions of floats [outer, axis, inner] → [outer, inner]. A unit of work is one output.
import { ReduceCode, UnaryCode } from "../../src/ops/codes";
import { activate } from "../lib/activate";
import { lnOf } from "../lib/exp-ln";
import { splat } from "../lib/math";
import { LINE, reduceColumns, reduceLine, reduceRun } from "../lib/reduce";
import * as functions from "../lib/reduce-functions";
import { loadLanes, storeLanes } from "../lib/tail";

/** y = the reduction that `code` names, for outputs begin … end. */
export function f32_reduce(y: usize, x: usize, code: u32, axis: usize, inner: usize, begin: usize, end: usize): void {
  switch (code) {
    case ReduceCode.sum:
    case ReduceCode.mean:
    case ReduceCode.logSum: each<functions.Sum>(y, x, axis, inner, begin, end, 0); break;
    case ReduceCode.l1: each<functions.SumAbs>(y, x, axis, inner, begin, end, 0); break;
    case ReduceCode.l2:
    case ReduceCode.sumSquare: each<functions.SumSquare>(y, x, axis, inner, begin, end, 0); break;
    case ReduceCode.prod: each<functions.Prod>(y, x, axis, inner, begin, end, 0); break;
    case ReduceCode.min: each<functions.Min>(y, x, axis, inner, begin, end, 0); break;
    default: each<functions.Max>(y, x, axis, inner, begin, end, 0);
  }
  if (code == ReduceCode.logSumExp) each<functions.SumExp>(y, x, axis, inner, begin, end, 1);
  finish(y + (begin << 2), end - begin, code, <f32>axis);
}

/**
 * Reduces. Where `centred`, `y` brings each output's centre m, the reduction is of x − m,
 * and m + ln of its result replaces the centre.
 */
function each<F>(y: usize, x: usize, axis: usize, inner: usize, begin: usize, end: usize, centred: u32): void {
  for (let unit = begin; unit < end; ) {
    const outer = unit / inner;
    const column = unit - outer * inner;
    const columns = min(inner - column, end - unit);
    const from = x + ((outer * axis * inner + column) << 2);
    const to = y + (unit << 2);
    // The usual ones alone are worth a loop over whole cache lines.
    if (isUsual<F>() && columns >= LINE) {
      reduceLine<F>(to, from, axis, inner << 2, to);
      unit += LINE;
      continue;
    }
    const lanes = min(columns, 4);
    const m = centred ? finite(loadLanes(to, lanes)) : splat(0);
    let v =
      inner == 1
        ? splat(reduceRun<F>(from, axis, f32x4.extract_lane(m, 0)))
        : reduceColumns<F>(from, axis, inner << 2, lanes, m);
    if (centred) v = f32x4.add(m, lnOf(v));
    storeLanes(to, v, lanes);
    unit += lanes;
  }
}

/** Reductions that networks have many of. */
// @ts-ignore: decorator
@inline
function isUsual<F>(): bool {
  const f = idof<F>();
  return f == idof<functions.Sum>() || f == idof<functions.Max>() || f == idof<functions.SumSquare>();
}

/** What is left to do to every output once its elements are joined. */
function finish(y: usize, count: usize, code: u32, axis: f32): void {
  if (code == ReduceCode.l2) activate(y, count, UnaryCode.sqrt, 0, 0);
  if (code == ReduceCode.logSum) activate(y, count, UnaryCode.log, 0, 0);
  if (code == ReduceCode.mean)
    for (const end = y + (count << 2); y < end; y += 4) store<f32>(y, load<f32>(y) / axis);
}

/** x, or 0 where it is infinite: an infinite centre would make every difference a NaN. */
// @ts-ignore: decorator
@inline
function finite(x: v128): v128 {
  return v128.andnot(x, f32x4.eq(f32x4.abs(x), splat(Infinity)));
}
