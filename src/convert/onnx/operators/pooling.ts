// Pooling over windows, and over whole images.
import { type Quantization, sizeOf, type Value } from "../../../graph/types.ts";
import { flag, int, ints } from "../attributes.ts";
import { asImage, forImage, inChannelsLast } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { WINDOW, type Window, windowAttributes } from "../window.ts";
import { poolVolume } from "./volume.ts";

/** What windows of pools say. */
export const POOL = { ...WINDOW, ceil_mode: flag(false) };

export interface Pool extends Window {
  readonly kernel_shape: readonly number[] | undefined;
  readonly ceil_mode: boolean;
}

/** Pools over windows; with `quant`, to steps of it. */
export function pool(
  node: NodeContext,
  x: Value,
  op: string,
  { kernel_shape, ceil_mode, ...window }: Pool,
  countIncludePad?: boolean,
  quant?: Quantization,
): Value {
  const kernel = kernel_shape ?? [];
  const options = { ceilMode: ceil_mode || undefined, countIncludePad: countIncludePad || undefined };
  if (kernel.length === 3) return poolVolume(node, x, op, kernel, window, options);
  const attributes = { kernel: forImage(kernel, 1), ...windowAttributes(node, window, kernel.length), ...options };
  return asImage(node, x, (image) => {
    const y = node.emit(op, [image], attributes);
    if (quant) y.quant = quant;
    return y;
  });
}

/** Indices count over x as ONNX sees it; `storage_order` 1 counts columns first. */
const MaxPool = operator({ ...POOL, storage_order: flag(false) }, (node, { storage_order, ...attributes }) => {
  const x = node.input(0);
  const y = pool(node, x, "max_pool2d", attributes);
  if (!node.hasOutput(1)) return y;
  const kernel = attributes.kernel_shape ?? [];
  if (kernel.length > 2) throw node.unsupported("the indices of maxima over three axes");
  const settings = {
    kernel: forImage(kernel, 1),
    ...windowAttributes(node, attributes, kernel.length),
    byColumn: storage_order || undefined,
  };
  const ceilMode = attributes.ceil_mode || undefined;
  return [y, asImage(node, x, (image) => node.emit("max_pool_positions", [image], { ...settings, ceilMode }))];
});

/** Values go back to where the indices say, and zeros everywhere else. */
const MaxUnpool = operator({ kernel_shape: ints([]), strides: ints(), pads: ints() }, (node, { kernel_shape, strides, pads }) => {
  const [x, indices] = [node.input(0), node.input(1)];
  const shape = node.staticShape(x);
  const own = kernel_shape.map((size, i) => {
    const around = pads ? pads[i]! + pads[i + kernel_shape.length]! : 0;
    return (shape[i + 2]! - 1) * (strides?.[i] ?? 1) + size - around;
  });
  const wanted = node.optional(2) ? node.requireElements(2, "an output shape") : [shape[0]!, shape[1]!, ...own];
  const zeros = node.emit("fill", [], { shape: [sizeOf(wanted)], value: 0, dataType: node.type(x).dataType });
  const flat = (value: Value) => node.emit("reshape", [value], { shape: [-1] });
  const placed = node.emit("scatter_elements", [zeros, flat(indices), flat(x)], { axis: 0, reduction: "none" });
  return node.emit("reshape", [placed], { shape: wanted });
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
  MaxUnpool,
};
