// Operators on shapes and layout: what they move is the same in the graph, what they take became inputs over the opsets.
import type { Value } from "../../../graph/types.ts";
import { flag, float, int, ints, text } from "../attributes.ts";
import { inChannelsLast } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

const Reshape = operator({ shape: ints(), allowzero: flag(false) }, (node, { shape, allowzero }) => {
  const attributes = { allowZero: allowzero || undefined };
  if (shape) return node.emit("reshape", [node.input(0)], { ...attributes, shape });
  return node.emitWithParameters("reshape", node.input(0), ["shape"], attributes);
});

const Flatten = operator({ axis: int(1) }, (node, { axis }) => node.emit("flatten", [node.input(0)], { axis }));

/** The axes became an input in opset 13. */
const Squeeze = operator({ axes: ints() }, (node, { axes }) => {
  const x = node.input(0);
  if (axes) return node.emit("squeeze", [x], { axes });
  return node.emitWithParameters("squeeze", x, ["axes"]);
});

const Unsqueeze = operator({ axes: ints() }, (node, { axes }) => {
  const x = node.input(0);
  return axes ? node.emit("unsqueeze", [x], { axes }) : node.emitWithParameters("unsqueeze", x, ["axes"]);
});

const Transpose = operator({ perm: ints() }, (node, { perm }) => {
  const x = node.input(0);
  const rank = node.rank(x);
  return node.emit("transpose", [x], { perm: perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i) });
});

const Concat = operator({ axis: int(1) }, (node, { axis }) => {
  const inputs = node.allInputs();
  return inputs.length === 1 ? inputs[0]! : node.emit("concat", inputs, { axis });
});

/** Sizes are an attribute before opset 13 and an input since; equal parts have a number of outputs since 18. */
const Split = operator({ axis: int(0), split: ints(), num_outputs: int() }, (node, { axis, split }) => {
  const given = split ? null : node.optional(1);
  const sizes = split ?? (given ? node.elements(1) : equalParts(node, axis));
  return node.emitAll("split", [node.input(0), ...(given && !sizes ? [given] : [])], { axis, sizes });
});

/** Parts of the same size but the last, which has the rest; undefined where the operator's own rule does. */
function equalParts(node: NodeContext, axis: number): number[] | undefined {
  const { shape } = node.type(node.input(0));
  const size = shape.at(axis);
  if (size === undefined || Number.isNaN(size)) return undefined;
  const part = Math.ceil(size / node.outputCount);
  return Array.from({ length: node.outputCount }, (_, i) => Math.max(Math.min(part, size - i * part), 0));
}

const Slice = operator({ starts: ints(), ends: ints(), axes: ints() }, (node, { starts, ends, axes }) => {
  if (starts && ends) return node.emit("slice", [node.input(0)], { starts, ends, axes });
  return node.emitWithParameters("slice", node.input(0), ["starts", "ends", "axes", "steps"]);
});

const PADDING = { mode: text("constant"), pads: ints(), paddings: ints(), value: float(0) };

/** Pads are an attribute before opset 11; axes came with opset 18. Negative pads cut. */
const Pad = operator(PADDING, (node, { mode, pads, paddings, value }) => {
  const x = node.input(0);
  const attribute = pads ?? paddings;
  if (attribute) return padded(node, x, mode, attribute, value);
  const [around, axes] = [node.elements(1), node.elements(3)];
  const filler = node.optional(2) ? node.elements(2)?.[0] : 0;
  const isKnown = around && filler !== undefined && (axes || !node.optional(3));
  if (!isKnown) return node.emit("pad", [x, node.input(1), node.optional(2), node.optional(3)], { mode });
  return padded(node, x, mode, axes ? overAllAxes(around, axes, node.rank(x)) : around, filler);
});

function overAllAxes(pads: readonly number[], axes: readonly number[], rank: number): number[] {
  const all = new Array<number>(rank * 2).fill(0);
  for (const [i, axis] of axes.entries()) {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = pads[i]!;
    all[at + rank] = pads[i + axes.length]!;
  }
  return all;
}

function padded(node: NodeContext, x: Value, mode: string, pads: readonly number[], value: number): Value {
  const rank = node.rank(x);
  const cut = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => pads[axis]! < 0 || pads[axis + rank]! < 0);
  const starts = cut.map((axis) => Math.max(-pads[axis]!, 0));
  const ends = cut.map((axis) => (pads[axis + rank]! < 0 ? pads[axis + rank]! : Number.MAX_SAFE_INTEGER));
  const kept = cut.length > 0 ? node.emit("slice", [x], { starts, ends, axes: cut }) : x;
  const added = pads.map((pad) => Math.max(pad, 0));
  if (added.every((pad) => pad === 0)) return kept;
  return node.emit("pad", [kept], { mode, pads: added, value: mode === "constant" ? value : undefined });
}

const Expand = (node: NodeContext) => node.emitWithParameters("expand", node.input(0), ["shape"]);

/** Before opset 6 there were `tiles` along one `axis`. */
const Tile = (node: NodeContext) => {
  if (node.version >= 6) return node.emitWithParameters("tile", node.input(0), ["repeats"]);
  const axis = node.requireElements(2, "an axis")[0]!;
  const repeats = new Array<number>(node.rank(node.input(0))).fill(1).with(axis, node.requireElements(1, "a number of tiles")[0]!);
  return node.emit("tile", [node.input(0)], { repeats });
};

const Shape = operator({ start: int(0), end: int() }, (node, { start, end }) =>
  node.emit("shape", [node.input(0)], { start: start === 0 ? undefined : start, end }),
);

const Size = (node: NodeContext) => node.emit("size", [node.input(0)]);

/** Before opset 11 blocks come first (DCR). */
const DepthToSpace = operator({ blocksize: int(1), mode: text("DCR") }, (node, { blocksize, mode }) =>
  inChannelsLast(node, node.input(0), (x) => node.emit("depth_to_space", [x], { block: blocksize, mode: mode.toLowerCase() })),
);

const SpaceToDepth = operator({ blocksize: int(1) }, (node, { blocksize }) =>
  inChannelsLast(node, node.input(0), (x) => node.emit("space_to_depth", [x], { block: blocksize })),
);

/** Cuts the middle out of some axes, or puts zeros around it. */
const CenterCropPad = operator({ axes: ints() }, (node, { axes }) => {
  const x = node.input(0);
  const shape = node.staticShape(x);
  const wanted = node.requireElements(1, "a shape");
  const pads = new Array<number>(shape.length * 2).fill(0);
  for (const [i, axis] of (axes ?? shape.map((_, axis) => axis)).entries()) {
    const at = axis < 0 ? axis + shape.length : axis;
    const missing = wanted[i]! - shape[at]!;
    pads[at] = Math.trunc(missing / 2) + 0;
    pads[at + shape.length] = missing - pads[at];
  }
  return padded(node, x, "constant", pads, 0);
});

export const SHAPE: ImportTable = {
  CenterCropPad,
  Concat,
  DepthToSpace,
  Expand,
  Flatten,
  Pad,
  Reshape,
  Shape,
  Size,
  Slice,
  SpaceToDepth,
  Split,
  Squeeze,
  Tile,
  Transpose,
  Unsqueeze,
};
