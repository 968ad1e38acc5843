// Convolutions: images go NHWC and weights OHWI, one spatial axis is an image of one row, three are a sum over depth.
import type { Value } from "../../../graph/types.ts";
import { int, ints } from "../attributes.ts";
import { asImage, forImage } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { ohwiWeights, transposeWeights, unlessOne, WINDOW, windowAttributes } from "../window.ts";
import { convolveVolume, transposeVolume } from "./volume.ts";

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

const TRANSPOSE = { ...WINDOW, group: int(1), output_padding: ints(), output_shape: ints() };

const ConvTranspose = operator(TRANSPOSE, (node, { group, kernel_shape, ...attributes }) => {
  const [x, weights, bias] = [node.input(0), node.input(1), node.optional(2)];
  const spatial = node.rank(x) - 2;
  const ones = new Array<number>(spatial).fill(1);
  const strides = attributes.strides ?? ones;
  const dilations = attributes.dilations ?? ones;
  const extents = (kernel_shape ?? node.staticShape(weights).slice(2)).map((size, i) => (size - 1) * dilations[i]! + 1);
  const { pads, outputPadding } = cropping(node, x, extents, strides, attributes);
  if (spatial === 3) return transposeVolume(node, x, weights, bias, { strides, dilations, pads, outputPadding, groups: group });
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
