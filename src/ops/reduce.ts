// Reductions over axes. Kernels reduce the middle of [outer, axis, inner]; axes that do not lie together are
// reduced one run at a time, the innermost first.
import { sizeOf, type TensorType } from "../graph/types.ts";
import { ReduceCode } from "./codes.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Pointer } from "./define.ts";
import { isWide } from "./host-elements.ts";
import { type AnyContext, axesOf, isPending, listParameter } from "./parameters.ts";
import { realsOf, writeReals } from "./real.ts";

interface Reduction {
  /** Kernel codes of the first run of axes, and of those after it; the last run takes `last`. */
  readonly first?: ReduceCode;
  readonly next?: ReduceCode;
  readonly last?: ReduceCode;
  real(xs: readonly number[]): number;
  wide?(xs: readonly bigint[]): bigint;
}

const sum = (xs: readonly number[]): number => xs.reduce((total, x) => total + x, 0);
const wideSum = (xs: readonly bigint[]): bigint => xs.reduce((total, x) => total + x, 0n);
const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : 1);
const largest = (xs: readonly number[]): number => xs.reduce((best, x) => (x > best || Number.isNaN(x) ? x : best), -Infinity);
const smallest = (xs: readonly number[]): number => -largest(xs.map((x) => -x));

function logSumExp(xs: readonly number[]): number {
  const top = largest(xs);
  const centre = Number.isFinite(top) ? top : 0;
  return centre + Math.log(sum(xs.map((x) => Math.exp(x - centre))));
}

const REDUCTIONS: { readonly [name: string]: Reduction } = {
  reduce_sum: { first: ReduceCode.sum, real: sum, wide: wideSum },
  reduce_mean: { first: ReduceCode.mean, real: (xs) => sum(xs) / xs.length, wide: (xs) => wideSum(xs) / BigInt(xs.length) },
  reduce_max: { first: ReduceCode.max, real: largest, wide: (xs) => xs.toSorted(ascending).at(-1)! },
  reduce_min: { first: ReduceCode.min, real: smallest, wide: (xs) => xs.toSorted(ascending)[0]! },
  reduce_prod: {
    first: ReduceCode.prod,
    real: (xs) => xs.reduce((product, x) => product * x, 1),
    wide: (xs) => xs.reduce((product, x) => product * x, 1n),
  },
  reduce_l1: { first: ReduceCode.l1, real: (xs) => sum(xs.map(Math.abs)), wide: (xs) => wideSum(xs.map((x) => (x < 0n ? -x : x))) },
  reduce_l2: { first: ReduceCode.l2, real: (xs) => Math.sqrt(sum(xs.map((x) => x * x))) },
  reduce_sum_square: {
    first: ReduceCode.sumSquare,
    next: ReduceCode.sum,
    real: (xs) => sum(xs.map((x) => x * x)),
    wide: (xs) => wideSum(xs.map((x) => x * x)),
  },
  reduce_log_sum: { first: ReduceCode.sum, last: ReduceCode.logSum, real: (xs) => Math.log(sum(xs)) },
  reduce_log_sum_exp: { first: ReduceCode.logSumExp, real: logSumExp },
  reduce_any: { real: (xs) => Number(xs.some(Boolean)) },
  reduce_all: { real: (xs) => Number(xs.every(Boolean)) },
};

/** The axes to reduce, ascending; undefined while they are not known. */
function reducedAxes(ctx: AnyContext, rank: number): readonly number[] | undefined {
  if (isPending(ctx, "axes", 1)) return undefined;
  const axes = listParameter(ctx, "axes", 1) ?? [];
  if (axes.length > 0) return axesOf(axes, rank).toSorted((a, b) => a - b);
  return ctx.attributes.boolean("noopWithEmptyAxes", false) ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

function inferReduction(ctx: InferContext): TensorType[] {
  const { dataType, shape } = ctx.input(0);
  const keep = ctx.attributes.boolean("keepDims", true);
  const axes = reducedAxes(ctx, shape.length);
  if (!axes)
    return [
      { dataType, shape: keep ? shape.map(() => Number.NaN) : new Array<number>(shape.length - ctx.input(1).shape[0]!).fill(Number.NaN) },
    ];
  const reduced = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return [{ dataType, shape: keep ? reduced : reduced.filter((_, axis) => !axes.includes(axis)) }];
}

/** The middle of [outer, axis, inner]. */
interface Run {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
}

/** Runs of neighbouring axes, innermost first; `inner` of a run counts what is left after those before it. */
function runsOf(shape: readonly number[], axes: readonly number[]): Run[] {
  const runs: Run[] = [];
  let inner = 1;
  for (let axis = shape.length - 1; axis >= 0; ) {
    if (!axes.includes(axis)) {
      inner *= shape[axis--]!;
      continue;
    }
    let size = 1;
    for (; axes.includes(axis) || (shape[axis] === 1 && axis >= 0); axis--) size *= shape[axis]!;
    runs.push({ outer: sizeOf(shape.slice(0, axis + 1)), axis: size, inner });
  }
  return runs.length ? runs : [{ outer: sizeOf(shape), axis: 1, inner: 1 }];
}

function lowerReduction(ctx: LowerContext, { first, next = first, last }: Reduction): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  const axes = reducedAxes(ctx, x.shape.length);
  if (first === undefined || !axes) return false;
  const runs = runsOf(x.shape, axes);
  if (x.dataType !== "float32") return (first === ReduceCode.mean && runs.length === 1 && ctx.quantized?.mean(ctx, runs[0]!)) || false;
  let from: Pointer = x.pointer;
  for (const [i, { outer, axis, inner }] of runs.entries()) {
    const isLast = i === runs.length - 1;
    const to = isLast ? y.pointer : ctx.scratch(outer * inner * 4);
    const code = isLast && last !== undefined ? last : i === 0 ? first : next!;
    ctx.emitSplit("f32_reduce", outer * inner, [to, from, code, axis, inner]);
    from = to;
  }
  return true;
}

/** Element numbers of x that are reduced into each output, in the outputs' order. */
function reducedGroups(shape: readonly number[], axes: readonly number[]): number[][] {
  const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const groups: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) {
    let [rest, group, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % shape[axis]!;
      rest = (rest - index) / shape[axis]!;
      if (!axes.includes(axis)) group += index * stride;
      stride *= kept[axis]!;
    }
    groups[group]!.push(i);
  }
  return groups;
}

function computeReduction(ctx: HostContext, { real, wide }: Reduction): void {
  const [x, y] = [ctx.input(0), ctx.outputs[0]!];
  const groups = reducedGroups(x.shape, reducedAxes(ctx, x.shape.length)!);
  if (isWide(x.dataType) && wide) {
    const [from, to] = [x.data as BigInt64Array, y.data as BigInt64Array];
    for (const [i, group] of groups.entries()) to[i] = wide(group.map((at) => from[at]!));
    return;
  }
  const values = realsOf(x, ctx.inputQuants[0]);
  const results = groups.map((group) => real(group.map((at) => values[at]!)));
  writeReals(y, results, ctx.outputQuants[0]);
}

export const REDUCE_OPS: readonly OpDef[] = Object.entries(REDUCTIONS).map(([name, reduction]) =>
  defineOp({
    name,
    infer: inferReduction,
    lower: (ctx: LowerContext) => lowerReduction(ctx, reduction),
    host: (ctx: HostContext) => computeReduction(ctx, reduction),
  }),
);
