// Normalizations. Those over channels work on the graph's layout, with the channels last.
import type { Attributes, Value } from "../../../graph/types.ts";
import { flag, float, int, ints } from "../attributes.ts";
import { inChannelsLast } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

const lastAxes = (node: NodeContext, x: Value, from: number): number[] => Array.from({ length: node.rank(x) - from }, (_, i) => from + i);
const axisFrom = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** y = (x − mean) / √(variance + ε) · scale + bias, which is a product and a sum: folded here when all are constants. */
const BatchNormalization = operator(
  { epsilon: float(1e-5), momentum: float(0.9), training_mode: flag(false) },
  (node, { epsilon, momentum, training_mode }) => {
    const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((index) => node.input(index)) as [Value, Value, Value, Value, Value];
    if (training_mode) return trainedNormalization(node, epsilon, momentum);
    if (node.hasOutput(1)) throw node.unsupported("training mode");
    const [s, b, m, v] = [scale, bias, mean, variance].map((value) => node.knownTensor(value)?.data as ArrayLike<number> | undefined);
    const { dataType } = node.type(x);
    if (!s || !b || !m || !v || dataType === "float16")
      return inChannelsLast(node, x, (last) => normalized(node, last, scale, bias, mean, variance, epsilon));
    const factors = Array.from(s, (value, i) => value / Math.sqrt(v[i]! + epsilon));
    const offsets = Array.from(b, (value, i) => value - m[i]! * factors[i]!);
    return inChannelsLast(node, x, (last) => {
      const product = node.emit("mul", [last, node.constant(dataType, [factors.length], factors)]);
      return node.emit("add", [product, node.constant(dataType, [offsets.length], offsets)]);
    });
  },
);

function normalized(node: NodeContext, x: Value, scale: Value, bias: Value, mean: Value, variance: Value, epsilon: number): Value {
  const deviation = node.emit("sqrt", [node.emit("add", [variance, node.scalarLike(variance, epsilon)])]);
  const factor = node.emit("div", [scale, deviation]);
  return node.emit("add", [node.emit("mul", [node.emit("sub", [x, mean]), factor]), bias]);
}

/** Normalizes by the batch's own statistics, and returns them mixed into the running ones. */
function trainedNormalization(node: NodeContext, epsilon: number, momentum: number): Value[] {
  const [x, scale, bias, oldMean, oldVariance] = [0, 1, 2, 3, 4].map((index) => node.input(index)) as [Value, Value, Value, Value, Value];
  const axes = lastAxes(node, x, 0).filter((axis) => axis !== 1);
  const mean = node.emit("reduce_mean", [x], { axes });
  const variance = node.emit("reduce_mean", [squared(node, node.emit("sub", [x, mean]))], { axes });
  const flat = (value: Value) => node.emit("squeeze", [value], { axes });
  const mixed = (old: Value, now: Value) =>
    node.emit("add", [
      node.emit("mul", [old, node.scalarLike(old, momentum)]),
      node.emit("mul", [now, node.scalarLike(now, 1 - momentum)]),
    ]);
  const [flatMean, flatVariance] = [flat(mean), flat(variance)];
  const y = inChannelsLast(node, x, (last) => normalized(node, last, scale, bias, flatMean, flatVariance, epsilon));
  return [y, mixed(oldMean, flatMean), mixed(oldVariance, flatVariance)];
}

const squared = (node: NodeContext, x: Value): Value => node.emit("mul", [x, x]);

/** The statistics are outputs that inference does not use; they are computed when something does. */
const LayerNormalization = operator({ axis: int(-1), epsilon: float(1e-5) }, (node, { axis, epsilon }) => {
  const [x, scale, bias] = [node.input(0), node.optional(1), node.optional(2)];
  const y = node.emit("layer_norm", [x, scale, bias], { axis, epsilon });
  if (!node.hasOutput(1) && !node.hasOutput(2)) return y;
  const axes = lastAxes(node, x, axisFrom(axis, node.rank(x)));
  const mean = node.emit("reduce_mean", [x], { axes });
  const variance = node.emit("reduce_mean", [squared(node, node.emit("sub", [x, mean]))], { axes });
  const inverse = node.emit("rsqrt", [node.emit("add", [variance, node.scalarLike(variance, epsilon)])]);
  return [y, mean, inverse];
});

const RMSNormalization = operator({ axis: int(-1), epsilon: float(1e-5) }, (node, attributes) =>
  node.emit("rms_norm", [node.input(0), node.optional(1)], attributes),
);

