// ONNX keeps channels first (N, C, spatial…), the graph keeps them last: operators on images are wrapped in transposes.
// Both directions are remembered, so that a chain of such operators has transposes at its ends only.
import { LanewiseError } from "../../errors.ts";
import { constantElements } from "../../graph/constant.ts";
import { arrayOf, type Constant, type Quantization, type Value } from "../../graph/types.ts";
import { moveElements, moveOver, stridesOf } from "../../ops/moves.ts";
import type { NodeContext } from "./node-context.ts";

const lastPermutation = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
const firstPermutation = (rank: number): number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];

/** `x` with its channels as the last axis. */
export function channelsLast(node: NodeContext, x: Value): Value {
  const rank = node.rank(x);
  return node.remember("channelsLast", x, () => (rank < 3 ? x : node.emit("transpose", [x], { perm: lastPermutation(rank) })));
}

/** `y`, whose channels are last, with its channels as axis 1. */
export function channelsFirst(node: NodeContext, y: Value): Value {
  const rank = node.rank(y);
  if (rank < 3) return y;
  const result = node.emit("transpose", [y], { perm: firstPermutation(rank) });
  node.remember("channelsLast", result, () => y);
  return result;
}

/** Applies `build` to `x` with its channels last. */
export function inChannelsLast(node: NodeContext, x: Value, build: (x: Value) => Value): Value {
  return channelsFirst(node, build(channelsLast(node, x)));
}

/**
 * Applies `build` to `x` as N, H, W, C. One spatial axis becomes the width of an image of one row.
 * Throws `unsupported` for other numbers of axes.
 */
export function asImage(node: NodeContext, x: Value, build: (image: Value) => Value): Value {
  const rank = node.rank(x);
  if (rank === 4) return inChannelsLast(node, x, build);
  if (rank !== 3) throw new LanewiseError("unsupported", `${rank - 2} spatial axes; 1 and 2 are supported`);
  const row = channelsLast(node, x);
  const image = node.remember("image", row, () => node.emit("unsqueeze", [row], { axes: [1] }));
  const result = build(image);
  const flat = node.emit("squeeze", [result], { axes: [1] });
  node.remember("image", flat, () => result);
  return channelsFirst(node, flat);
}

/** A list over spatial axes, for an image: one axis gets `filler` for its one row. */
export function forImage(list: readonly number[], filler: number): readonly number[] {
  if (list.length === 1) return [filler, ...list];
  return list;
}

const sameOrder = (perm: readonly number[]): boolean => perm.every((axis, i) => axis === i);

/**
 * A transposed value. What comes with the model is transposed now: a constant, the integers below a DequantizeLinear,
 * and the shape of a constant fill.
 */
export function transposed(node: NodeContext, value: Value, perm: readonly number[]): Value {
  if (sameOrder(perm)) return value;
  return node.remember(`transpose ${perm}`, value, () => {
    if (value.constant) return transposedConstant(node, value as Value & { constant: Constant }, perm);
    const producer = node.builder.producer(value);
    if (producer?.op === "dequantize_linear" && producer.inputs[0]?.constant) {
      const [x, scale, zero] = producer.inputs;
      const axis = producer.attributes.axis as number;
      const rank = perm.length;
      const inner = transposed(node, x!, perm);
      return node.emit("dequantize_linear", [inner, scale!, zero ?? null], {
        ...producer.attributes,
        axis: perm.indexOf((axis + rank) % rank),
      });
    }
    if (producer?.op === "fill" && producer.attributes.shape) {
      const shape = producer.attributes.shape as readonly number[];
      return node.emit("fill", [], { ...producer.attributes, shape: perm.map((axis) => shape[axis]!) });
    }
    return node.emit("transpose", [value], { perm });
  });
}

function transposedConstant(node: NodeContext, value: Value & { constant: Constant }, perm: readonly number[]): Value {
  const { dataType, shape } = value.type!;
  const to = perm.map((axis) => shape[axis]!);
  const source = constantElements(value);
  const data = arrayOf(dataType, source.length);
  const strides = stridesOf(shape);
  if (data.length > 0)
    moveElements(
      data,
      source,
      moveOver(
        to,
        stridesOf(to),
        perm.map((axis) => strides[axis]!),
      ),
    );
  const result = node.builder.constant(value.name, dataType, to, data);
  result.quant = value.quant && permutedQuant(value.quant, perm);
  return result;
}

const permutedQuant = (quant: Quantization, perm: readonly number[]): Quantization =>
  quant.axis === undefined ? quant : { ...quant, axis: perm.indexOf(quant.axis) };

/** A reshaped value; a constant is reshaped now. */
export function reshaped(node: NodeContext, value: Value, shape: readonly number[]): Value {
  const producer = node.builder.producer(value);
  if (value.constant && !value.quant) {
    return { name: node.builder.freshName(value.name), type: { dataType: value.type!.dataType, shape }, constant: value.constant };
  }
  if (producer?.op === "fill" && producer.attributes.shape) return node.emit("fill", [], { ...producer.attributes, shape });
  return node.emit("reshape", [value], { shape });
}
