// Tensors one after another along one axis. Inputs that the planner has placed inside the output cost nothing.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Operand, offsetBy } from "./define.ts";
import { emitCopy, emitMove, inQuantOf, type Move, moveElements, moveOver, stridesOf } from "./moves.ts";
import { axisOf } from "./parameters.ts";

/** Moves of the inputs, each to its place along the axis. */
function placedMoves(inputs: readonly TensorType[], axis: number, yStrides: readonly number[]): Move[] {
  let at = 0;
  return inputs.map(({ shape }) => {
    const move = moveOver(shape, yStrides, stridesOf(shape), at * yStrides[axis]!);
    at += shape[axis]!;
    return move;
  });
}

const present = <T>(inputs: readonly (T | undefined)[]): T[] => inputs.filter((input) => input !== undefined);

function liesAt(x: Operand, y: Operand, bytes: number): boolean {
  const [source, target] = [x.pointer, offsetBy(y.pointer, bytes)];
  return source.buffer === target.buffer && source.offset === target.offset;
}

export const concat = defineOp({
  name: "concat",
  stridedOutput: true,
  infer(ctx: InferContext): TensorType[] {
    const first = ctx.input(0);
    const inputs = present(ctx.inputs);
    const axis = axisOf(ctx.attributes.number("axis"), first.shape.length);
    for (const { dataType, shape } of inputs) {
      const fits = dataType === first.dataType && shape.length === first.shape.length;
      const rest = fits && shape.every((dim, i) => i === axis || !(Math.abs(dim - first.shape[i]!) > 0));
      check(rest, "shape", () => `inputs must have one data type and differ along axis ${axis} only`);
    }
    const shape = first.shape.map((dim, i) => inputs.reduce((known, other) => (Number.isNaN(known) ? other.shape[i]! : known), dim));
    return [
      {
        dataType: first.dataType,
        shape: shape.with(
          axis,
          inputs.reduce((sum, x) => sum + x.shape[axis]!, 0),
        ),
      },
    ];
  },
  lower(ctx: LowerContext) {
    const y = ctx.output(0);
    const inputs = present(ctx.inputs);
    const axis = axisOf(ctx.attributes.number("axis"), y.shape.length);
    const bytes = ELEMENT_BYTES[y.dataType];
    const yStrides = stridesOf(y.shape, y.rowStride);
    const moves = placedMoves(inputs, axis, yStrides);
    // Below the axis the output is dense unless the planner spreads its rows; then each input is rows of one length.
    const dense = axis === y.shape.length - 1 || y.rowStride === y.shape.at(-1);
    for (const [i, x] of inputs.entries()) {
      const move = moves[i]!;
      if (x.size === 0 || liesAt(x, y, move.y * bytes)) continue;
      const rows = sizeOf(x.shape.slice(0, axis));
      if (dense) emitCopy(ctx, offsetBy(y.pointer, move.y * bytes), x, y, rows, (yStrides[axis - 1] ?? 0) * bytes);
      else emitMove(ctx, y.pointer, inQuantOf(ctx, x, y), bytes, move);
    }
  },
  host(ctx: HostContext) {
    const y = ctx.outputs[0]!;
    const inputs = present(ctx.inputs);
    const moves = placedMoves(inputs, axisOf(ctx.attributes.number("axis"), y.shape.length), stridesOf(y.shape));
    for (const [i, x] of inputs.entries()) moveElements(y.data, x.data, moves[i]!);
  },
});

export const CONCAT_OPS: readonly OpDef[] = [concat];
