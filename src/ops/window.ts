// Where the windows of convolutions and pools lie along one axis, from the attributes that say so.
import { check } from "../errors.ts";
import type { AttributeReader } from "./define.ts";

/** One axis of a sliding window. Sizes may be NaN while a shape is not known. */
export interface Window {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding on either side; negative where the input is cropped. */
  readonly before: number;
  readonly after: number;
}

const pair = (attributes: AttributeReader, name: string, fallback: readonly number[]): readonly [number, number] => {
  const list = attributes.numbers(name, fallback);
  check(list.length === fallback.length, "shape", () => `attribute "${name}" must have ${fallback.length} numbers, found [${list}]`);
  return list as unknown as readonly [number, number];
};

/** Windows along height and width, from `strides`, `dilations`, `padding` or `autoPad`, and `ceilMode`. */
export function windowsOf(
  attributes: AttributeReader,
  input: readonly [number, number],
  kernel: readonly [number, number],
): [Window, Window] {
  const strides = pair(attributes, "strides", [1, 1]);
  const dilations = pair(attributes, "dilations", [1, 1]);
  const padding = pair(attributes, "padding", [0, 0, 0, 0]);
  const autoPad = attributes.string("autoPad", "");
  const ceil = attributes.boolean("ceilMode", false);
  const along = (axis: 0 | 1): Window => {
    const common = { input: input[axis], kernel: kernel[axis], stride: strides[axis], dilation: dilations[axis] };
    for (const value of [common.kernel, common.stride, common.dilation])
      check(!(value < 1), "shape", () => "kernel, strides and dilations must be at least 1");
    if (autoPad.startsWith("same")) return sameWindow(common, autoPad === "same_lower");
    const [before, after] = autoPad === "valid" ? [0, 0] : [padding[axis]!, (padding as readonly number[])[axis + 2]!];
    return paddedWindow(common, before, after, ceil);
  };
  return [along(0), along(1)];
}

type Common = Pick<Window, "input" | "kernel" | "stride" | "dilation">;

/** As many outputs as strides fit; the padding that this takes is split, the odd one after (or before). */
function sameWindow(common: Common, lower: boolean): Window {
  const { input, kernel, stride, dilation } = common;
  const output = Math.ceil(input / stride);
  const total = Math.max((output - 1) * stride + (kernel - 1) * dilation + 1 - input, 0);
  const before = lower ? Math.ceil(total / 2) : Math.floor(total / 2);
  return { ...common, output, before, after: total - before };
}

function paddedWindow(common: Common, before: number, after: number, ceil: boolean): Window {
  const { input, kernel, stride, dilation } = common;
  const room = (input + before + after - (kernel - 1) * dilation - 1) / stride;
  check(
    !(room < 0),
    "shape",
    () => `a window of ${(kernel - 1) * dilation + 1} does not fit into ${input} and padding ${before} + ${after}`,
  );
  let output = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
  // A window that would begin beyond the input and the padding before it has nothing to look at.
  if (ceil && (output - 1) * stride >= input + before) output--;
  return { ...common, output, before, after };
}
