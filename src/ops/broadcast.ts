// Two operands under numpy's broadcasting: their common walk, as a plan for the binary kernels and as index pairs for TypeScript.
import type { TensorType } from "../graph/types.ts";
import type { LowerContext, Operand, Pointer } from "./define.ts";
import { broadcastStrides } from "./tile.ts";

/** One dimension of the output with the strides of a and b, in elements; 0 where an operand repeats. */
export interface BroadcastAxis {
  readonly size: number;
  readonly a: number;
  readonly b: number;
}

/** Dimensions outermost first, without those of one element; neighbours that both operands walk as one are joined. */
export function broadcastAxes(a: TensorType, b: TensorType, shape: readonly number[]): BroadcastAxis[] {
  const [aStrides, bStrides] = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
  const axes: BroadcastAxis[] = [];
  for (const [i, size] of shape.entries()) {
    if (size === 1) continue;
    const axis = { size, a: aStrides[i]!, b: bStrides[i]! };
    const outer = axes.at(-1);
    if (outer && outer.a === axis.a * size && outer.b === axis.b * size) axes[axes.length - 1] = { ...axis, size: outer.size * size };
    else axes.push(axis);
  }
  return axes;
}

/** Calls `visit` with the element numbers of a and b for every output in turn. */
export function forEachPair(axes: readonly BroadcastAxis[], visit: (a: number, b: number) => void, at = 0, a = 0, b = 0): void {
  const axis = axes[at];
  if (!axis) visit(a, b);
  else for (let i = 0; i < axis.size; i++) forEachPair(axes, visit, at + 1, a + i * axis.a, b + i * axis.b);
}

/** How binary kernels walk their operands: rows of `cols` outputs, steps of 0 or 1 along a row, a table for the rest. */
export interface RowPlan {
  readonly a: Pointer;
  readonly b: Pointer;
  readonly cols: number;
  readonly aStep: number;
  readonly bStep: number;
  readonly rows: number;
  readonly table: Pointer | 0;
  readonly rank: number;
}

/** Rows shorter than this are worth repeating into longer ones. */
const SHORT_ROW = 64;
const REPEATED_ROW = 512;

/** Plans the walk over two operands of `elementBytes` bytes an element. A short row that one operand repeats all over is first copied into a longer one. */
export function planRows(ctx: LowerContext, a: Operand, b: Operand, shape: readonly number[], elementBytes = 4): RowPlan {
  const axes = broadcastAxes(a, b, shape);
  const row = axes.pop() ?? { size: 1, a: 1, b: 1 };
  const plan = { a: a.pointer, b: b.pointer, cols: row.size, aStep: row.a, bStep: row.b };
  const side = repeatedSide(axes, row);
  const outer = axes.pop();
  const times = side && outer ? largestDivisor(outer.size, Math.floor(REPEATED_ROW / row.size)) : 1;
  if (!outer || !side || times === 1) return { ...plan, ...tabulate(ctx, outer ? [...axes, outer] : axes, elementBytes) };
  const cols = row.size * times;
  axes.push({ size: outer.size / times, a: side === "a" ? 0 : cols, b: side === "b" ? 0 : cols });
  const copies = ctx.scratch(cols * elementBytes);
  ctx.emitSplit("x8_copy_rows", times, [copies, plan[side], row.size * elementBytes, row.size * elementBytes, 0]);
  return { ...plan, [side]: copies, cols, ...tabulate(ctx, axes, elementBytes) };
}

/** The operand that is one short row, repeated along a dense other one. */
function repeatedSide(axes: readonly BroadcastAxis[], row: BroadcastAxis): "a" | "b" | undefined {
  const outer = axes.at(-1);
  if (!outer || row.size >= SHORT_ROW || row.a !== 1 || row.b !== 1) return undefined;
  if (outer.a === row.size && axes.every((axis) => axis.b === 0)) return "b";
  if (outer.b === row.size && axes.every((axis) => axis.a === 0)) return "a";
  return undefined;
}

function largestDivisor(size: number, most: number): number {
  for (let divisor = Math.min(most, size); divisor > 1; divisor--) if (size % divisor === 0) return divisor;
  return 1;
}

/** The outer dimensions as the table that assembly/lib/planes.ts draws. */
function tabulate(ctx: LowerContext, axes: readonly BroadcastAxis[], elementBytes: number): Pick<RowPlan, "rows" | "table" | "rank"> {
  const table = axes.length ? ctx.table(Int32Array.from(axes.flatMap(({ size, a, b }) => [size, a * elementBytes, b * elementBytes]))) : 0;
  return { rows: axes.reduce((rows, { size }) => rows * size, 1), table, rank: axes.length };
}
