// Repetition: of the whole tensor (tile), or of dimensions of one element (expand).
import { check } from "../errors.ts";
import type { OpDef } from "./define.ts";
import { defineMoveOp, stridesOf } from "./moves.ts";
import { listParameter } from "./parameters.ts";
import { pendingShape } from "./shape.ts";

export const tile = defineMoveOp({
  name: "tile",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    const repeats = listParameter(ctx, "repeats", 1);
    check(!repeats || repeats.length === shape.length, "shape", () => `repeats [${repeats}] must have ${shape.length} numbers`);
    return [{ dataType, shape: shape.map((dim, i) => dim * (repeats?.[i] ?? Number.NaN)) }];
  },
  moves(_ctx, x, y, yStrides) {
    const xStrides = stridesOf(x.shape);
    const axes = x.shape.flatMap((size, i) => [
      { size: size === 0 ? 0 : y.shape[i]! / size, yStride: size * yStrides[i]!, xStride: 0 },
      { size, yStride: yStrides[i]!, xStride: xStrides[i]! },
    ]);
    return [{ axes, y: 0, x: 0 }];
  },
});

/** The shape that two shapes broadcast to. Throws `shape`. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [left, right] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    check(
      left === right || left === 1 || right === 1 || Number.isNaN(left + right),
      "shape",
      () => `shapes [${a}] and [${b}] do not broadcast`,
    );
    return left === 1 ? right : right === 1 || Number.isNaN(right) ? left : right;
  });
}

/** Strides of a tensor as seen from a shape that it broadcasts to: 0 where it repeats. */
export function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(shape);
  return to.map((_, i) => {
    const axis = i - to.length + shape.length;
    return axis < 0 || shape[axis] === 1 ? 0 : strides[axis]!;
  });
}

export const expand = defineMoveOp({
  name: "expand",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    return [{ dataType, shape: broadcastShape(shape, listParameter(ctx, "shape", 1) ?? pendingShape(ctx, 1)) }];
  },
  moves(_ctx, x, y, yStrides) {
    const xStrides = broadcastStrides(x.shape, y.shape);
    return [{ axes: y.shape.map((size, i) => ({ size, yStride: yStrides[i]!, xStride: xStrides[i]! })), y: 0, x: 0 }];
  },
  view: ({ input, outputs }) => (String(input.shape) === String(outputs[0]!.shape) ? [0] : undefined),
});

export const TILE_OPS: readonly OpDef[] = [tile, expand];