const InstanceNormalization = operator({ epsilon: float(1e-5) }, (node, { epsilon }) => {
  const groups = node.staticShape(node.input(1))[0]!;
  return inChannelsLast(node, node.input(0), (x) => node.emit("group_norm", [x, node.input(1), node.input(2)], { groups, epsilon }));
});

/** Scale and bias are per group before opset 21, per channel since. */
const GroupNormalization = operator({ num_groups: int(1), epsilon: float(1e-5) }, (node, { num_groups, epsilon }) => {
  const x = node.input(0);
  const channels = node.type(x).shape[1]!;
  const perChannel = (value: Value) => {
    if (node.version >= 21 || node.staticShape(value)[0] === channels) return value;
    const column = node.emit("unsqueeze", [value], { axes: [1] });
    return node.emit("reshape", [node.emit("tile", [column], { repeats: [1, channels / num_groups] })], { shape: [channels] });
  };
  const [scale, bias] = [perChannel(node.input(1)), perChannel(node.input(2))];
  return inChannelsLast(node, x, (last) => node.emit("group_norm", [last, scale, bias], { groups: num_groups, epsilon }));
});

const LRN = operator({ size: int(1), alpha: float(1e-4), beta: float(0.75), bias: float(1) }, (node, attributes) =>
  inChannelsLast(node, node.input(0), (x) => node.emit("lrn", [x], { ...attributes, axis: -1 })),
);

const LpNormalization = operator({ axis: int(-1), p: int(2) }, (node, { axis, p }) => {
  const x = node.input(0);
  if (p !== 1 && p !== 2) throw node.unsupported(`p = ${p}; 1 and 2 are supported`);
  return node.emit("div", [x, node.emit(p === 1 ? "reduce_l1" : "reduce_l2", [x], { axes: [axis] })]);
});

/** (x − mean) / (√variance + 10⁻⁹) */
const MeanVarianceNormalization = operator({ axes: ints([0, 2, 3]) }, (node, { axes }) => {
  const x = node.input(0);
  const centered = node.emit("sub", [x, node.emit("reduce_mean", [x], { axes })]);
  const deviation = node.emit("sqrt", [node.emit("reduce_mean", [squared(node, centered)], { axes })]);
  return node.emit("div", [centered, node.emit("add", [deviation, node.scalarLike(x, 1e-9)])]);
});

/** Before opset 13 the axes from `axis` on are taken as one. */
const softmax = (op: string) =>
  operator({ axis: int() }, (node, { axis }) => {
    const x = node.input(0);
    const rank = node.rank(x);
    if (node.version >= 13) return node.emit(op, [x], { axis: axis === -1 ? undefined : axis });
    const from = axisFrom(axis ?? 1, rank);
    const isOne = node
      .type(x)
      .shape.slice(from + 1)
      .every((dim) => dim === 1);
    if (isOne) return node.emit(op, [x], { axis: Math.min(from, rank - 1) });
    return likeShapeOf(node, x, node.emit(op, [node.emit("flatten", [x], { axis: from })], {}));
  });

/** `y` in the shape of `x`. */
function likeShapeOf(node: NodeContext, x: Value, y: Value): Value {
  const { shape } = node.type(x);
  const attributes: Attributes = shape.filter(Number.isNaN).length > 1 ? {} : { shape: shape.map((dim) => (Number.isNaN(dim) ? -1 : dim)) };
  return node.emit("reshape", attributes.shape ? [y] : [y, node.emit("shape", [x])], attributes);
}

/** 1 where an axis has its first maximum. */
const Hardmax = operator({ axis: int() }, (node, { axis }) => {
  const given = node.input(0);
  const from = axisFrom(axis ?? (node.version < 13 ? 1 : -1), node.rank(given));
  const x = node.version < 13 ? node.emit("flatten", [given], { axis: from }) : given;
  const at = node.version < 13 ? 1 : from;
  const depth = node.staticShape(x)[at]!;
  const indices = node.emit("arg_max", [x], { axis: at, keepDims: false });
  const values = node.constant(node.type(x).dataType, [2], [0, 1]);
  const hot = node.emit("one_hot", [indices, node.constant("int64", [], [depth]), values], { axis: at });
  return node.version < 13 ? likeShapeOf(node, given, hot) : hot;
});

export const NORMALIZATION: ImportTable = {
  BatchNormalization,
  GroupNormalization,
  Hardmax,
  InstanceNormalization,
  LRN,
  LayerNormalization,
  LogSoftmax: softmax("log_softmax"),
  LpNormalization,
  MeanVarianceNormalization,
  RMSNormalization,
  Softmax: softmax("softmax"),
};
