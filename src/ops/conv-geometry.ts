// Sizes of a convolution from its operands' shapes and its attributes, in the words that kernels use.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import type { AttributeReader } from "./define.ts";

/** A convolution over a batch of images. Channels count all groups. */
export interface Convolution {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Multiplications and additions. */
export const flopsOf = (c: Convolution): number =>
  (2 * c.batch * c.outHeight * c.outWidth * c.outChannels * c.kernelHeight * c.kernelWidth * c.inChannels) / c.groups;

/** All sizes in a line: the same text for the same convolutions. */
export const shapeText = (c: Convolution): string =>
  [
    `${c.batch}x${c.inHeight}x${c.inWidth}x${c.inChannels}>${c.outHeight}x${c.outWidth}x${c.outChannels}`,
    `${c.kernelHeight}x${c.kernelWidth}/${c.strideHeight}x${c.strideWidth}*${c.dilationHeight}x${c.dilationWidth}`,
    `+${c.padTop}x${c.padLeft} g${c.groups}`,
  ].join(" ");

/** One filter for each of several channels. */
export const isDepthwise = (c: Convolution): boolean => c.groups > 1 && c.groups === c.inChannels && c.groups === c.outChannels;

/** Every output pixel is made of one input pixel, in the same order: a product of matrices. */
export const isPointwise = (c: Convolution): boolean =>
  c.groups === 1 &&
  c.kernelHeight * c.kernelWidth === 1 &&
  c.strideHeight * c.strideWidth === 1 &&
  c.padTop === 0 &&
  c.padLeft === 0 &&
  c.outHeight === c.inHeight &&
  c.outWidth === c.inWidth;

/** A pair of positive whole numbers, for height and width. */
function pairOf(attributes: AttributeReader, name: string): readonly [number, number] {
  const pair = attributes.numbers(name, [1, 1]);
  check(
    pair.length === 2 && pair.every((n) => Number.isInteger(n) && n > 0),
    "shape",
    () => `${name} must be two positive whole numbers, found [${pair}]`,
  );
  return pair as unknown as readonly [number, number];
}

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

/** Output size and padding before the first element, with the padding around given or following from a scheme. */
function windowAxis({ size, kernel, stride, dilation }: Axis, around: readonly [number, number] | string): { out: number; before: number } {
  const extent = dilation * (kernel - 1) + 1;
  if (typeof around !== "string") return { out: Math.floor((size + around[0] + around[1] - extent) / stride) + 1, before: around[0] };
  if (around === "valid") return { out: Math.floor((size - extent) / stride) + 1, before: 0 };
  const out = Math.ceil(size / stride);
  const total = Math.max((out - 1) * stride + extent - size, 0);
  return { out, before: around === "same_lower" ? Math.ceil(total / 2) : Math.floor(total / 2) };
}

/** Padding of one axis: a scheme's name, or what is before and after. */
export function paddingOf(attributes: AttributeReader, axis: 0 | 1): readonly [number, number] | string {
  if (attributes.has("autoPad")) {
    const scheme = attributes.string("autoPad");
    check(
      ["same_upper", "same_lower", "valid"].includes(scheme),
      "shape",
      () => `autoPad "${scheme}" is not one of same_upper, same_lower, valid`,
    );
    return scheme;
  }
  const padding = attributes.numbers("padding", [0, 0, 0, 0]);
  check(padding.length === 4 && padding.every(Number.isInteger), "shape", () => `padding must be four whole numbers, found [${padding}]`);
  return [padding[axis]!, padding[axis + 2]!];
}

/** What both kinds of convolution take from their operands: checked, with the output's size still open. */
export function operandsOf(attributes: AttributeReader, x: TensorType, weight: TensorType) {
  check(x.shape.length === 4, "shape", () => `the input must have 4 axes (N, H, W, C), found ${x.shape.length}`);
  check(weight.shape.length === 4, "shape", () => `the weights must have 4 axes (O, KH, KW, C / groups), found ${weight.shape.length}`);
  const [batch, inHeight, inWidth, inChannels] = x.shape as [number, number, number, number];
  const [outChannels, kernelHeight, kernelWidth, groupChannels] = weight.shape as [number, number, number, number];
  const groups = attributes.number("groups", 1);
  check(
    Number.isNaN(inChannels) || inChannels === groupChannels * groups,
    "shape",
    () => `input channels ${inChannels} must equal weight channels ${groupChannels} × groups ${groups}`,
  );
  check(outChannels % groups === 0, "shape", () => `output channels ${outChannels} must be a multiple of groups ${groups}`);
  const [strideHeight, strideWidth] = pairOf(attributes, "strides");
  const [dilationHeight, dilationWidth] = pairOf(attributes, "dilations");
  return {
    ...{ batch, inHeight, inWidth, inChannels, outChannels, groups },
    ...{ kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth },
  };
}

/** The convolution that conv2d's attributes and operands say. Throws `shape`. */
export function convolutionOf(attributes: AttributeReader, x: TensorType, weight: TensorType): Convolution {
  const operands = operandsOf(attributes, x, weight);
  const { inHeight, inWidth, kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = operands;
  const down = windowAxis(
    { size: inHeight, kernel: kernelHeight, stride: strideHeight, dilation: dilationHeight },
    paddingOf(attributes, 0),
  );
  const across = windowAxis({ size: inWidth, kernel: kernelWidth, stride: strideWidth, dilation: dilationWidth }, paddingOf(attributes, 1));
  check(!(down.out <= 0 || across.out <= 0), "shape", () => `the kernel ${kernelHeight}×${kernelWidth} is larger than the padded input`);
  return { ...operands, outHeight: down.out, outWidth: across.out, padTop: down.before, padLeft: across.before };
}

/** The words of `ConvShape` in assembly/lib/f32-windows.ts. */
export function convShapeWords(
  c: Convolution,
  strides: { ldy: number; ldr?: number; bandRows?: number; yRow?: number; yImage?: number },
): Int32Array {
  const { ldy, ldr = c.outChannels, bandRows = 1, yRow = 0, yImage = 0 } = strides;
  return Int32Array.of(
    ...[c.inHeight, c.inWidth, c.inChannels, c.outHeight, c.outWidth, c.outChannels / c.groups, c.groups, c.inChannels / c.groups],
    ...[c.kernelHeight, c.kernelWidth, c.strideHeight, c.strideWidth, c.dilationHeight, c.dilationWidth, c.padTop, c.padLeft],
    ...[ldy, ldr, bandRows, yRow, yImage],
  );
}
