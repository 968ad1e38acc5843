// Every layout operator is a copy between two strided views of the same extents: transpose,
// slice, split, concat, pad, tile, expand, depth to space. This module turns such a copy into
// the arguments of the one kernel that does it best; it knows no operator and no tensor.
import type { KernelName } from "../runtime/kernel-exports.d.ts";

/** One dimension of a copy; strides count elements, those of the source may be zero or negative. */
export interface CopyAxis {
  readonly size: number;
  readonly yStride: number;
  readonly xStride: number;
}

/** A kernel call without its pointers: `kernel(y, x, [table, rank,] ...args, begin, end)`. */
export interface CopyCall {
  readonly kernel: KernelName;
  /** Outer dimensions as assembly/lib/planes reads them; null for a kernel that takes none. */
  readonly table: Int32Array | null;
  readonly args: readonly number[];
  /** Units that the call may be split into. */
  readonly units: number;
}

interface ByteAxis {
  size: number;
  y: number;
  x: number;
}

/** Wide enough that the loop, not the step to the next row, takes the time. */
const SHORT_ROW = 8;

/** The call that copies `axes`, outermost first, of elements of 1, 2, 4 or 8 bytes; null when there is nothing to copy. */
export function stridedCopy(elementBytes: number, axes: readonly CopyAxis[]): CopyCall | null {
  if (axes.some(({ size }) => size === 0)) return null;
  const merged = mergeAxes(axes.map((a) => ({ size: a.size, y: a.yStride * elementBytes, x: a.xStride * elementBytes })));
  const { element, outer } = widenElement(elementBytes, merged);
  const inner = outer.at(-1);
  if (!inner || (inner.y === element && inner.x === element)) {
    const rowBytes = inner ? inner.size * element : element;
    return copyRows(rowBytes, inner ? outer.slice(0, -1) : outer);
  }
  return transposed(element, outer) ?? elementwise(element, outer);
}

/** Drops dimensions of one element and joins neighbours that both sides walk as one. */
function mergeAxes(axes: readonly ByteAxis[]): ByteAxis[] {
  const merged: ByteAxis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const outer = merged.at(-1);
    if (outer && outer.y === axis.size * axis.y && outer.x === axis.size * axis.x)
      merged[merged.length - 1] = { size: outer.size * axis.size, y: axis.y, x: axis.x };
    else merged.push(axis);
  }
  return merged;
}

/** Takes a short dense last dimension as one wider element: four int8 channels move as one x32. */
function widenElement(elementBytes: number, axes: ByteAxis[]): { element: number; outer: ByteAxis[] } {
  const inner = axes.at(-1);
  const dense = inner && inner.y === elementBytes && inner.x === elementBytes;
  const bytes = dense ? inner.size * elementBytes : 0;
  if (bytes === 2 || bytes === 4 || bytes === 8) return { element: bytes, outer: axes.slice(0, -1) };
  return { element: elementBytes, outer: axes };
}

function copyRows(rowBytes: number, outer: readonly ByteAxis[]): CopyCall {
  const rows = outer.at(-1) ?? { size: 1, y: 0, x: 0 };
  const planes = outer.slice(0, -1);
  if (planes.length === 0) return { kernel: "x8_copy_rows", table: null, args: [rowBytes, rows.y, rows.x], units: rows.size };
  return planesCall("x8_copy_planes", planes, rows.size, [rowBytes, rows.y, rows.x]);
}

/** When another dimension is dense in the source, the two form planes to transpose. */
function transposed(element: number, axes: readonly ByteAxis[]): CopyCall | null {
  const cols = axes.at(-1);
  const rows = axes.find((axis) => axis.x === element);
  if (!cols || !rows || cols.y !== element || cols.x < 0 || (element !== 1 && element !== 4)) return null;
  const planes = axes.filter((axis) => axis !== rows && axis !== cols);
  return planesCall(element === 1 ? "x8_transpose" : "x32_transpose", planes, rows.size, [cols.size, rows.y, cols.x]);
}

function elementwise(element: number, axes: readonly ByteAxis[]): CopyCall {
  const fill = axes.at(-1)?.x === 0;
  const ordered = !fill && (axes.at(-1)?.size ?? 0) < SHORT_ROW ? longestLast(axes) : axes;
  const cols = ordered.at(-1) ?? { size: 1, y: 0, x: 0 };
  const rows = ordered.at(-2) ?? { size: 1, y: 0, x: 0 };
  const kernel = ({ 1: "x8_copy_strided", 2: "x16_copy_strided", 4: "x32_copy_strided", 8: "x64_copy_strided" } as const)[element];
  if (!kernel) throw new RangeError(`elements of ${element} bytes`);
  return planesCall(kernel, ordered.slice(0, -2), rows.size, [cols.size, rows.y, rows.x, cols.y, cols.x]);
}

function longestLast(axes: readonly ByteAxis[]): ByteAxis[] {
  const longest = axes.reduce((best, axis) => (axis.size > best.size ? axis : best));
  return [...axes.filter((axis) => axis !== longest), longest];
}

function planesCall(kernel: KernelName, planes: readonly ByteAxis[], rows: number, rest: readonly number[]): CopyCall {
  const table = Int32Array.from(planes.flatMap(({ size, y, x }) => [size, y, x]));
  return { kernel, table, args: [rows, ...rest], units: planes.reduce((n, { size }) => n * size, rows) };
}
