// Elements added around a tensor, or taken away where a pad is negative. Every mode is a set of strided copies: each
// axis falls into runs of the input that go forwards, backwards or stand still, and each choice of runs is one copy.
import { check } from "../errors.ts";
import { arrayOf, ELEMENT_BYTES, type TensorType, type TypedArray } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Operand } from "./define.ts";
import { encode } from "./host-elements.ts";
import { differs, emitMove, inQuantOf, type Move, moveElements, stridesOf } from "./moves.ts";
import { type AnyContext, axesOf, elementsOf, isPending, listParameter } from "./parameters.ts";

/** Above this number of copies (a tiny tensor mirrored over and over) TypeScript does it. */
const MOST_MOVES = 256;

/** Output elements `y` … `y + count − 1` of an axis, taken from input element `x` on by `step`. */
interface Run {
  readonly y: number;
  readonly x: number;
  readonly step: number;
  readonly count: number;
}

interface Pads {
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

function padsOf(ctx: AnyContext, rank: number): Pads | undefined {
  const pads = listParameter(ctx, "pads", 1);
  if (!pads || isPending(ctx, "axes", 3)) return undefined;
  const axes = axesOf(elementsOf(ctx, 3) ?? Array.from({ length: rank }, (_, i) => i), rank);
  check(pads.length === 2 * axes.length, "shape", () => `pads [${pads}] must have ${2 * axes.length} numbers`);
  const at = (axis: number, side: number) => (axes.includes(axis) ? pads[axes.indexOf(axis) + side * axes.length]! : 0);
  const all = Array.from({ length: rank }, (_, axis) => axis);
  return { begin: all.map((axis) => at(axis, 0)), end: all.map((axis) => at(axis, 1)) };
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** The input element for output position `at`, counted from the first input element, on an axis of `size`. */
function sourceIndex(mode: string, at: number, size: number): number {
  if (mode === "edge") return Math.min(Math.max(at, 0), size - 1);
  if (mode === "wrap") return modulo(at, size);
  if (mode === "symmetric") {
    const folded = modulo(at, 2 * size);
    return Math.min(folded, 2 * size - 1 - folded);
  }
  const period = 2 * (size - 1) || 1;
  const folded = modulo(at, period);
  return Math.min(folded, period - folded);
}

/** The runs that make an axis of the output. */
function runsOf(mode: string, size: number, begin: number, total: number): Run[] {
  const runs: Run[] = [];
  for (let y = 0; y < total; ) {
    const x = sourceIndex(mode, y - begin, size);
    const step = y + 1 < total ? sourceIndex(mode, y + 1 - begin, size) - x : 0;
    let count = 1;
    if (Math.abs(step) <= 1) while (y + count < total && sourceIndex(mode, y + count - begin, size) === x + count * step) count++;
    runs.push({ y, x, step, count });
    y += count;
  }
  return runs;
}

/** The part of the input that stays, as one run for each axis. */
const keptRuns = (x: readonly number[], { begin, end }: Pads): Run[] =>
  x.map((size, axis) => {
    const [front, back] = [begin[axis]!, end[axis]!];
    return { y: Math.max(front, 0), x: Math.max(-front, 0), step: 1, count: Math.max(0, size + Math.min(front, 0) + Math.min(back, 0)) };
  });

function moveRuns(runs: readonly Run[], yStrides: readonly number[], xStrides: readonly number[]): Move {
  return {
    axes: runs.map(({ count, step }, i) => ({ size: count, yStride: yStrides[i]!, xStride: step * xStrides[i]! })),
    y: runs.reduce((at, { y }, i) => at + y * yStrides[i]!, 0),
    x: runs.reduce((at, { x }, i) => at + x * xStrides[i]!, 0),
  };
}

const product = (lists: readonly (readonly Run[])[]): Run[][] =>
  lists.reduce<Run[][]>((chosen, list) => chosen.flatMap((runs) => list.map((run) => [...runs, run])), [[]]);

/** Copies of the input into the output. */
function copies(mode: string, x: TensorType, y: TensorType, pads: Pads, yStrides: readonly number[]): Move[] {
  const xStrides = stridesOf(x.shape);
  if (mode === "constant") return [moveRuns(keptRuns(x.shape, pads), yStrides, xStrides)];
  const runs = x.shape.map((size, axis) => runsOf(mode, size, pads.begin[axis]!, y.shape[axis]!));
  return product(runs).map((chosen) => moveRuns(chosen, yStrides, xStrides));
}

/** The boxes around the kept part: for each axis one before and one behind, within the kept part of the axes before it. */
function borders(x: TensorType, y: TensorType, pads: Pads, yStrides: readonly number[]): Move[] {
  const kept = keptRuns(x.shape, pads);
  const whole = y.shape.map((count) => ({ y: 0, x: 0, step: 0, count }));
  const still = y.shape.map(() => 0);
  return kept.flatMap((run, axis) => {
    const box = (from: number, to: number): Move => {
      const runs = whole.map((all, i) => (i < axis ? kept[i]! : i === axis ? { ...all, y: from, count: to - from } : all));
      return { ...moveRuns(runs, yStrides, still), x: 0 };
    };
    return [box(0, run.y), box(run.y + run.count, y.shape[axis]!)];
  });
}

/** The value around a constant pad, as the output stores it. */
function storedValue(ctx: LowerContext | HostContext, y: TensorType, quant: Operand["quant"]): TypedArray {
  const real = elementsOf(ctx, 2)?.[0] ?? ctx.attributes.number("value", 0);
  const stored = arrayOf(y.dataType, 1);
  const value = quant ? Math.min(127, Math.max(-128, Math.round(real / quant.scale[0]!) + quant.zeroPoint[0]!)) : real;
  stored[0] = encode(y.dataType, value) as never;
  return stored;
}

export const pad = defineOp({
  name: "pad",
  stridedOutput: true,
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    const mode = ctx.attributes.string("mode", "constant");
    check(["constant", "edge", "reflect", "wrap", "symmetric"].includes(mode), "unsupported", () => `pad mode "${mode}"`);
    const pads = padsOf(ctx, shape.length);
    if (!pads) return [{ dataType, shape: shape.map(() => Number.NaN) }];
    const padded = shape.map((dim, axis) => dim + pads.begin[axis]! + pads.end[axis]!);
    const empty = mode !== "constant" && shape.some((dim, axis) => dim === 0 && padded[axis]! > 0);
    check(!empty && !padded.some((dim) => dim < 0), "shape", () => `pads [${pads.begin}] and [${pads.end}] do not fit [${shape}]`);
    return [{ dataType, shape: padded }];
  },
  lower(ctx: LowerContext) {
    const [x, y] = [ctx.input(0), ctx.output(0)];
    const mode = ctx.attributes.string("mode", "constant");
    const bytes = ELEMENT_BYTES[y.dataType];
    const pads = padsOf(ctx, x.shape.length)!;
    const yStrides = stridesOf(y.shape, y.rowStride);
    const moves = copies(mode, x, y, pads, yStrides);
    if (moves.length > MOST_MOVES && !differs(x.quant, y.quant)) return false;
    if (mode === "constant") {
      const given = isPending(ctx, "value", 2) && !y.quant ? ctx.input(2).pointer : undefined;
      if (isPending(ctx, "value", 2) && y.quant) return false;
      const boxes = borders(x, y, pads, yStrides).filter(({ axes }) => axes.every(({ size }) => size > 0));
      const value = boxes.length ? (given ?? ctx.table(storedValue(ctx, y, y.quant))) : x.pointer;
      for (const box of boxes) emitMove(ctx, y.pointer, value, bytes, box);
    }
    const source = inQuantOf(ctx, x, y);
    for (const move of moves) emitMove(ctx, y.pointer, source, bytes, move);
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const mode = ctx.attributes.string("mode", "constant");
    if (mode === "constant") y.data.fill(storedValue(ctx, y, ctx.outputQuants[0])[0] as never);
    for (const move of copies(mode, x, y, padsOf(ctx, x.shape.length)!, stridesOf(y.shape))) moveElements(y.data, x.data, move);
  },
});

export const PAD_OPS: readonly OpDef[] = [pad];
