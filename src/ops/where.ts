// Elements of one tensor or of another, as a third says; all three broadcast.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { moveElements, moveOver, stridesOf } from "./moves.ts";
import { broadcastShape, broadcastStrides } from "./tile.ts";

/** A dimension of the output with the byte strides of condition, a and b. */
type SelectAxis = readonly [size: number, c: number, a: number, b: number];

/** Dimensions outermost first, without those of one element; neighbours that all three walk as one are joined. */
function selectAxes(shape: readonly number[], strides: readonly (readonly number[])[]): SelectAxis[] {
  const axes: SelectAxis[] = [];
  for (const [i, size] of shape.entries()) {
    if (size === 1) continue;
    const [c, a, b] = strides.map((list) => list[i]!) as [number, number, number];
    const outer = axes.at(-1);
    if (outer && outer[1] === c * size && outer[2] === a * size && outer[3] === b * size)
      axes[axes.length - 1] = [outer[0] * size, c, a, b];
    else axes.push([size, c, a, b]);
  }
  return axes;
}

export const where = defineOp({
  name: "where",
  inPlace: [1, 2],
  infer(ctx: InferContext): TensorType[] {
    const [condition, a, b] = [ctx.input(0), ctx.input(1), ctx.input(2)];
    check(a.dataType === b.dataType, "shape", () => "both choices must have one data type");
    return [{ dataType: a.dataType, shape: broadcastShape(condition.shape, broadcastShape(a.shape, b.shape)) }];
  },
  lower(ctx: LowerContext) {
    const [condition, a, b, y] = [ctx.input(0), ctx.input(1), ctx.input(2), ctx.output(0)];
    const bytes = ELEMENT_BYTES[y.dataType];
    const kernel = ({ 1: "x8_select", 4: "x32_select" } as const)[bytes];
    if (!kernel || ELEMENT_BYTES[condition.dataType] !== 1) return false;
    if (y.size === 0) return;
    const inBytes = (x: TensorType, size: number) => broadcastStrides(x.shape, y.shape).map((stride) => stride * size);
    const axes = selectAxes(y.shape, [inBytes(condition, 1), inBytes(a, bytes), inBytes(b, bytes)]);
    const [cols, ...steps] = axes.at(-1) ?? [1, 0, 0, 0];
    const rows = axes.slice(0, -1);
    const table = rows.length ? ctx.table(Int32Array.from(rows.flat())) : 0;
    const units = rows.reduce((n, [size]) => n * size, 1);
    ctx.emitSplit(kernel, units, [
      y.pointer,
      condition.pointer,
      a.pointer,
      b.pointer,
      table,
      rows.length,
      cols,
      ...(steps as [number, number, number]),
    ]);
  },
  host(ctx: HostContext) {
    const [condition, a, b, y] = [ctx.input(0), ctx.input(1), ctx.input(2), ctx.outputs[0]!];
    const spread = (x: TensorType & { data: HostContext["outputs"][0]["data"] }) => {
      const all = new (x.data.constructor as Float64ArrayConstructor)(y.data.length);
      moveElements(all, x.data, moveOver(y.shape, stridesOf(y.shape), broadcastStrides(x.shape, y.shape)));
      return all;
    };
    const [chosen, left, right] = [spread(condition), spread(a), spread(b)];
    for (let i = 0; i < y.data.length; i++) y.data[i] = (chosen[i] ? left[i] : right[i]) as never;
  },
});

export const WHERE_OPS: readonly OpDef[] = [where];
