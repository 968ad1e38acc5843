// Tensors made from little: constants of a shape, ranges, one-hot vectors, identity and triangles.
import { check } from "../errors.ts";
import { arrayOf, type DataType, ELEMENT_BYTES, sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { encode, numbersOf, writeNumbers } from "./host-elements.ts";
import { emitMove } from "./moves.ts";
import { axisOf, listParameter, numberParameter } from "./parameters.ts";
import { pendingShape } from "./shape.ts";

export const fill = defineOp({
  name: "fill",
  infer(ctx: InferContext): TensorType[] {
    const dataType = ctx.attributes.string("dataType", "float32") as DataType;
    return [{ dataType, shape: listParameter(ctx, "shape", 0) ?? pendingShape(ctx, 0) }];
  },
  lower(ctx: LowerContext) {
    const y = ctx.output(0);
    const value = arrayOf(y.dataType, 1);
    value[0] = encode(y.dataType, ctx.attributes.number("value", 0)) as never;
    emitMove(ctx, y.pointer, ctx.table(value), ELEMENT_BYTES[y.dataType], { axes: [{ size: y.size, yStride: 1, xStride: 0 }], y: 0, x: 0 });
  },
  host(ctx: HostContext) {
    const { data, dataType } = ctx.outputs[0]!;
    data.fill(encode(dataType, ctx.attributes.number("value", 0)) as never);
  },
});

export const range = defineOp({
  name: "range",
  infer(ctx: InferContext): TensorType[] {
    const [start, limit, delta] = [0, 1, 2].map((i) => ctx.known(i)?.[0] ?? Number.NaN) as [number, number, number];
    check(delta !== 0, "shape", () => "a range with a step of 0");
    return [{ dataType: ctx.input(0).dataType, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
  },
  host(ctx: HostContext) {
    const y = ctx.outputs[0]!;
    const [start, delta] = [numbersOf(ctx.input(0))[0]!, numbersOf(ctx.input(2))[0]!];
    writeNumbers(
      y,
      Float64Array.from({ length: y.data.length }, (_, i) => start + i * delta),
    );
  },
});

export const oneHot = defineOp({
  name: "one_hot",
  infer(ctx: InferContext): TensorType[] {
    const { shape } = ctx.input(0);
    const axis = axisOf(ctx.attributes.number("axis", -1), shape.length + 1);
    const depth = ctx.known(1)?.[0] ?? Number.NaN;
    return [{ dataType: ctx.input(2).dataType, shape: [...shape.slice(0, axis), Math.trunc(depth), ...shape.slice(axis)] }];
  },
  host(ctx: HostContext) {
    const [{ shape, data: values }, y] = [ctx.input(0), ctx.outputs[0]!];
    const [off, on] = ctx.input(2).data;
    const axis = axisOf(ctx.attributes.number("axis", -1), y.shape.length);
    const [depth, inner] = [y.shape[axis]!, sizeOf(shape.slice(axis))];
    y.data.fill(off as never);
    for (let i = 0; i < values.length; i++) {
      const index = Number(values[i]);
      if (index < -depth || index >= depth) continue; // no element is hot
      y.data[(Math.floor(i / inner) * depth + (index < 0 ? index + depth : index)) * inner + (i % inner)] = on as never;
    }
  },
});

export const eyeLike = defineOp({
  name: "eye_like",
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    check(shape.length === 2, "shape", () => "expected a matrix");
    return [{ dataType: ctx.attributes.string("dataType", dataType) as DataType, shape }];
  },
  host(ctx: HostContext) {
    const y = ctx.outputs[0]!;
    const [rows, cols] = y.shape as [number, number];
    const k = ctx.attributes.number("k", 0);
    y.data.fill(encode(y.dataType, 0) as never);
    for (let row = Math.max(0, -k); row < Math.min(rows, cols - k); row++) y.data[row * cols + row + k] = encode(y.dataType, 1) as never;
  },
});

export const trilu = defineOp({
  name: "trilu",
  inPlace: [0],
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    check(shape.length >= 2, "shape", () => "expected matrices");
    return [{ dataType, shape }];
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const [rows, cols] = y.shape.slice(-2) as [number, number];
    const k = numberParameter(ctx, "k", 1) ?? 0;
    const upper = ctx.attributes.boolean("upper", true);
    const zero = encode(y.dataType, 0) as never;
    y.data.set(x.data as never);
    for (let at = 0; at < y.data.length; at += cols) {
      const diagonal = ((at / cols) % rows) + k;
      if (upper) y.data.fill(zero, at, at + Math.min(Math.max(diagonal, 0), cols));
      else y.data.fill(zero, at + Math.min(Math.max(diagonal + 1, 0), cols), at + cols);
    }
  },
});

export const GENERATE_OPS: readonly OpDef[] = [fill, range, oneHot, eyeLike, trilu];
