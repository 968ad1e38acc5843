// Operators that change a shape and no element: their output is a view of their input's bytes.
import { check } from "../errors.ts";
import { type DataType, isStatic, sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type HostTensor, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { emitCopy, moveElements } from "./moves.ts";
import { type AnyContext, axesOf, axisOf, isPending, listParameter } from "./parameters.ts";

/** An operator whose output has the input's elements in their order. */
function defineView(name: string, shapeOf: (ctx: InferContext, x: TensorType) => readonly number[]) {
  return defineOp({
    name,
    infer(ctx: InferContext): TensorType[] {
      const x = ctx.input(0);
      return [{ dataType: x.dataType, shape: shapeOf(ctx, x) }];
    },
    view: () => [0],
    /** Reached where the output is no view: it is quantized otherwise. */
    lower(ctx: LowerContext) {
      if (ctx.input(0).size > 0) emitCopy(ctx, ctx.output(0).pointer, ctx.input(0), ctx.output(0));
    },
    host(ctx: HostContext) {
      copyAll(ctx.outputs[0]!, ctx.input(0));
    },
  });
}

function copyAll(y: HostTensor, x: HostTensor): void {
  moveElements(y.data, x.data, { axes: [{ size: x.data.length, yStride: 1, xStride: 1 }], y: 0, x: 0 });
}

/** The shape that −1 and 0 in `wanted` stand for. */
function reshaped(wanted: readonly number[], from: readonly number[], allowZero: boolean): number[] {
  const shape = wanted.map((dim, i) => (dim === 0 && !allowZero ? (from[i] ?? Number.NaN) : dim));
  const rest = shape.indexOf(-1);
  const size = sizeOf(from);
  if (rest >= 0) {
    const known = sizeOf(shape.filter((_, i) => i !== rest));
    shape[rest] = known === 0 && size === 0 ? 0 : size / known;
  }
  const fits = !isStatic(shape) || !isStatic(from) || sizeOf(shape) === size;
  check(fits && shape.every((dim) => !(dim < 0)), "shape", () => `${size} elements cannot take the shape [${wanted}]`);
  return shape;
}

export const reshape = defineView("reshape", (ctx, x) => {
  const shape = listParameter(ctx, "shape", 1);
  if (shape) return reshaped(shape, x.shape, ctx.attributes.boolean("allowZero", false));
  return pendingShape(ctx, 1);
});

/** How many numbers an input holds that the run computes. */
function lengthOf(ctx: InferContext, index: number): number {
  const length = sizeOf(ctx.input(index).shape);
  check(Number.isInteger(length), "shape", () => `the length of input ${index} is not known`);
  return length;
}

/** Unknown dimensions, as many as a shape that is computed during the run has. */
export const pendingShape = (ctx: InferContext, index: number): number[] => new Array<number>(lengthOf(ctx, index)).fill(Number.NaN);

export const squeeze = defineView("squeeze", (ctx, x) => {
  if (isPending(ctx, "axes", 1)) return x.shape.slice(pendingShape(ctx, 1).length).map(() => Number.NaN);
  const axes = listParameter(ctx, "axes", 1);
  if (isPending(ctx, "axes", 1)) return x.shape.slice(lengthOf(ctx, 1)).fill(Number.NaN);
  if (!axes) return x.shape.filter((dim) => dim !== 1);
  const dropped = axesOf(axes, x.shape.length);
  for (const axis of dropped)
    check(!(x.shape[axis]! > 1), "shape", () => `axis ${axis} has ${x.shape[axis]} elements and cannot be squeezed`);
  return x.shape.filter((_, axis) => !dropped.includes(axis));
});

export const unsqueeze = defineView("unsqueeze", (ctx, x) => {
  const axes = listParameter(ctx, "axes", 1);
  if (!axes) return new Array<number>(x.shape.length + lengthOf(ctx, 1)).fill(Number.NaN);
  const rank = x.shape.length + axes.length;
  const added = axesOf(axes, rank);
  const rest = x.shape.values();
  return Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : rest.next().value!));
});

export const flatten = defineView("flatten", (ctx, { shape }) => {
  const axis = ctx.attributes.number("axis", 1);
  const at = axis === shape.length ? axis : axisOf(axis, shape.length || 1);
  return [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))];
});

const int64 = (shape: readonly number[], values: readonly number[]): HostTensor => ({
  dataType: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});

/** The dimensions from `start` to `end`, as slicing counts them. */
function dimensions(ctx: AnyContext): readonly number[] {
  const { shape } = ctx.inputs[0]!;
  return shape.slice(ctx.attributes.number("start", 0), ctx.attributes.number("end", shape.length));
}

export const shape = defineOp({
  name: "shape",
  infer(ctx: InferContext): TensorType[] {
    ctx.input(0);
    return [{ dataType: ctx.attributes.string("dataType", "int64") as DataType, shape: [dimensions(ctx).length] }];
  },
  fromTypes(ctx: InferContext): HostTensor[] | undefined {
    const dims = dimensions(ctx);
    if (!isStatic(dims)) return undefined;
    if (ctx.attributes.string("dataType", "int64") === "int64") return [int64([dims.length], dims)];
    return [{ dataType: "int32", shape: [dims.length], data: Int32Array.from(dims) }];
  },
});

export const size = defineOp({
  name: "size",
  infer: (): TensorType[] => [{ dataType: "int64", shape: [] }],
  fromTypes(ctx: InferContext): HostTensor[] | undefined {
    const { shape } = ctx.input(0);
    return isStatic(shape) ? [int64([], [sizeOf(shape)])] : undefined;
  },
});

export const SHAPE_OPS: readonly OpDef[] = [reshape, squeeze, unsqueeze, flatten, shape, size];
