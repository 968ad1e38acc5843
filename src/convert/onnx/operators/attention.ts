// Attention, rotary embeddings and the like, as the operators that they stand for.
import type { DataType, Value } from "../../../graph/types.ts";
import { flag, float, int, text } from "../attributes.ts";
import { asImage } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { ohwiWeights } from "../window.ts";

const ATTENTION = {
  is_causal: flag(false),
  kv_num_heads: int(),
  q_num_heads: int(),
  qk_matmul_output_mode: int(0),
  scale: float(),
  softcap: float(0),
};

/** Outputs of the product Q · Kᵀ that can be asked for: as it is, capped, with the bias, after softmax. */
enum Scores {
  raw,
  capped,
  biased,
  weights,
}

const Attention = operator(ATTENTION, (node, { is_causal, kv_num_heads, q_num_heads, qk_matmul_output_mode, scale, softcap }) => {
  const isFlat = node.rank(node.input(0)) === 3;
  const q = headsApart(node, node.input(0), q_num_heads);
  const key = withPast(node, headsApart(node, node.input(1), kv_num_heads), node.optional(4));
  const value = withPast(node, headsApart(node, node.input(2), kv_num_heads), node.optional(5));
  const [heads, size] = [node.type(q).shape[1]!, node.type(q).shape[3]!];
  const alpha = scale ?? 1 / Math.sqrt(size);
  const scores: Value[] = [];
  scores[Scores.raw] = node.emit("matmul", [q, repeatedHeads(node, key, heads)], { transposeB: true, alpha });
  scores[Scores.capped] = softcap === 0 ? scores[Scores.raw] : capped(node, scores[Scores.raw], softcap);
  const biases = [
    node.optional(3) && maskBias(node, node.input(3), key),
    is_causal ? causalBias(node, q, key, node.optional(4)) : null,
    node.optional(6) && paddingBias(node, node.input(6), key),
  ];
  const bias = biases.filter((part) => part !== null).reduce<Value | null>((a, b) => (a ? node.emit("add", [a, b]) : b), null);
  scores[Scores.biased] = bias ? node.emit("add", [scores[Scores.capped], bias]) : scores[Scores.capped];
  scores[Scores.weights] = node.emit("softmax", [scores[Scores.biased]]);
  const y = node.emit("matmul", [scores[Scores.weights], repeatedHeads(node, value, heads)]);
  return [isFlat ? headsTogether(node, y) : y, key, value, scores[qk_matmul_output_mode] ?? null];
});

/** [batch, steps, heads · size] as [batch, heads, steps, size]. */
function headsApart(node: NodeContext, x: Value, heads: number | undefined): Value {
  const { shape } = node.type(x);
  if (shape.length !== 3) return x;
  if (!heads) throw node.unsupported("no number of heads");
  const apart = node.emit("reshape", [x], { shape: [0, 0, heads, shape[2]! / heads] });
  return node.emit("transpose", [apart], { perm: [0, 2, 1, 3] });
}

function headsTogether(node: NodeContext, y: Value): Value {
  const [, heads, , size] = node.type(y).shape;
  const swapped = node.emit("transpose", [y], { perm: [0, 2, 1, 3] });
  return node.emit("reshape", [swapped], { shape: [0, 0, heads! * size!] });
}

const withPast = (node: NodeContext, x: Value, past: Value | null): Value => (past ? node.emit("concat", [past, x], { axis: 2 }) : x);

/** Keys or values of a few heads for `heads` heads: each serves as many neighbours. */
function repeatedHeads(node: NodeContext, x: Value, heads: number): Value {
  const [, own, , size] = node.type(x).shape;
  if (own === heads) return x;
  const apart = node.emit("unsqueeze", [x], { axes: [2] });
  const repeated = node.emit("tile", [apart], { repeats: [1, 1, heads / own!, 1, 1] });
  return node.emit("reshape", [repeated], { shape: [0, heads, -1, size!] });
}

