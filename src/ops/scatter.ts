// Updates written, or folded, into a copy of a tensor at positions that index tensors name.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type HostTensor, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { checkedIndex, tupleForm, tupleTable, tupleTarget } from "./gather.ts";
import { numbersOf, writeNumbers } from "./host-elements.ts";
import { moveElements, moveOver, stridesOf } from "./moves.ts";
import { axisOf } from "./parameters.ts";

const REDUCTIONS: { readonly [name: string]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

/** Writes update `i` to element `target(i)` of a copy of `x`, or folds it into what stands there. */
function scatter(ctx: HostContext, updates: HostTensor, target: (i: number) => number): void {
  const [x, y] = [ctx.input(0), ctx.outputs[0]!];
  const reduction = ctx.attributes.string("reduction", "none");
  if (reduction === "none") {
    if (y.data !== x.data) y.data.set(x.data as never);
    for (let i = 0; i < updates.data.length; i++) y.data[target(i)] = updates.data[i] as never;
    return;
  }
  const reduce = REDUCTIONS[reduction];
  check(reduce, "unsupported", () => `reduction "${reduction}"`);
  const sums = Float64Array.from(numbersOf(x));
  const values = numbersOf(updates);
  for (let i = 0; i < values.length; i++) {
    const at = target(i);
    sums[at] = reduce(sums[at]!, values[i]!);
  }
  writeNumbers(y, sums);
}

const likeInput = (ctx: InferContext): TensorType[] => {
  const { dataType, shape } = ctx.input(0);
  check(ctx.input(2).dataType === dataType, "shape", () => "updates must have the data type of the input");
  return [{ dataType, shape }];
};

export const scatterNd = defineOp({
  name: "scatter_nd",
  inPlace: [0],
  infer(ctx: InferContext): TensorType[] {
    tupleForm(ctx.input(0), ctx.input(1), 0);
    return likeInput(ctx);
  },
  lower(ctx: LowerContext) {
    const [x, indices, updates, y] = [ctx.input(0), ctx.input(1), ctx.input(2), ctx.output(0)];
    if (ctx.attributes.string("reduction", "none") !== "none" || ELEMENT_BYTES[indices.dataType] < 4) return false;
    const form = tupleForm(x, indices, 0);
    if (indices.known) for (let i = 0; i < form.count; i++) tupleTarget(form, indices.known, i);
    const [source, target] = [x.pointer, y.pointer];
    if (source.buffer !== target.buffer || source.offset !== target.offset)
      ctx.emitSplit("x8_copy_rows", 1, [target, source, x.bytes, 0, 0]);
    if (updates.size === 0) return;
    const bytes = ELEMENT_BYTES[x.dataType];
    const dims = form.tuple ? ctx.table(tupleTable(form, bytes)) : 0;
    const wide = ELEMENT_BYTES[indices.dataType] === 8 ? 1 : 0;
    ctx.emit("x8_scatter", [target, updates.pointer, indices.pointer, wide, dims, form.tuple, form.count, form.inner * bytes]);
    if (!indices.known) ctx.explainByHost();
  },
  host(ctx: HostContext) {
    const indices = ctx.input(1);
    const form = tupleForm(ctx.input(0), indices, 0);
    scatter(ctx, ctx.input(2), (i) => tupleTarget(form, indices.data, Math.floor(i / form.inner)) + (i % form.inner));
  },
});

export const scatterElements = defineOp({
  name: "scatter_elements",
  inPlace: [0],
  infer: likeInput,
  host(ctx: HostContext) {
    const [x, indices] = [ctx.input(0), ctx.input(1)];
    const axis = axisOf(ctx.attributes.number("axis", 0), x.shape.length);
    const strides = stridesOf(x.shape);
    const rest = new Float64Array(indices.data.length);
    const all = Float64Array.from({ length: x.data.length }, (_, i) => i);
    moveElements(rest, all, moveOver(indices.shape, stridesOf(indices.shape), strides.with(axis, 0)));
    scatter(ctx, ctx.input(2), (i) => rest[i]! + checkedIndex(Number(indices.data[i]), x.shape[axis]!) * strides[axis]!);
  },
});

export const SCATTER_OPS: readonly OpDef[] = [scatterNd, scatterElements];
