// Operators that look for elements. All but top_k give as many results as they find, so their shapes depend on the data.
import { check } from "../errors.ts";
import { arrayClass, type DataType, sizeOf, type TensorType, type TypedArray } from "../graph/types.ts";
import { defineOp, type HostContext, type HostTensor, type InferContext, type OpDef } from "./define.ts";
import { encode, numbersOf } from "./host-elements.ts";
import { axisOf, numberParameter } from "./parameters.ts";

/** Positions of the `k` best of `size` values, best first; of equal ones the first. */
function bestPositions(valueAt: (i: number) => number, size: number, k: number, largest: boolean): Int32Array {
  const sign = largest ? 1 : -1;
  const best = new Int32Array(k);
  const scores = new Float64Array(k);
  let found = 0;
  for (let i = 0; i < size; i++) {
    const score = sign * valueAt(i);
    if (found === k && !(score > scores[k - 1]!)) continue;
    let at = found < k ? found++ : k - 1;
    for (; at > 0 && score > scores[at - 1]!; at--) {
      scores[at] = scores[at - 1]!;
      best[at] = best[at - 1]!;
    }
    scores[at] = score;
    best[at] = i;
  }
  return best;
}

export const topK = defineOp({
  name: "top_k",
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    const axis = axisOf(ctx.attributes.number("axis", -1), shape.length);
    const k = numberParameter(ctx, "k", 1) ?? Number.NaN;
    check(!(k < 0 || k > shape[axis]!), "shape", () => `the best ${k} of ${shape[axis]}`);
    const taken = shape.with(axis, k);
    return [
      { dataType, shape: taken },
      { dataType: ctx.attributes.string("indexType", "int64") as DataType, shape: taken },
    ];
  },
  host(ctx: HostContext) {
    const x = ctx.input(0);
    const [y, indices] = ctx.outputs;
    const axis = axisOf(ctx.attributes.number("axis", -1), x.shape.length);
    const [size, k, inner] = [x.shape[axis]!, y!.shape[axis]!, sizeOf(x.shape.slice(axis + 1))];
    const values = numbersOf(x);
    for (let lane = 0; k > 0 && lane < values.length / size; lane++) {
      const [outer, rest] = [Math.floor(lane / inner), lane % inner];
      const from = outer * size * inner + rest;
      const best = bestPositions((i) => values[from + i * inner]!, size, k, ctx.attributes.boolean("largest", true));
      for (const [i, position] of best.entries()) {
        const at = (outer * k + i) * inner + rest;
        y!.data[at] = x.data[from + position * inner] as never;
        if (indices) indices.data[at] = encode(indices.dataType, position) as never;
      }
    }
  },
});

const int64 = (shape: readonly number[], values: readonly number[]): HostTensor => ({
  dataType: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const pick = (x: HostTensor, shape: readonly number[], positions: readonly number[]): HostTensor => {
  const data = new (arrayClass(x.dataType) as Float64ArrayConstructor)(positions.length) as TypedArray;
  for (const [i, at] of positions.entries()) data[i] = x.data[at] as never;
  return { dataType: x.dataType, shape, data };
};

export const nonZero = defineOp({
  name: "non_zero",
  dynamic: true,
  infer: (ctx: InferContext): TensorType[] => [{ dataType: "int64", shape: [ctx.input(0).shape.length, Number.NaN] }],
  host(ctx: HostContext): HostTensor[] {
    const x = ctx.input(0);
    const values = numbersOf(x);
    const found = Array.from({ length: values.length }, (_, i) => i).filter((i) => values[i] !== 0);
    const strides = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)));
    const coordinates = strides.flatMap((stride, axis) => found.map((at) => Math.floor(at / stride) % x.shape[axis]!));
    return [int64([x.shape.length, found.length], coordinates)];
  },
});

/** The elements of `x` at `indices` of an axis. */
function take(x: HostTensor, axis: number, indices: readonly number[]): HostTensor {
  const [size, inner] = [x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))];
  const outer = sizeOf(x.shape.slice(0, axis));
  const positions: number[] = [];
  for (let o = 0; o < outer; o++)
    for (const index of indices) for (let i = 0; i < inner; i++) positions.push((o * size + index) * inner + i);
  return pick(x, x.shape.with(axis, indices.length), positions);
}

export const compress = defineOp({
  name: "compress",
  dynamic: true,
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    if (!ctx.attributes.has("axis")) return [{ dataType, shape: [Number.NaN] }];
    return [{ dataType, shape: shape.with(axisOf(ctx.attributes.number("axis"), shape.length), Number.NaN) }];
  },
  host(ctx: HostContext): HostTensor[] {
    const [given, condition] = [ctx.input(0), ctx.input(1)];
    const flat = !ctx.attributes.has("axis");
    const x = flat ? { ...given, shape: [given.data.length] } : given;
    const axis = flat ? 0 : axisOf(ctx.attributes.number("axis"), x.shape.length);
    const indices = Array.from(condition.data as Uint8Array, (chosen, i) => (chosen && i < x.shape[axis]! ? i : -1)).filter((i) => i >= 0);
    return [take(x, axis, indices)];
  },
});

/** Compares sub-tensors `a` and `b` of an axis element by element. */
function compareAt(x: HostTensor, axis: number, a: number, b: number): number {
  const [size, inner] = [x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))];
  for (let o = 0; o < x.data.length; o += size * inner)
    for (let i = 0; i < inner; i++) {
      const [left, right] = [x.data[o + a * inner + i]!, x.data[o + b * inner + i]!];
      if (left !== right) return left < right ? -1 : 1;
    }
  return 0;
}

export const unique = defineOp({
  name: "unique",
  dynamic: true,
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    const axis = ctx.attributes.has("axis") ? axisOf(ctx.attributes.number("axis"), shape.length) : -1;
    const list = { dataType: "int64" as const, shape: [Number.NaN] };
    return [{ dataType, shape: axis < 0 ? [Number.NaN] : shape.with(axis, Number.NaN) }, list, list, list];
  },
  host(ctx: HostContext): HostTensor[] {
    const given = ctx.input(0);
    const flat = !ctx.attributes.has("axis");
    const x = flat ? { ...given, shape: [given.data.length] } : given;
    const axis = flat ? 0 : axisOf(ctx.attributes.number("axis"), x.shape.length);
    const order = Array.from({ length: x.shape[axis]! }, (_, i) => i).sort((a, b) => compareAt(x, axis, a, b) || a - b);
    const groups: number[][] = [];
    for (const at of order) {
      const group = groups.at(-1);
      if (group && compareAt(x, axis, group[0]!, at) === 0) group.push(at);
      else groups.push([at]);
    }
    if (!ctx.attributes.boolean("sorted", true)) groups.sort((a, b) => a[0]! - b[0]!);
    const inverse = new Array<number>(order.length);
    for (const [g, group] of groups.entries()) for (const at of group) inverse[at] = g;
    const firsts = groups.map((group) => group[0]!);
    const list = (values: readonly number[]) => int64([values.length], values);
    return [take(x, axis, firsts), list(firsts), list(inverse), list(groups.map(({ length }) => length))];
  },
});

export const SEARCH_OPS: readonly OpDef[] = [topK, nonZero, compress, unique];
