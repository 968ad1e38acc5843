// Operators that walk an axis in order: cumulative sums, and sequences of their own lengths reversed.
import { check } from "../errors.ts";
import { sizeOf, type TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type OpDef } from "./define.ts";
import { numbersOf, writeNumbers } from "./host-elements.ts";
import { axisOf, numberParameter } from "./parameters.ts";

const likeInput = (ctx: InferContext): TensorType[] => {
  const { dataType, shape } = ctx.input(0);
  return [{ dataType, shape }];
};

export const cumsum = defineOp({
  name: "cumsum",
  infer: likeInput,
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const axis = axisOf(numberParameter(ctx, "axis", 1)!, x.shape.length);
    const [size, inner] = [x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))];
    const exclusive = ctx.attributes.boolean("exclusive", false);
    const reverse = ctx.attributes.boolean("reverse", false);
    const values = numbersOf(x);
    const sums = new Float64Array(values.length);
    for (let lane = 0; lane < values.length / (size || 1); lane++) {
      const first = Math.floor(lane / inner) * size * inner + (lane % inner);
      let sum = 0;
      for (let i = 0; i < size; i++) {
        const at = first + (reverse ? size - 1 - i : i) * inner;
        sums[at] = exclusive ? sum : sum + values[at]!;
        sum += values[at]!;
      }
    }
    writeNumbers(y, sums);
  },
});

export const reverseSequence = defineOp({
  name: "reverse_sequence",
  infer: likeInput,
  host(ctx: HostContext) {
    const [x, lengths, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
    const rank = x.shape.length;
    const batchAxis = axisOf(ctx.attributes.number("batchAxis", 1), rank);
    const timeAxis = axisOf(ctx.attributes.number("timeAxis", 0), rank);
    const stride = (axis: number) => sizeOf(x.shape.slice(axis + 1));
    const steps = x.shape[timeAxis]!;
    for (const length of lengths.data)
      check(length >= 0 && length <= steps, "input", () => `a sequence of ${length} in an axis of ${steps}`);
    for (let at = 0; at < x.data.length; at++) {
      const batch = Math.floor(at / stride(batchAxis)) % x.shape[batchAxis]!;
      const time = Math.floor(at / stride(timeAxis)) % steps;
      const length = Number(lengths.data[batch]);
      const from = time < length ? at + (length - 1 - 2 * time) * stride(timeAxis) : at;
      y.data[at] = x.data[from] as never;
    }
  },
});

export const SEQUENCE_OPS: readonly OpDef[] = [cumsum, reverseSequence];
