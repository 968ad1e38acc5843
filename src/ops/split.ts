// Cuts a tensor along one axis.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { emitMove, inQuantOf, type Move, moveElements, moveOver, stridesOf } from "./moves.ts";
import { type AnyContext, axisOf, isPending, listParameter } from "./parameters.ts";

/** How many elements of the axis each output takes. Equal parts when not told; the last may be smaller. */
function partSizes(ctx: AnyContext, dim: number, parts: number): readonly number[] {
  if (isPending(ctx, "sizes", 1)) return new Array<number>(parts).fill(Number.NaN);
  const given = listParameter(ctx, "sizes", 1);
  if (given)
    return given.includes(-1) ? given.map((size) => (size < 0 ? dim + given.reduce((sum, s) => sum - Math.max(s, 0), 0) : size)) : given;
  const even = Math.ceil(dim / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(even, dim - i * even)));
}

/** The move that fills part `index`, which starts at `start` along the axis. */
function partMove(x: TensorType, part: readonly number[], axis: number, start: number): Move {
  const xStrides = stridesOf(x.shape);
  return moveOver(part, stridesOf(part), xStrides, 0, start * xStrides[axis]!);
}

/** The outputs with the position of each along the axis. */
function parts(ctx: LowerContext | HostContext): { axis: number; starts: number[] } {
  const x = ctx.inputs[0]!;
  const axis = axisOf(ctx.attributes.number("axis", 0), x.shape.length);
  const sizes = partSizes(ctx, x.shape[axis]!, ctx.outputs.length);
  return { axis, starts: sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0)) };
}

export const split = defineOp({
  name: "split",
  infer(ctx: InferContext): TensorType[] {
    const { dataType, shape } = ctx.input(0);
    const axis = axisOf(ctx.attributes.number("axis", 0), shape.length);
    const sizes = partSizes(ctx, shape[axis]!, ctx.outputCount);
    const sum = sizes.reduce((total, size) => total + size, 0);
    check(!(Math.abs(sum - shape[axis]!) > 0), "shape", () => `the parts [${sizes}] must fill the ${shape[axis]} elements of axis ${axis}`);
    return sizes.map((size) => ({ dataType, shape: shape.with(axis, size) }));
  },
  lower(ctx: LowerContext) {
    const x = ctx.input(0);
    const { axis, starts } = parts(ctx);
    for (const [i, y] of ctx.outputs.entries())
      if (y) emitMove(ctx, y.pointer, inQuantOf(ctx, x, y), ELEMENT_BYTES[x.dataType], partMove(x, y.shape, axis, starts[i]!));
  },
  host(ctx: HostContext) {
    const x = ctx.input(0);
    const { axis, starts } = parts(ctx);
    for (const [i, y] of ctx.outputs.entries()) moveElements(y.data, x.data, partMove(x, y.shape, axis, starts[i]!));
  },
  /** Parts along the outermost axis lie one after another in the input. */
  view({ input, outputs, attributes }) {
    const axis = axisOf(attributes.number("axis", 0), input.shape.length);
    if (sizeOf(input.shape.slice(0, axis)) !== 1) return undefined;
    let at = 0;
    return outputs.map(({ shape }) => {
      const offset = at;
      at += sizeOf(shape) * ELEMENT_BYTES[input.dataType];
      return offset;
    });
  },
});

export const SPLIT_OPS: readonly OpDef[] = [split];
