// Operators on the two axes of space: pads, resizing, and blocks that move between space, channels and batch.
import { check } from "../../../errors.ts";
import type { Attributes, Value } from "../../../graph/types.ts";
import { elementsOf, like, type OperatorContext, type OperatorImports, shapeOf, unsupported, withOptions } from "../context.ts";
import { bool, byte, int } from "../flatbuffer.ts";

/** x, paddings[rank, 2], value? */
const pad = (mode: string) => (ctx: OperatorContext) => {
  const [x, paddings] = [ctx.input(0), ctx.input(1)];
  const pairs = elementsOf(paddings);
  const value = ctx.inputs[2] ?? null;
  const constant = realElement(value);
  const attributes: Attributes = {
    mode,
    ...(constant !== undefined && { value: constant }),
    ...(pairs && { pads: beginsThenEnds(pairs) }),
  };
  const inputs = [x, pairs ? null : flatPads(ctx, paddings), constant === undefined ? value : null];
  while (inputs.at(-1) === null) inputs.pop();
  ctx.emit("pad", inputs, attributes);
};

const MIRROR_PAD = withOptions(77, { mode: byte(0) }, (ctx, { mode }) => pad(mode === 0 ? "reflect" : "symmetric")(ctx));

/** The real number that a constant scalar stands for. */
function realElement(value: Value | null): number | undefined {
  const stored = elementsOf(value)?.[0];
  if (stored === undefined || !value?.quant) return stored;
  return (stored - value.quant.zeroPoint[0]!) * value.quant.scale[0]!;
}

function beginsThenEnds(pairs: readonly number[]): number[] {
  check(pairs.length % 2 === 0, "shape", () => `${pairs.length} pads, expected two an axis`);
  return [...pairs.filter((_, i) => i % 2 === 0), ...pairs.filter((_, i) => i % 2 === 1)];
}

/** Pads that a run computes, in the graph's order. */
function flatPads(ctx: OperatorContext, paddings: Value): Value {
  const [rank = Number.NaN] = shapeOf(paddings);
  const turned = ctx.make("transpose", [paddings], { perm: [1, 0] }, like(paddings, [2, rank]));
  return ctx.make("reshape", [turned], { shape: [-1] }, like(paddings, [2 * rank]));
}

/** x[N,H,W,C], sizes[2] */
const resize = (
  kind: number,
  fields: { alignCorners: number; halfPixels: number },
  attributesFor: (coordinates: Coordinates) => Attributes,
) =>
  withOptions(
    kind,
    { alignCorners: bool(fields.alignCorners), halfPixels: bool(fields.halfPixels) },
    (ctx, { alignCorners, halfPixels }) => {
      const sizes = elementsOf(ctx.input(1));
      const attributes = attributesFor(alignCorners ? "align_corners" : halfPixels ? "half_pixel" : "asymmetric");
      const inputs = sizes ? [ctx.input(0)] : [ctx.input(0), null, null, ctx.input(1)];
      const rounded = ctx.input(0).quant && attributes.mode === "linear" ? { rounding: "half_up" } : {};
      ctx.emit("resize", inputs, { ...attributes, ...rounded, axes: [1, 2], ...(sizes && { sizes }) });
    },
  );

type Coordinates = "align_corners" | "half_pixel" | "asymmetric";

const RESIZE_BILINEAR = resize(15, { alignCorners: 2, halfPixels: 3 }, (coordinates) => ({ mode: "linear", coordinates }));

const RESIZE_NEAREST_NEIGHBOR = resize(74, { alignCorners: 0, halfPixels: 1 }, (coordinates) => ({
  mode: "nearest",
  coordinates: coordinates === "half_pixel" ? "tf_half_pixel_for_nn" : coordinates,
  nearest: coordinates === "align_corners" ? "round_prefer_ceil" : "floor",
}));

const DEPTH_TO_SPACE = withOptions(94, { block: int(0) }, (ctx, { block }) =>
  ctx.emit("depth_to_space", [ctx.input(0)], { block, mode: "dcr" }),
);

const SPACE_TO_DEPTH = withOptions(19, { block: int(0) }, (ctx, { block }) => ctx.emit("space_to_depth", [ctx.input(0)], { block }));

/** The shape of a reshape, in which a run may decide one dimension. Throws `unsupported`. */
function openShape(dims: readonly number[]): number[] {
  if (dims.filter(Number.isNaN).length > 1) unsupported("only one dimension may be left open");
  return dims.map((dim) => (Number.isNaN(dim) ? -1 : dim));
}