const capped = (node: NodeContext, x: Value, cap: number): Value =>
  node.emit("mul", [node.emit("tanh", [node.emit("div", [x, node.scalarLike(x, cap)])]), node.scalarLike(x, cap)]);

/** 0 where the condition holds, −∞ elsewhere. */
const biasWhere = (node: NodeContext, condition: Value, dataType: DataType): Value =>
  node.emit("where", [condition, node.constant(dataType, [], [0]), node.constant(dataType, [], [Number.NEGATIVE_INFINITY])]);

/** A mask for fewer keys than there are hides the rest. */
function maskBias(node: NodeContext, mask: Value, key: Value): Value {
  const { dataType } = node.type(key);
  const bias = node.type(mask).dataType === "bool" ? biasWhere(node, mask, dataType) : mask;
  const missing = node.type(key).shape[2]! - node.type(bias).shape.at(-1)!;
  if (!(missing > 0)) return bias;
  const hidden = node.computed(dataType, node.staticShape(bias).with(-1, missing), () => Number.NEGATIVE_INFINITY);
  return node.emit("concat", [bias, hidden], { axis: -1 });
}

/** Each query sees the past and itself. */
function causalBias(node: NodeContext, q: Value, key: Value, past: Value | null): Value {
  const [queries, keys] = [node.type(q).shape[2]!, node.type(key).shape[2]!];
  const offset = past ? node.type(past).shape[2]! : 0;
  if (Number.isNaN(queries + keys + offset))
    throw node.unsupported("causal attention over numbers of steps that are not known before the run");
  const isHidden = (i: number) => i % keys > Math.floor(i / keys) + offset;
  return node.computed(node.type(q).dataType, [queries, keys], (i) => (isHidden(i) ? Number.NEGATIVE_INFINITY : 0));
}

/** Hides the keys from each sequence's own length on. */
function paddingBias(node: NodeContext, lengths: Value, key: Value): Value {
  const keys = node.type(key).shape[2]!;
  if (Number.isNaN(keys)) throw node.unsupported("padded attention over a number of steps that is not known before the run");
  const positions = node.computed("int64", [keys], (i) => i);
  const isReal = node.emit("less", [positions, node.emit("unsqueeze", [lengths], { axes: [1, 2, 3] })]);
  return biasWhere(node, isReal, node.type(key).dataType);
}

/** Turns pairs of elements by angles whose cosines and sines are given for each position. */
const RotaryEmbedding = operator({ interleaved: flag(false), num_heads: int(0), rotary_embedding_dim: int(0) }, (node, attributes) => {
  const given = node.input(0);
  const { shape } = node.type(given);
  const isFlat = shape.length === 3;
  if (isFlat && !attributes.num_heads) throw node.unsupported("no number of heads");
  const x = isFlat ? node.emit("reshape", [given], { shape: [0, 0, attributes.num_heads, shape[2]! / attributes.num_heads] }) : given;
  const size = node.type(x).shape[3]!;
  const turned = attributes.rotary_embedding_dim || size;
  const [cos, sin] = [1, 2].map((index) => anglesAt(node, index, turned / 2, isFlat ? 2 : 1)) as [Value, Value];
  const parts = turned === size ? [x] : node.emitAll("split", [x], { axis: 3, sizes: [turned, size - turned] }, 2);
  const rotated = rotate(node, parts[0]!, cos, sin, turned, attributes.interleaved);
  const y = parts[1] ? node.emit("concat", [rotated, parts[1]], { axis: 3 }) : rotated;
  return isFlat ? node.emit("reshape", [y], { shape: [0, 0, shape[2]!] }) : y;
});

