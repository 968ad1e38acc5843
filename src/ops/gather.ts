// Elements looked up by index tensors. Indices that are known are checked while planning, others during the run.
import { check, LanewiseError } from "../errors.ts";
import { ELEMENT_BYTES, sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Operand } from "./define.ts";
import { emitMove, inQuantOf, moveElements, moveOver, stridesOf } from "./moves.ts";
import { axisOf } from "./parameters.ts";

/** Throws `input` for an index outside an axis of `size` elements; negative ones count from the end. */
export function checkedIndex(index: number, size: number): number {
  if (!(index >= -size && index < size)) throw new LanewiseError("input", `index ${index} is outside of an axis of ${size}`);
  return index < 0 ? index + size : index;
}

const isIndexType = ({ dataType }: TensorType): boolean => dataType === "int32" || dataType === "int64";
const wideOf = ({ dataType }: TensorType): number => (dataType === "int64" ? 1 : 0);

interface GatherForm {
  readonly axis: number;
  readonly batch: number;
  /** Steps of the batch dimensions, of those between them and the axis, indices in a batch, and elements behind the axis. */
  readonly batches: number;
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

function gatherForm(ctx: Pick<InferContext, "attributes">, x: TensorType, indices: TensorType): GatherForm {
  const axis = axisOf(ctx.attributes.number("axis", 0), x.shape.length);
  const given = ctx.attributes.number("batchDims", 0);
  const batch = given < 0 ? given + indices.shape.length : given;
  check(batch >= 0 && batch <= Math.min(axis, indices.shape.length), "shape", () => `batchDims ${given} with axis ${axis}`);
  return {
    axis,
    batch,
    batches: sizeOf(x.shape.slice(0, batch)),
    outer: sizeOf(x.shape.slice(batch, axis)),
    count: sizeOf(indices.shape.slice(batch)),
    inner: sizeOf(x.shape.slice(axis + 1)),
  };
}

/** Checks the indices that are known. */
function checkKnown(operand: Operand, size: number): void {
  for (const index of operand.known ?? []) checkedIndex(Number(index), size);
}

export const gather = defineOp({
  name: "gather",
  infer(ctx: InferContext): TensorType[] {
    const [x, indices] = [ctx.input(0), ctx.input(1)];
    const { axis, batch } = gatherForm(ctx, x, indices);
    return [{ dataType: x.dataType, shape: [...x.shape.slice(0, axis), ...indices.shape.slice(batch), ...x.shape.slice(axis + 1)] }];
  },
  lower(ctx: LowerContext) {
    const [x, indices, y] = [ctx.input(0), ctx.input(1), ctx.output(0)];
    const { axis, batches, outer, count, inner } = gatherForm(ctx, x, indices);
    const size = x.shape[axis]!;
    const bytes = ELEMENT_BYTES[x.dataType];
    const source = inQuantOf(ctx, x, y);
    if (y.size === 0) return;
    checkKnown(indices, size);
    if (indices.known && indices.size === 1) {
      const index = checkedIndex(Number(indices.known[0]), size);
      emitMove(ctx, y.pointer, source, bytes, moveOver([batches * outer, inner], [inner, 1], [size * inner, 1], 0, index * inner));
      return;
    }
    if (!isIndexType(indices) || (batches > 1 && outer > 1)) return false;
    const rowBytes = inner * bytes;
    const dims = ctx.table(Int32Array.of(size, rowBytes));
    const indexStride = batches > 1 ? count * ELEMENT_BYTES[indices.dataType] : 0;
    const steps = batches * outer;
    ctx.emitSplit("x8_gather", steps * count, [
      y.pointer,
      source,
      indices.pointer,
      wideOf(indices),
      dims,
      1,
      count,
      rowBytes,
      size * rowBytes,
      indexStride,
    ]);
    if (!indices.known) ctx.explainByHost();
  },
  host(ctx: HostContext) {
    const [x, indices, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
    const { axis, batches, outer, count, inner } = gatherForm(ctx, x, indices);
    const size = x.shape[axis]!;
    for (let row = 0; row < batches * outer * count; row++) {
      const step = Math.floor(row / count);
      const at = Math.floor(step / outer) * count + (row % count);
      const from = (step * size + checkedIndex(Number(indices.data[at]), size)) * inner;
      for (let i = 0; i < inner; i++) y.data[row * inner + i] = x.data[from + i] as never;
    }
  },
});

interface TupleForm {
  readonly batches: number;
  /** Numbers in a tuple. */
  readonly tuple: number;
  /** Tuples in a batch, and elements that a tuple points at. */
  readonly count: number;
  readonly inner: number;
  /** Sizes of the indexed axes, and elements from one index to the next. */
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** How tuples of `indices` point into `x`. */
export function tupleForm(x: TensorType, indices: TensorType, batch: number): TupleForm {
  const tuple = indices.shape.at(-1) ?? Number.NaN;
  check(
    indices.shape.length > batch && !(batch + tuple > x.shape.length),
    "shape",
    () => `tuples of ${tuple} numbers for ${x.shape.length} axes`,
  );
  return {
    batches: sizeOf(x.shape.slice(0, batch)),
    tuple,
    count: sizeOf(indices.shape.slice(batch, -1)),
    inner: sizeOf(x.shape.slice(batch + tuple)),
    sizes: x.shape.slice(batch, batch + tuple),
    strides: stridesOf(x.shape).slice(batch, batch + tuple),
  };
}

/** The element that tuple number `at` of a flat list points at. Throws `input` when it lies outside. */
export function tupleTarget({ tuple, sizes, strides }: TupleForm, indices: ArrayLike<number | bigint>, at: number): number {
  let target = 0;
  for (let i = 0; i < tuple; i++) target += checkedIndex(Number(indices[at * tuple + i]), sizes[i]!) * strides[i]!;
  return target;
}

/** The dimensions of a tuple as x8_gather reads them. */
export const tupleTable = (form: TupleForm, elementBytes: number): Int32Array =>
  Int32Array.from(form.sizes.flatMap((size, i) => [size, form.strides[i]! * elementBytes]));

export const gatherNd = defineOp({
  name: "gather_nd",
  infer(ctx: InferContext): TensorType[] {
    const [x, indices] = [ctx.input(0), ctx.input(1)];
    const batch = ctx.attributes.number("batchDims", 0);
    const { tuple } = tupleForm(x, indices, batch);
    return [{ dataType: x.dataType, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + tuple)] }];
  },
  lower(ctx: LowerContext) {
    const [x, indices, y] = [ctx.input(0), ctx.input(1), ctx.output(0)];
    if (!isIndexType(indices)) return false;
    if (y.size === 0) return;
    const form = tupleForm(x, indices, ctx.attributes.number("batchDims", 0));
    const { batches, tuple, count, inner } = form;
    if (indices.known) for (let i = 0; i < batches * count; i++) tupleTarget(form, indices.known, i);
    const bytes = ELEMENT_BYTES[x.dataType];
    const dims = tuple ? ctx.table(tupleTable(form, bytes)) : 0;
    const xStride = (x.size / batches) * bytes;
    const indexStride = count * tuple * ELEMENT_BYTES[indices.dataType];
    ctx.emitSplit("x8_gather", batches * count, [
      y.pointer,
      inQuantOf(ctx, x, y),
      indices.pointer,
      wideOf(indices),
      dims,
      tuple,
      count,
      inner * bytes,
      xStride,
      indexStride,
    ]);
    if (!indices.known) ctx.explainByHost();
  },
  host(ctx: HostContext) {
    const [x, indices, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
    const form = tupleForm(x, indices, ctx.attributes.number("batchDims", 0));
    const perBatch = x.data.length / form.batches;
    for (let row = 0; row < form.batches * form.count; row++) {
      const from = Math.floor(row / form.count) * perBatch + tupleTarget(form, indices.data, row);
      for (let i = 0; i < form.inner; i++) y.data[row * form.inner + i] = x.data[from + i] as never;
    }
  },
});

export const gatherElements = defineOp({
  name: "gather_elements",
  infer(ctx: InferContext): TensorType[] {
    const [x, { shape }] = [ctx.input(0), ctx.input(1)];
    axisOf(ctx.attributes.number("axis", 0), x.shape.length);
    check(shape.length === x.shape.length, "shape", () => "indices must have as many axes as the input");
    return [{ dataType: x.dataType, shape }];
  },
  host(ctx: HostContext) {
    const [x, indices, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
    const axis = axisOf(ctx.attributes.number("axis", 0), x.shape.length);
    const strides = stridesOf(x.shape);
    // The positions of all elements with the axis at 0 come from a move; the indices then say how far along it.
    const from = new Float64Array(y.data.length);
    const all = Float64Array.from({ length: x.data.length }, (_, i) => i);
    moveElements(from, all, moveOver(y.shape, stridesOf(y.shape), strides.with(axis, 0)));
    for (let i = 0; i < from.length; i++) {
      const index = checkedIndex(Number(indices.data[i]), x.shape[axis]!);
      y.data[i] = x.data[from[i]! + index * strides[axis]!] as never;
    }
  },
});

export const GATHER_OPS: readonly OpDef[] = [gather, gatherNd, gatherElements];
