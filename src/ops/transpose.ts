// Axes in another order. One kernel call: the planner of strided copies finds the dense rows or the planes.
import { check } from "../errors.ts";
import type { OpDef } from "./define.ts";
import { defineMoveOp, moveOver, stridesOf } from "./moves.ts";
import { type AnyContext, axesOf } from "./parameters.ts";

/** The permutation; without one, the axes are reversed. */
function permutation(ctx: Pick<AnyContext, "attributes">, rank: number): readonly number[] {
  const reversed = Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const perm = axesOf(ctx.attributes.numbers("perm", reversed), rank);
  check(perm.length === rank, "shape", () => `perm [${perm}] must name ${rank} axes`);
  return perm;
}

export const transpose = defineMoveOp({
  name: "transpose",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    return [{ dataType, shape: permutation(ctx, shape.length).map((axis) => shape[axis]!) }];
  },
  moves(ctx, x, y, yStrides) {
    const xStrides = stridesOf(x.shape);
    const perm = permutation(ctx, x.shape.length);
    return [
      moveOver(
        y.shape,
        yStrides,
        perm.map((axis) => xStrides[axis]!),
      ),
    ];
  },
  /** Axes of one element may stand anywhere: the bytes stay as they are. */
  view({ input, attributes }) {
    const perm = permutation({ attributes }, input.shape.length).filter((axis) => input.shape[axis] !== 1);
    return perm.every((axis, i) => i === 0 || axis > perm[i - 1]!) ? [0] : undefined;
  },
});

export const TRANSPOSE_OPS: readonly OpDef[] = [transpose];