/** Cosines or sines of the positions, with an axis for the heads. */
function anglesAt(node: NodeContext, index: number, half: number, axis: number): Value {
  const [cache, positions] = [node.input(index), node.optional(3)];
  const angles = positions ? node.emit("gather", [cache, positions], { axis: 0 }) : cache;
  const isWhole = node.type(angles).shape.at(-1) === half;
  return node.emit("unsqueeze", [isWhole ? angles : node.emit("slice", [angles], { starts: [0], ends: [half], axes: [2] })], {
    axes: [axis],
  });
}

function rotate(node: NodeContext, x: Value, cos: Value, sin: Value, size: number, interleaved: boolean): Value {
  const every = (start: number) => node.emit("slice", [x], { starts: [start], ends: [size], axes: [3], steps: [2] });
  const [a, b] = (interleaved ? [every(0), every(1)] : node.emitAll("split", [x], { axis: 3, sizes: [size / 2, size / 2] }, 2)) as [
    Value,
    Value,
  ];
  const times = (u: Value, v: Value) => node.emit("mul", [u, v]);
  const real = node.emit("sub", [times(a, cos), times(b, sin)]);
  const imaginary = node.emit("add", [times(a, sin), times(b, cos)]);
  if (!interleaved) return node.emit("concat", [real, imaginary], { axis: 3 });
  const pairs = [real, imaginary].map((part) => node.emit("unsqueeze", [part], { axes: [4] }));
  const [, first, second] = node.type(x).shape;
  return node.emit("reshape", [node.emit("concat", pairs, { axis: 4 })], { shape: [0, dimOrCopy(first!), dimOrCopy(second!), size] });
}

const dimOrCopy = (dim: number): number => (Number.isNaN(dim) ? 0 : dim);

/** A depthwise convolution over time that begins with the last inputs of the run before. */
const CausalConvWithState = operator({ activation: text("none") }, (node, { activation }) => {
  const [x, weights, bias, past] = [node.input(0), node.input(1), node.optional(2), node.optional(3)];
  const [channels, , taps] = node.staticShape(weights) as [number, number, number];
  const before = taps - 1;
  const padded = past
    ? node.emit("concat", [past, x], { axis: 2 })
    : node.emit("pad", [x], { mode: "constant", pads: [0, 0, before, 0, 0, 0], value: 0 });
  const y = asImage(node, padded, (image) =>
    node.emit("conv2d", [image, ohwiWeights(node, weights), bias], { groups: channels, padding: [0, 0, 0, 0] }),
  );
  const state = node.emit("slice", [padded], { starts: [-before], ends: [Number.MAX_SAFE_INTEGER], axes: [2] });
  if (activation !== "none" && activation !== "silu" && activation !== "swish") throw node.unsupported(`activation "${activation}"`);
  return [activation === "none" ? y : node.emit("mul", [y, node.emit("sigmoid", [y])]), state];
});

/** Writes `update` into `past` at each sequence's own position along an axis; a circular cache wraps around. */
const TensorScatter = operator({ axis: int(-2), mode: text("linear") }, (node, { axis, mode }) => {
  const [past, update, given] = [node.input(0), node.input(1), node.optional(2)];
  const [shape, updateShape] = [node.staticShape(past), node.staticShape(update)];
  const at = axis < 0 ? axis + shape.length : axis;
  const starts = given ?? node.computed("int64", [shape[0]!], () => 0);
  const offsets = node.computed("int64", [updateShape[at]!], (i) => i);
  const linear = node.emit("add", [node.emit("unsqueeze", [starts], { axes: [1] }), offsets]);
  const positions = mode === "circular" ? node.emit("mod", [linear, node.scalarLike(linear, shape[at]!)]) : linear;
  const aligned = updateShape.map((dim, i) => (i === 0 || i === at ? dim : 1));
  const indices = node.emit("expand", [node.emit("reshape", [positions], { shape: aligned })], { shape: updateShape });
  return node.emit("scatter_elements", [past, indices, update], { axis: at, reduction: "none" });
});

export const ATTENTION_OPERATORS: ImportTable = { Attention, CausalConvWithState, RotaryEmbedding, TensorScatter };
