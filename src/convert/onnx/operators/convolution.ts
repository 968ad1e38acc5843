// Convolutions: images go NHWC and weights OHWI, one spatial axis is an image of one row, three are a sum over depth.
import type { Attributes, Value } from "../../../graph/types.ts";
import { int, ints, text } from "../attributes.ts";
import { asImage, forImage, reshaped, transposed } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { convolveVolume } from "./volume.ts";

/** What windows over an image have in common. */
export const WINDOW = {
  kernel_shape: ints(),
  strides: ints(),
  dilations: ints(),
  pads: ints(),
  auto_pad: text("NOTSET"),
};

export interface Window {
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly auto_pad: string;
}

const AUTO_PADS: { readonly [name: string]: string | undefined } = { SAME_UPPER: "same_upper", SAME_LOWER: "same_lower", VALID: "valid" };

/** Defaults are left out: they are many, and files are to be small. */
const unlessOnes = (list: readonly number[]) => (list.every((value) => value === 1) ? undefined : list);
const unlessOne = (groups: number) => (groups === 1 ? undefined : groups);

/** The attributes of a window over an image. Throws `unsupported` for negative padding. */
export function windowAttributes(node: NodeContext, { strides, dilations, pads, auto_pad }: Window, spatial: number): Attributes {
  const ones = new Array<number>(spatial).fill(1);
  const attributes = { strides: unlessOnes(forImage(strides ?? ones, 1)), dilations: unlessOnes(forImage(dilations ?? ones, 1)) };
  if (auto_pad !== "NOTSET" && auto_pad !== "") {
    const autoPad = AUTO_PADS[auto_pad];
    if (!autoPad) throw node.unsupported(`auto_pad "${auto_pad}"`);
    return { ...attributes, autoPad };
  }
  const around = pads ?? new Array<number>(spatial * 2).fill(0);
  if (around.some((pad) => pad < 0)) throw node.unsupported(`negative pads [${around}]`);
  if (around.every((pad) => pad === 0)) return attributes;
  return { ...attributes, padding: around.length === 2 ? [0, around[0]!, 0, around[1]!] : around };
}

/** Weights O, I, H, W (or O, I, W) as O, H, W, I. */
export function ohwiWeights(node: NodeContext, weights: Value): Value {
  if (node.rank(weights) === 4) return transposed(node, weights, [0, 2, 3, 1]);
  const flat = transposed(node, weights, [0, 2, 1]);
  const [o, w, i] = node.staticShape(flat) as [number, number, number];
  return reshaped(node, flat, [o, 1, w, i]);
}

const Conv = operator({ ...WINDOW, group: int(1) }, (node, { group, ...window }) => {
  const [x, weights, bias] = [node.input(0), node.input(1), node.optional(2)];
  if (node.rank(x) === 5) return convolveVolume(node, x, weights, bias, window, group);
  const attributes = { ...windowAttributes(node, window, node.rank(x) - 2), groups: unlessOne(group) };
  return asImage(node, x, (image) => node.emit("conv2d", [image, ohwiWeights(node, weights), bias], attributes));
});

const ConvInteger = operator({ ...WINDOW, group: int(1) }, (node, { group, ...window }) => {
  const [x, weights] = [node.input(0), node.input(1)];
  const attributes = { ...windowAttributes(node, window, node.rank(x) - 2), groups: unlessOne(group) };
  return asImage(node, x, (image) =>
    node.emit("conv_integer", [image, ohwiWeights(node, weights), node.optional(2), node.optional(3)], attributes),
  );
});

/** Weights C, O / groups, H, W as O, H, W, C / groups. */
function transposeWeights(node: NodeContext, weights: Value, groups: number): Value {
  const [c, o, ...window] = node.staticShape(weights) as [number, number, ...number[]];
  const [h, w] = window.length === 1 ? [1, window[0]!] : (window as [number, number]);
  if (groups === 1) {
    const image = window.length === 1 ? reshaped(node, weights, [c, o, h, w]) : weights;
    return transposed(node, image, [1, 2, 3, 0]);
  }
  const grouped = transposed(node, reshaped(node, weights, [groups, c / groups, o, h, w]), [0, 2, 3, 4, 1]);
  return reshaped(node, grouped, [groups * o, h, w, c / groups]);
}

const TRANSPOSE = { ...WINDOW, group: int(1), output_padding: ints(), output_shape: ints() };

const ConvTranspose = operator(TRANSPOSE, (node, { group, kernel_shape, ...attributes }) => {
  const [x, weights, bias] = [node.input(0), node.input(1), node.optional(2)];
  const spatial = node.rank(x) - 2;
  const ones = new Array<number>(spatial).fill(1);
  const strides = attributes.strides ?? ones;
  const dilations = attributes.dilations ?? ones;
  const extents = (kernel_shape ?? node.staticShape(weights).slice(2)).map((size, i) => (size - 1) * dilations[i]! + 1);
  const { pads, outputPadding } = cropping(node, x, extents, strides, attributes);
  const settings = {
    ...windowAttributes(node, { strides, dilations, pads, auto_pad: "NOTSET" }, spatial),
    outputPadding: outputPadding.some((value) => value > 0) ? forImage(outputPadding, 0) : undefined,
    groups: unlessOne(group),
  };
  return asImage(node, x, (image) => node.emit("conv_transpose2d", [image, transposeWeights(node, weights, group), bias], settings));
});

interface Cropping {
  readonly pads: readonly number[];
  readonly outputPadding: readonly number[];
}

/** What is cropped from the full result: as told, or so that the result has the size told or `stride` times the input's. */
function cropping(
  node: NodeContext,
  x: Value,
  extents: readonly number[],
  strides: readonly number[],
  given: {
    pads?: readonly number[] | undefined;
    output_padding: readonly number[] | undefined;
    output_shape: readonly number[] | undefined;
    auto_pad: string;
  },
): Cropping {
  const outputPadding = given.output_padding ?? extents.map(() => 0);
  const isSame = given.auto_pad.startsWith("SAME");
  if (!given.output_shape && !isSame) return { pads: given.pads ?? extents.flatMap(() => [0, 0]), outputPadding };
  const sizes = isSame && !given.output_shape ? undefined : node.staticShape(x).slice(2);
  // With auto_pad the input's size falls out: stride · (size − 1) + extent − stride · size.
  const excess = extents.map((extent, i) => {
    const full = sizes ? strides[i]! * (sizes[i]! - 1) + extent - given.output_shape!.slice(-extents.length)[i]! : extent - strides[i]!;
    return full + outputPadding[i]!;
  });
  const total = excess.map((value) => Math.max(value, 0));
  const begin = total.map((value) => (given.auto_pad === "SAME_UPPER" ? Math.floor(value / 2) : Math.ceil(value / 2)));
  return {
    pads: [...begin, ...total.map((value, i) => value - begin[i]!)],
    outputPadding: outputPadding.map((value, i) => value + Math.max(-excess[i]!, 0)),
  };
}

export const CONVOLUTION: ImportTable = { Conv, ConvInteger, ConvTranspose };
