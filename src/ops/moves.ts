// Layout operators say what they do as moves, strided copies from an input into an output. A move becomes a kernel
// call in a plan, or a loop over typed arrays where the plan itself needs the elements.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, type Quantization, type TensorType, type TypedArray } from "../graph/types.ts";
import {
  defineOp,
  type HostContext,
  type InferContext,
  type LowerContext,
  type OpDef,
  type Operand,
  offsetBy,
  type Pointer,
} from "./define.ts";
import { roundHalfEven } from "./host-elements.ts";
import type { AnyContext } from "./parameters.ts";
import { type CopyAxis, stridedCopy } from "./strided-copy.ts";

/** A strided copy that starts at element `y` of the output and element `x` of the input. */
export interface Move {
  readonly axes: readonly CopyAxis[];
  readonly y: number;
  readonly x: number;
}

/** Elements from one index to the next along each axis; `rowStride` spreads rows over a wider tensor. */
export function stridesOf(shape: readonly number[], rowStride = shape.at(-1) ?? 1): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = axis === shape.length - 2 ? rowStride : strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** The move over `shape` with one stride for each axis. */
export function moveOver(shape: readonly number[], yStrides: readonly number[], xStrides: readonly number[], y = 0, x = 0): Move {
  return { axes: shape.map((size, i) => ({ size, yStride: yStrides[i]!, xStride: xStrides[i]! })), y, x };
}

/** Appends the kernel call of a move; nothing when it moves nothing. */
export function emitMove(ctx: LowerContext, y: Pointer, x: Pointer, elementBytes: number, move: Move): void {
  const call = stridedCopy(elementBytes, move.axes);
  if (!call) return;
  const pointers = [offsetBy(y, move.y * elementBytes), offsetBy(x, move.x * elementBytes)];
  const table = call.table ? [call.table.length ? ctx.table(call.table) : 0, call.table.length / 3] : [];
  ctx.emitSplit(call.kernel as "x8_copy_planes", call.units, [...pointers, ...table, ...call.args] as never);
}

/** Does a move on typed arrays of one type. */
export function moveElements(y: TypedArray, x: TypedArray, move: Move): void {
  const axes = mergeAxes(move.axes);
  const inner = axes.pop();
  if (inner) walk(y, x, axes, 0, inner, move.y, move.x);
  else y[move.y] = x[move.x] as never;
}

/** Elements below which a loop is faster than a call of `set`. */
const SHORT_ROW = 32;

/** Axes without those of one element; neighbours that both sides walk as one are one. */
function mergeAxes(axes: readonly CopyAxis[]): CopyAxis[] {
  const merged: CopyAxis[] = [];
  for (const axis of axes) {
    const outer = merged.at(-1);
    if (axis.size === 1) continue;
    const isOne = outer?.yStride === axis.size * axis.yStride && outer.xStride === axis.size * axis.xStride;
    if (isOne) merged.splice(-1, 1, { ...axis, size: outer.size * axis.size });
    else merged.push(axis);
  }
  return merged;
}

function walk(y: TypedArray, x: TypedArray, axes: readonly CopyAxis[], depth: number, inner: CopyAxis, yAt: number, xAt: number): void {
  const axis = axes[depth];
  if (axis) {
    for (let i = 0; i < axis.size; i++) walk(y, x, axes, depth + 1, inner, yAt + i * axis.yStride, xAt + i * axis.xStride);
  } else if (inner.yStride === 1 && inner.xStride === 1 && inner.size >= SHORT_ROW) {
    y.set(x.subarray(xAt, xAt + inner.size) as never, yAt);
  } else {
    for (let i = 0; i < inner.size; i++) y[yAt + i * inner.yStride] = x[xAt + i * inner.xStride] as never;
  }
}

/** True where elements of `x` mean something else in `y`. */
export function differs(x: Quantization | undefined, y: Quantization | undefined): boolean {
  return x !== undefined && y !== undefined && (String(x.scale) !== String(y.scale) || String(x.zeroPoint) !== String(y.zeroPoint));
}

/** The int8 result of every int8 that `from` quantizes, in `to`: a float32 ratio of scales, half to even, clamped. */
function requantized(from: Quantization, to: Quantization): Uint8Array {
  check(from.scale.length === 1 && to.scale.length === 1, "unsupported", () => "a change of quantization per channel");
  const ratio = Math.fround(from.scale[0]! / to.scale[0]!);
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const sum = ((byte << 24) >> 24) - from.zeroPoint[0]!;
    const steps = roundHalfEven(Math.fround(sum * ratio)) + to.zeroPoint[0]!;
    return Math.min(Math.max(steps, -128), 127) & 255;
  });
}

/** Appends the copy of all of `x` to `target` in the quantization of `y`, in rows that are `ldy` bytes apart there. */
export function emitCopy(ctx: LowerContext, target: Pointer, x: Operand, y: Operand, rows = 1, ldy = 0): void {
  const rowBytes = x.bytes / rows;
  if (!differs(x.quant, y.quant)) ctx.emitSplit("x8_copy_rows", rows, [target, x.pointer, rowBytes, ldy, rowBytes]);
  else ctx.emitSplit("x8_lut", rows, [target, x.pointer, ctx.table(requantized(x.quant!, y.quant!)), rowBytes, ldy, rowBytes]);
}

/** Where the elements of `x` lie in the quantization of `y`: themselves, or a copy in scratch memory. */
export function inQuantOf(ctx: LowerContext, x: Operand, y: Operand): Pointer {
  if (!differs(x.quant, y.quant)) return x.pointer;
  const copy = ctx.scratch(x.bytes);
  emitCopy(ctx, copy, x, y);
  return copy;
}

/** An operator that moves elements of input 0 into output 0. */
export interface MoveOp {
  readonly name: string;
  infer(ctx: InferContext): TensorType[];
  /** The moves that fill output `y`, whose axes have `yStrides`; every element is written exactly once. */
  moves(ctx: AnyContext, x: TensorType, y: TensorType, yStrides: readonly number[]): Move[];
  readonly view?: OpDef["view"];
  readonly dynamic?: boolean;
}

/** The operator with its moves as kernel calls and as TypeScript. */
export function defineMoveOp({ moves, ...op }: MoveOp) {
  return defineOp({
    ...op,
    stridedOutput: true,
    lower(ctx: LowerContext) {
      const [x, y] = [ctx.input(0), ctx.output(0)];
      const source = inQuantOf(ctx, x, y);
      const bytes = ELEMENT_BYTES[y.dataType];
      for (const move of moves(ctx, x, y, stridesOf(y.shape, y.rowStride))) emitMove(ctx, y.pointer, source, bytes, move);
    },
    host(ctx: HostContext) {
      const [x, y] = [ctx.input(0), ctx.outputs[0]!];
      for (const move of moves(ctx, x, y, stridesOf(y.shape))) moveElements(y.data, x.data, move);
    },
  });
}
