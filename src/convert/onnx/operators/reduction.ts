// Reductions over axes, and what goes along an axis: arg max, the best k, running sums.
import type { Value } from "../../../graph/types.ts";
import { flag, int, ints } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

/** What a reduction over no axes does to each element. */
const OVER_NOTHING: { readonly [op: string]: ((node: NodeContext, x: Value) => Value) | undefined } = {
  reduce_l1: (node, x) => node.emit("abs", [x]),
  reduce_l2: (node, x) => node.emit("abs", [x]),
  reduce_log_sum: (node, x) => node.emit("log", [x]),
  reduce_sum_square: (node, x) => node.emit("mul", [x, x]),
};

/** The axes became an input: in opset 13 for ReduceSum, in 18 for the others. */
const reduction = (op: string) =>
  operator({ axes: ints(), keepdims: flag(true), noop_with_empty_axes: flag(false) }, (node, { axes, keepdims, noop_with_empty_axes }) => {
    const x = node.input(0);
    const given = axes ?? node.elements(1);
    if (given === undefined && node.optional(1)) {
      return node.emit(op, [x, node.input(1)], {
        keepDims: keepdims ? undefined : false,
        noopWithEmptyAxes: noop_with_empty_axes || undefined,
      });
    }
    if (noop_with_empty_axes && !given?.length) return OVER_NOTHING[op]?.(node, x) ?? x;
    return node.emit(op, [x], { axes: given?.length ? given : undefined, keepDims: keepdims ? undefined : false });
  });

const arg = (op: string) =>
  operator({ axis: int(0), keepdims: flag(true), select_last_index: flag(false) }, (node, { axis, keepdims, select_last_index }) =>
    node.emit(op, [node.input(0)], { axis, keepDims: keepdims ? undefined : false, selectLast: select_last_index || undefined }),
  );

/** k became an input in opset 10. */
const TopK = operator({ axis: int(-1), k: int(), largest: flag(true), sorted: flag(true) }, (node, { axis, k, largest, sorted }) => {
  const count = k ?? node.elements(1)?.[0];
  const inputs = [node.input(0), ...(count === undefined ? [node.input(1)] : [])];
  return node.emitAll("top_k", inputs, { axis, k: count, largest, sorted }, 2);
});

const CumSum = operator({ exclusive: flag(false), reverse: flag(false) }, (node, { exclusive, reverse }) => {
  const axis = node.elements(1)?.[0];
  return node.emit("cumsum", [node.input(0), ...(axis === undefined ? [node.input(1)] : [])], { axis, exclusive, reverse });
});

export const REDUCTION: ImportTable = {
  ArgMax: arg("arg_max"),
  ArgMin: arg("arg_min"),
  CumSum,
  ReduceL1: reduction("reduce_l1"),
  ReduceL2: reduction("reduce_l2"),
  ReduceLogSum: reduction("reduce_log_sum"),
  ReduceLogSumExp: reduction("reduce_log_sum_exp"),
  ReduceMax: reduction("reduce_max"),
  ReduceMean: reduction("reduce_mean"),
  ReduceMin: reduction("reduce_min"),
  ReduceProd: reduction("reduce_prod"),
  ReduceSum: reduction("reduce_sum"),
  ReduceSumSquare: reduction("reduce_sum_square"),
  TopK,
};
