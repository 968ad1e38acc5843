// Boxes that overlap a better box of their class are dropped (ONNX NonMaxSuppression).
import type { TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type HostTensor, type InferContext, type OpDef } from "./define.ts";
import { numbersOf } from "./host-elements.ts";

type Box = readonly [top: number, left: number, bottom: number, right: number];

/** Box `at` of a list of four numbers each: two opposite corners (y, x), or the centre (x, y) and the size (w, h). */
function boxAt(boxes: ArrayLike<number>, at: number, centred: boolean): Box {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => boxes[at * 4 + i]!) as [number, number, number, number];
  if (centred) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

const area = ([top, left, bottom, right]: Box): number => (bottom - top) * (right - left);

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const height = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const width = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const common = Math.max(height, 0) * Math.max(width, 0);
  return common > 0 ? common / (area(a) + area(b) - common) : 0;
}

/** Positions of the boxes that stay, best first. */
function suppress(boxes: readonly Box[], scores: ArrayLike<number>, most: number, overlapLimit: number, least: number): number[] {
  const order = boxes.map((_, i) => i).filter((i) => scores[i]! > least);
  order.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const kept: number[] = [];
  for (const i of order) {
    if (kept.length >= most) break;
    if (kept.every((k) => overlap(boxes[k]!, boxes[i]!) <= overlapLimit)) kept.push(i);
  }
  return kept;
}

export const nonMaxSuppression = defineOp({
  name: "non_max_suppression",
  dynamic: true,
  infer: (_ctx: InferContext): TensorType[] => [{ dataType: "int64", shape: [Number.NaN, 3] }],
  host(ctx: HostContext): HostTensor[] {
    const [boxes, scores] = [ctx.input(0), ctx.input(1)];
    const option = (index: number, fallback: number) => {
      const input = ctx.inputs[index];
      return input ? Number(input.data[0]) : fallback;
    };
    const [most, overlapLimit, least] = [option(2, 0), option(3, 0), option(4, Number.NEGATIVE_INFINITY)];
    const centred = ctx.attributes.boolean("centerPointBox", false);
    const [batches, classes, count] = scores.shape as [number, number, number];
    const [corners, values] = [numbersOf(boxes), Float64Array.from(numbersOf(scores))];
    const found: number[] = [];
    for (let batch = 0; batch < batches; batch++) {
      const all = Array.from({ length: count }, (_, i) => boxAt(corners, batch * count + i, centred));
      for (let group = 0; group < classes; group++) {
        const from = (batch * classes + group) * count;
        for (const i of suppress(all, values.subarray(from, from + count), most, overlapLimit, least)) found.push(batch, group, i);
      }
    }
    return [{ dataType: "int64", shape: [found.length / 3, 3], data: BigInt64Array.from(found, BigInt) }];
  },
});

export const DETECTION_OPS: readonly OpDef[] = [nonMaxSuppression];
