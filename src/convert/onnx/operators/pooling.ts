// Pooling over windows, and over whole images.
import type { Value } from "../../../graph/types.ts";
import { flag, int } from "../attributes.ts";
import { asImage, forImage, inChannelsLast } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { WINDOW, type Window, windowAttributes } from "../window.ts";
import { poolVolume } from "./volume.ts";

const POOL = { ...WINDOW, ceil_mode: flag(false) };

interface Pool extends Window {
  readonly kernel_shape: readonly number[] | undefined;
  readonly ceil_mode: boolean;
}

function pool(node: NodeContext, x: Value, op: string, { kernel_shape, ceil_mode, ...window }: Pool, countIncludePad?: boolean): Value {
  const kernel = kernel_shape ?? [];
  const options = { ceilMode: ceil_mode || undefined, countIncludePad: countIncludePad || undefined };
  if (kernel.length === 3) return poolVolume(node, x, op, kernel, window, options);
  const attributes = { kernel: forImage(kernel, 1), ...windowAttributes(node, window, kernel.length), ...options };
  return asImage(node, x, (image) => node.emit(op, [image], attributes));
}

const MaxPool = operator(POOL, (node, attributes) => {
  if (node.hasOutput(1)) throw node.unsupported("the indices of the maxima");
  return pool(node, node.input(0), "max_pool2d", attributes);
});

const AveragePool = operator({ ...POOL, count_include_pad: flag(false) }, (node, { count_include_pad, ...attributes }) =>
  pool(node, node.input(0), "average_pool2d", attributes, count_include_pad),
);

/** (Σ |x|ᵖ)^(1/p): the average over a window, padding counted, times the window's size. */
const LpPool = operator({ ...POOL, p: int(2) }, (node, { p, ...attributes }) => {
  const x = node.input(0);
  const powers = node.emit("pow", [node.emit("abs", [x]), node.scalarLike(x, p)]);
  const mean = pool(node, powers, "average_pool2d", attributes, true);
  const sum = node.emit("mul", [
    mean,
    node.scalarLike(
      x,
      (attributes.kernel_shape ?? []).reduce((size, dim) => size * dim, 1),
    ),
  ]);
  return node.emit("pow", [sum, node.scalarLike(x, 1 / p)]);
});

/** A reduction over all axes but N and C. */
function globalPool(node: NodeContext, op: string): Value {
  return inChannelsLast(node, node.input(0), (x) =>
    node.emit(op, [x], { axes: Array.from({ length: node.rank(x) - 2 }, (_, i) => i + 1) }),
  );
}

const GlobalLpPool = operator({ p: int(2) }, (node, { p }) => {
  if (p !== 1 && p !== 2) throw node.unsupported(`p = ${p}; 1 and 2 are supported`);
  return globalPool(node, p === 1 ? "reduce_l1" : "reduce_l2");
});

export const POOLING: ImportTable = {
  AveragePool,
  GlobalAveragePool: (node) => globalPool(node, "reduce_mean"),
  GlobalLpPool,
  GlobalMaxPool: (node) => globalPool(node, "reduce_max"),
  LpPool,
  MaxPool,
};
