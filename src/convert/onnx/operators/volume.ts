// Three spatial axes by way of two: a window over depth is a sum, or a maximum, of images at several depths.
import { LanewiseError } from "../../../errors.ts";
import type { Attributes, Value } from "../../../graph/types.ts";
import { channelsFirst, channelsLast, transposed } from "../layout.ts";
import type { NodeContext } from "../node-context.ts";
import { transposeWeights, type Window } from "../window.ts";

/** A window over depth, and what is left of it for the image. */
interface VolumeWindow {
  readonly depths: number;
  readonly extent: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
  readonly image: Attributes;
}

function splitWindow(node: NodeContext, depths: number, { strides, dilations, pads, auto_pad }: Window): VolumeWindow {
  if (auto_pad !== "NOTSET" && auto_pad !== "VALID" && auto_pad !== "") throw node.unsupported(`auto_pad "${auto_pad}" over three axes`);
  const [stride, ...imageStrides] = strides ?? [1, 1, 1];
  const [dilation, ...imageDilations] = dilations ?? [1, 1, 1];
  const [begin, top, left, end, bottom, right] = pads ?? [0, 0, 0, 0, 0, 0];
  return {
    depths,
    extent: (depths - 1) * dilation! + 1,
    stride: stride!,
    dilation: dilation!,
    begin: begin!,
    end: end!,
    image: { strides: imageStrides, dilations: imageDilations, padding: [top!, left!, bottom!, right!] },
  };
}

/**
 * Applies `build` to the images at each depth of the window, as N · D, H, W, C, and joins the results by `join`.
 * `x` is N, D, H, W, C, padded over depth already.
 */
function overDepths(
  node: NodeContext,
  x: Value,
  window: VolumeWindow,
  outDepth: number,
  build: (image: Value, depth: number) => Value,
  join: string,
): Value {
  const { shape } = node.type(x);
  const [n, , h, w, c] = shape as [number, number, number, number, number];
  let joined: Value | undefined;
  for (let depth = 0; depth < window.depths; depth++) {
    const start = depth * window.dilation;
    const slices = node.emit("slice", [x], {
      starts: [start],
      ends: [start + (outDepth - 1) * window.stride + 1],
      axes: [1],
      steps: [window.stride],
    });
    const result = build(node.emit("reshape", [slices], { shape: [n * outDepth, h, w, c] }), depth);
    joined = joined ? node.emit(join, [joined, result]) : result;
  }
  const [oh, ow, oc] = node.type(joined!).shape.slice(1);
  return node.emit("reshape", [joined!], { shape: [n, outDepth, oh!, ow!, oc!] });
}

function paddedDepth(node: NodeContext, x: Value, { begin, end }: VolumeWindow, value: number): Value {
  if (begin === 0 && end === 0) return x;
  return node.emit("pad", [x], { mode: "constant", pads: [0, begin, 0, 0, 0, 0, end, 0, 0, 0], value });
}

/** Windows along depth; with `ceil` a last one that is not whole counts when it begins before the padding at the end. */
function outputDepth(size: number, { begin, end, extent, stride }: VolumeWindow, ceil = false): number {
  const steps = (size + begin + end - extent) / stride;
  if (!(steps >= 0)) throw new LanewiseError("shape", `a window of ${extent} over a depth of ${size}, padded by ${begin} and ${end}`);
  const last = Math.ceil(steps);
  return (ceil && last * stride < size + begin ? last : Math.floor(steps)) + 1;
}

/** A convolution over N, C, D, H, W. Throws `unsupported` where the shape of `x` is not known before a run. */
export function convolveVolume(node: NodeContext, x: Value, weights: Value, bias: Value | null, window: Window, groups: number): Value {
  const depth = node.staticShape(x)[2]!;
  const split = splitWindow(node, node.staticShape(weights)[2]!, window);
  const volume = paddedDepth(node, channelsLast(node, x), split, 0);
  const ordered = transposed(node, weights, [2, 0, 3, 4, 1]);
  const at = (index: number) => {
    const slice = node.emit("slice", [ordered], { starts: [index], ends: [index + 1], axes: [0] });
    return node.emit("squeeze", [slice], { axes: [0] });
  };
  const convolve = (image: Value, index: number) =>
    node.emit("conv2d", [image, at(index), index === 0 ? bias : null], { ...split.image, groups });
  return channelsFirst(node, overDepths(node, volume, split, outputDepth(depth, split), convolve, "add"));
}

/** What a transposed convolution has over depth, height and width. */
interface TransposedWindow {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
}

/**
 * A transposed convolution over N, C, D, H, W: for each depth of the window the images are convolved, spread `stride`
 * apart over depth and moved to their place; all are added, and depth is cropped like height and width.
 */
