// Parts of a tensor, with steps forwards or backwards, as ONNX and as TFLite say it.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, type TensorType } from "../graph/types.ts";
import type { OpDef } from "./define.ts";
import { defineMoveOp, type Move, stridesOf } from "./moves.ts";
import { type AnyContext, axesOf, isPending, listParameter } from "./parameters.ts";

/** What a slice takes of one axis. */
interface Range {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

const clampTo = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/**
 * A range as Python slices it: negative positions count from the end, and what lies outside is cut off.
 * Walking backwards from before the first element starts at `lowest`: ONNX says 0, TFLite −1, which is nothing.
 */
function rangeOf(start: number, end: number, step: number, size: number, lowest: 0 | -1): Range {
  check(step !== 0, "shape", () => "a step of 0");
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  const first = step > 0 ? clampTo(from, 0, size) : clampTo(from, lowest, size - 1);
  const last = step > 0 ? clampTo(to, 0, size) : clampTo(to, -1, size - 1);
  return { start: first, step, count: size === 0 ? 0 : Math.max(0, Math.ceil((last - first) / step)) };
}

const whole = (size: number): Range => ({ start: 0, step: 1, count: size });
const unknown: Range = { start: Number.NaN, step: 1, count: Number.NaN };

/** The ranges of ONNX's Slice over every axis of `shape`. */
function sliceRanges(ctx: AnyContext, shape: readonly number[]): Range[] {
  const starts = listParameter(ctx, "starts", 1);
  const ends = listParameter(ctx, "ends", 2);
  if (!starts || !ends || isPending(ctx, "axes", 3) || isPending(ctx, "steps", 4)) return shape.map(() => unknown);
  const axes = axesOf(listParameter(ctx, "axes", 3) ?? starts.map((_, i) => i), shape.length);
  const steps = listParameter(ctx, "steps", 4);
  const ranges = shape.map(whole);
  for (const [i, axis] of axes.entries()) ranges[axis] = rangeOf(starts[i]!, ends[i]!, steps?.[i] ?? 1, shape[axis]!, 0);
  return ranges;
}

/** The move that takes `ranges` of `x` into an output with one stride for each range. */
function moveRanges(x: TensorType, ranges: readonly Range[], yStrides: readonly number[]): Move {
  const xStrides = stridesOf(x.shape);
  return {
    axes: ranges.map(({ count, step }, i) => ({ size: count, yStride: yStrides[i]!, xStride: step * xStrides[i]! })),
    y: 0,
    x: ranges.reduce((at, { start }, i) => at + start * xStrides[i]!, 0),
  };
}

export const slice = defineMoveOp({
  name: "slice",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    return [{ dataType, shape: sliceRanges(ctx, shape).map(({ count }) => count) }];
  },
  moves: (ctx, x, _y, yStrides) => [moveRanges(x, sliceRanges(ctx, x.shape), yStrides)],
  /** A run of whole rows lies in the input as it is. */
  view({ input, attributes, inputCount }) {
    if (inputCount > 1) return undefined;
    const ranges = sliceRanges({ attributes, inputs: [input] }, input.shape);
    const split = ranges.findIndex(({ count }, i) => count !== input.shape[i] || ranges[i]!.step !== 1);
    if (split < 0) return [0];
    const outer = ranges.slice(0, split).every(({ count }) => count === 1);
    const inner = ranges.slice(split + 1).every((range, i) => range.step === 1 && range.count === input.shape[split + 1 + i]);
    const { start, step } = ranges[split]!;
    return outer && inner && step === 1 ? [start * stridesOf(input.shape)[split]! * ELEMENT_BYTES[input.dataType]] : undefined;
  },
});

/** One entry of a strided slice: a range of an axis, an axis that is dropped after it, or a new axis. */
interface Entry {
  readonly kind: "range" | "shrink" | "new";
  readonly range: Range;
}

/** The entries of TFLite's StridedSlice; undefined while its numbers are not known. */
function stridedEntries(ctx: AnyContext, shape: readonly number[]): Entry[] | undefined {
  const begin = listParameter(ctx, "begin", 1);
  const end = listParameter(ctx, "end", 2);
  const strides = listParameter(ctx, "strides", 3) ?? begin?.map(() => 1);
  if (!begin || !end || !strides) return undefined;
  const has = (mask: string, i: number) => ((ctx.attributes.number(mask, 0) >> i) & 1) === 1;
  const added = begin.filter((_, i) => has("newAxisMask", i) && !has("ellipsisMask", i)).length;
  const entries: Entry[] = [];
  let axis = 0;
  for (const [i, from] of begin.entries()) {
    if (has("ellipsisMask", i)) {
      const skipped = shape.length - (begin.length - 1 - added);
      for (let k = 0; k < skipped; k++) entries.push({ kind: "range", range: whole(shape[axis++]!) });
    } else if (has("newAxisMask", i)) entries.push({ kind: "new", range: whole(1) });
    else {
      check(axis < shape.length, "shape", () => `${begin.length} positions for ${shape.length} axes`);
      entries.push(
        rangeEntry(shape[axis++]!, from, end[i]!, strides[i]!, has("beginMask", i), has("endMask", i), has("shrinkAxisMask", i)),
      );
    }
  }
  while (axis < shape.length) entries.push({ kind: "range", range: whole(shape[axis++]!) });
  return entries;
}

function rangeEntry(size: number, from: number, to: number, step: number, noBegin: boolean, noEnd: boolean, shrink: boolean): Entry {
  if (shrink) return { kind: "shrink", range: { start: from < 0 ? from + size : from, step: 1, count: 1 } };
  const begin = noBegin ? (step > 0 ? 0 : size - 1) : from;
  const end = noEnd ? (step > 0 ? size : -size - 1) : to;
  return { kind: "range", range: rangeOf(begin, end, step, size, -1) };
}

export const stridedSlice = defineMoveOp({
  name: "strided_slice",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    const entries = stridedEntries(ctx, shape);
    if (!entries) return [{ dataType, shape: shape.map(() => Number.NaN) }];
    return [{ dataType, shape: entries.filter(({ kind }) => kind !== "shrink").map(({ range }) => range.count) }];
  },
  moves(ctx, x, _y, yStrides) {
    const rest = yStrides.values();
    const strided = stridedEntries(ctx, x.shape)!.map((entry) => ({ ...entry, stride: entry.kind === "shrink" ? 0 : rest.next().value! }));
    const taken = strided.filter(({ kind }) => kind !== "new");
    return [
      moveRanges(
        x,
        taken.map(({ range }) => range),
        taken.map(({ stride }) => stride),
      ),
    ];
  },
});

export const SLICE_OPS: readonly OpDef[] = [slice, stridedSlice];
