// Windows over images, and the weights that go with them: ONNX's attributes and layouts as the graph's.
import type { Attributes, Value } from "../../graph/types.ts";
import { ints, text } from "./attributes.ts";
import { forImage, reshaped, transposed } from "./layout.ts";
import type { NodeContext } from "./node-context.ts";

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
export const unlessOne = (groups: number) => (groups === 1 ? undefined : groups);

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

/** Weights C, O / groups, H, W as O, H, W, C / groups. */
export function transposeWeights(node: NodeContext, weights: Value, groups: number): Value {
  const [c, o, ...window] = node.staticShape(weights) as [number, number, ...number[]];
  const [h, w] = window.length === 1 ? [1, window[0]!] : (window as [number, number]);
  if (groups === 1) {
    const image = window.length === 1 ? reshaped(node, weights, [c, o, h, w]) : weights;
    return transposed(node, image, [1, 2, 3, 0]);
  }
  const grouped = transposed(node, reshaped(node, weights, [groups, c / groups, o, h, w]), [0, 2, 3, 4, 1]);
  return reshaped(node, grouped, [groups * o, h, w, c / groups]);
}