export function transposeVolume(node: NodeContext, x: Value, weights: Value, bias: Value | null, window: TransposedWindow): Value {
  const [n, , d, h, w] = node.staticShape(x) as [number, number, number, number, number];
  const [stride, dilation] = [window.strides[0]!, window.dilations[0]!];
  const depths = node.staticShape(weights)[2]!;
  const full = (d - 1) * stride + (depths - 1) * dilation + 1 + window.outputPadding[0]!;
  const attributes = {
    strides: window.strides.slice(1),
    dilations: window.dilations.slice(1),
    padding: [window.pads[1]!, window.pads[2]!, window.pads[4]!, window.pads[5]!],
    outputPadding: window.outputPadding.slice(1),
    groups: window.groups,
  };
  const volume = channelsLast(node, x);
  const images = node.emit("reshape", [volume], { shape: [n * d, h, w, node.type(volume).shape[4]!] });
  const ordered = transposed(node, weights, [2, 0, 1, 3, 4]);
  let sum: Value | undefined;
  for (let depth = 0; depth < depths; depth++) {
    const slice = node.emit("squeeze", [node.emit("slice", [ordered], { starts: [depth], ends: [depth + 1], axes: [0] })], { axes: [0] });
    const result = node.emit("conv_transpose2d", [images, transposeWeights(node, slice, window.groups)], attributes);
    const placed = spreadOverDepth(node, result, { n, d, stride, begin: depth * dilation, full });
    sum = sum ? node.emit("add", [sum, placed]) : placed;
  }
  const cropped = node.emit("slice", [sum!], { starts: [window.pads[0]!], ends: [full - window.pads[3]!], axes: [1] });
  return channelsFirst(node, bias ? node.emit("add", [cropped, bias]) : cropped);
}

interface Spread {
  readonly n: number;
  readonly d: number;
  readonly stride: number;
  readonly begin: number;
  readonly full: number;
}

/** Images N · D as N, full, H, W, C: each at `begin` + `stride` times its depth, zeros between. */
function spreadOverDepth(node: NodeContext, images: Value, { n, d, stride, begin, full }: Spread): Value {
  const [, h, w, c] = node.staticShape(images) as [number, number, number, number];
  const apart = node.emit("reshape", [images], { shape: [n, d, 1, h, w, c] });
  const gaps = node.emit("pad", [apart], { mode: "constant", pads: [0, 0, 0, 0, 0, 0, 0, 0, stride - 1, 0, 0, 0], value: 0 });
  const joined = node.emit("reshape", [gaps], { shape: [n, d * stride, h, w, c] });
  const tight = node.emit("slice", [joined], { starts: [0], ends: [(d - 1) * stride + 1], axes: [1] });
  const after = full - begin - (d - 1) * stride - 1;
  return node.emit("pad", [tight], { mode: "constant", pads: [0, begin, 0, 0, 0, 0, after, 0, 0, 0], value: 0 });
}

/** Maximum or average pooling over N, C, D, H, W. */
export function poolVolume(node: NodeContext, x: Value, op: string, kernel: readonly number[], window: Window, options: Attributes): Value {
  const shape = node.staticShape(x);
  const split = splitWindow(node, kernel[0]!, window);
  const isMax = op === "max_pool2d";
  const depth = outputDepth(shape[2]!, split, options.ceilMode === true);
  const end = Math.max((depth - 1) * split.stride + split.extent - split.begin - shape[2]!, split.end);
  const volume = paddedDepth(node, channelsLast(node, x), { ...split, end }, isMax ? -3.4028234663852886e38 : 0);
  const attributes = { ...split.image, ...options, kernel: kernel.slice(1) };
  const joined = overDepths(node, volume, split, depth, (image) => node.emit(op, [image], attributes), isMax ? "max" : "add");
  return channelsFirst(node, isMax ? joined : meanOverDepth(node, joined, split, shape[2]!, depth, options.countIncludePad === true));
}

/** Divides sums over depth by the number of images in each window. */
function meanOverDepth(
  node: NodeContext,
  sums: Value,
  window: VolumeWindow,
  size: number,
  outDepth: number,
  countsPadding: boolean,
): Value {
  const shareOf = (i: number) => {
    const depths = Array.from({ length: window.depths }, (_, k) => i * window.stride + k * window.dilation - window.begin);
    const [first, last] = countsPadding ? [-window.begin, size + window.end] : [0, size];
    return 1 / depths.filter((depth) => depth >= first && depth < last).length;
  };
  return node.emit("mul", [sums, node.computed(node.type(sums).dataType, [outDepth, 1, 1, 1], shareOf)]);
}