/** Reshapes a value; dimensions that the file leaves open are NaN. */
const reshaped = (ctx: OperatorContext, x: Value, dims: readonly number[]): Value =>
  ctx.make("reshape", [x], { shape: openShape(dims) }, like(x, dims));

/** Block sizes, pads or crops of the two operators below. Throws `unsupported`, `shape`. */
function blocksOf(ctx: OperatorContext) {
  const x = ctx.input(0);
  const [blocks, pairs] = [ctx.known(1, "the block's shape"), ctx.known(2, "pads and crops")];
  const rank = shapeOf(x).length;
  check(
    rank > blocks.length && pairs.length === 2 * blocks.length,
    "shape",
    () => `blocks [${blocks}] with ${pairs.length} pads on ${rank} axes`,
  );
  check(blocks.every((block) => block >= 1) && pairs.every((size) => size >= 0), "shape", () => `blocks [${blocks}] with pads [${pairs}]`);
  const [batch, ...rest] = shapeOf(x) as [number, ...number[]];
  return {
    x,
    blocks,
    pairs,
    batch,
    space: rest.slice(0, blocks.length),
    depth: rest.slice(blocks.length),
    cells: blocks.reduce((a, b) => a * b, 1),
  };
}

/** x, block[M], pads[M,2]: every block's cells become images of their own */
const SPACE_TO_BATCH_ND = (ctx: OperatorContext) => {
  const { x, blocks, pairs, batch, space, depth, cells } = blocksOf(ctx);
  const padded = space.map((size, i) => size + pairs[2 * i]! + pairs[2 * i + 1]!);
  check(
    padded.every((size, i) => !(size % blocks[i]!)),
    "shape",
    () => `space [${padded}] is no multiple of the block [${blocks}]`,
  );
  const none = depth.map(() => 0);
  const pads = beginsThenEnds([0, 0, ...pairs, ...none, ...none]);
  const wide = ctx.make("pad", [x], { mode: "constant", pads }, like(x, [batch, ...padded, ...depth]));
  const split = reshaped(ctx, wide, [batch, ...padded.flatMap((size, i) => [size / blocks[i]!, blocks[i]!]), ...depth]);
  const perm = [
    ...blocks.map((_, i) => 2 * i + 2),
    0,
    ...blocks.map((_, i) => 2 * i + 1),
    ...depth.map((_, i) => 2 * blocks.length + 1 + i),
  ];
  const turned = ctx.make(
    "transpose",
    [split],
    { perm },
    like(
      x,
      perm.map((axis) => shapeOf(split)[axis]!),
    ),
  );
  ctx.emit("reshape", [turned], { shape: openShape([batch * cells, ...padded.map((size, i) => size / blocks[i]!), ...depth]) });
};

/** x, block[M], crops[M,2]: the reverse */
const BATCH_TO_SPACE_ND = (ctx: OperatorContext) => {
  const { x, blocks, pairs, batch, space, depth, cells } = blocksOf(ctx);
  check(!(batch % cells), "shape", () => `${batch} images are no multiple of the ${cells} cells of a block`);
  const split = reshaped(ctx, x, [...blocks, batch / cells, ...space, ...depth]);
  const [first, count] = [blocks.length + 1, blocks.length];
  const perm = [count, ...blocks.flatMap((_, i) => [first + i, i]), ...depth.map((_, i) => first + count + i)];
  const turned = ctx.make(
    "transpose",
    [split],
    { perm },
    like(
      x,
      perm.map((axis) => shapeOf(split)[axis]!),
    ),
  );
  const full = space.map((size, i) => size * blocks[i]!);
  const shape = openShape([batch / cells, ...full, ...depth]);
  if (pairs.every((crop) => crop === 0)) return ctx.emit("reshape", [turned], { shape });
  const uncropped = ctx.make("reshape", [turned], { shape }, like(x, [batch / cells, ...full, ...depth]));
  const starts = blocks.map((_, i) => pairs[2 * i]!);
  const ends = blocks.map((_, i) => full[i]! - pairs[2 * i + 1]!);
  if (ends.some(Number.isNaN)) unsupported("crops need dimensions that the file knows");
  ctx.emit("slice", [uncropped], { starts, ends, axes: blocks.map((_, i) => i + 1) });
};

export const spaces: OperatorImports = {
  PAD: pad("constant"),
  PADV2: pad("constant"),
  MIRROR_PAD,
  RESIZE_BILINEAR,
  RESIZE_NEAREST_NEIGHBOR,
  DEPTH_TO_SPACE,
  SPACE_TO_DEPTH,
  SPACE_TO_BATCH_ND,
  BATCH_TO_SPACE_ND,
};
