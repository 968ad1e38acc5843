// Operators on quantized values with scales and zero points as inputs. With constant scales they become operators on
// int8 values; with scales that a run computes they are computed in float32.
import type { Attributes, Quantization, Value } from "../../../graph/types.ts";
import { flag, float, int } from "../attributes.ts";
import { asImage } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import {
  biasValue,
  dequantized,
  quantizationAt,
  quantizedInput,
  quantizedResult,
  quantizedWeights,
  requantized,
  type ScaleInputs,
} from "../quantized-value.ts";
import { ohwiWeights, unlessOne, WINDOW, type Window, windowAttributes } from "../window.ts";
import { POOL, pool } from "./pooling.ts";

/** Scale and zero point of the operand or result whose scale is input `scale`. */
const at = (scale: number): ScaleInputs => ({ scale, zero: scale + 1 });

/** Computes in float32 between a dequantization of the operands and a quantization of the result. */
function inFloat(
  node: NodeContext,
  operands: readonly [number, ScaleInputs][],
  result: ScaleInputs,
  build: (...floats: Value[]) => Value,
): Value {
  return requantized(node, build(...operands.map(([index, scale]) => dequantized(node, node.input(index), scale))), result);
}

/** `build` on int8 values where all scales are constant, on float32 ones where they are not. */
function onQuantized(
  node: NodeContext,
  operands: readonly [number, ScaleInputs][],
  result: ScaleInputs,
  build: (...values: Value[]) => Value,
): Value {
  const quant = quantizationAt(node, result);
  const values = operands.map(([index, scale]) => quantizedInput(node, node.input(index), quantizationAt(node, scale)));
  if (!quant || !values.every((value) => value !== undefined)) return inFloat(node, operands, result, build);
  return quantizedResult(node, build(...values), quant, result);
}

const QLinearConv = operator({ ...WINDOW, group: int(1) }, (node, { group, ...window }) => {
  const [x, weights, bias] = [node.input(0), node.input(3), node.optional(8)];
  const [xQuant, wQuant, yQuant] = [quantizationAt(node, at(1)), quantizationAt(node, at(4), 0), quantizationAt(node, at(6))];
  const image = quantizedInput(node, x, xQuant);
  const kernel = quantizedWeights(node, weights, wQuant);
  if (!image || !kernel || !yQuant) return convolveInFloat(node, window, group);
  const sums = bias && biasValue(node, bias, xQuant!, wQuant!);
  const attributes = { ...windowAttributes(node, window, node.rank(x) - 2), groups: unlessOne(group) };
  return quantizedResult(node, convolve(node, image, kernel, sums, attributes, yQuant), yQuant, at(6));
});

/** The value that the layout's transposes start from has the quantization too, and so have their results. */
function convolve(node: NodeContext, x: Value, weights: Value, bias: Value | null, attributes: Attributes, quant: Quantization): Value {
  return asImage(node, x, (image) => {
    const y = node.emit("conv2d", [image, ohwiWeights(node, weights), bias], attributes);
    y.quant = quant;
    return y;
  });
}

function convolveInFloat(node: NodeContext, window: Window, groups: number): Value {
  const [x, weights] = [dequantized(node, node.input(0), at(1)), dequantized(node, node.input(3), at(4), 0)];
  const given = node.optional(8);
  const attributes = { ...windowAttributes(node, window, node.rank(x) - 2), groups: unlessOne(groups) };
  const product = asImage(node, x, (image) => node.emit("conv2d", [image, ohwiWeights(node, weights), null], attributes));
  if (!given) return requantized(node, product, at(6));
  const unit = node.emit("mul", [node.input(1), node.input(4)]);
  const bias = node.emit("mul", [node.emit("cast", [given], { dataType: "float32" }), unit]);
  const column = node.emit("reshape", [bias], { shape: [-1, ...new Array<number>(node.rank(x) - 2).fill(1)] });
  return requantized(node, node.emit("add", [product, column]), at(6));
}

/** A constant matrix on the right is kept transposed, so that a column with its own scale is a row. */
const QLinearMatMul = (node: NodeContext) => {
  const b = node.input(3);
  const perColumn = node.rank(b) === 2 ? 1 : undefined;
  return onMatrices(node, b, perColumn, null, at(6), {}, 1);
};

interface MatrixAttributes {
  readonly transposeA?: boolean | undefined;
  readonly transposeB?: boolean | undefined;
}

function onMatrices(
  node: NodeContext,
  b: Value,
  axis: number | undefined,
  bias: Value | null,
  result: ScaleInputs,
  { transposeA, transposeB }: MatrixAttributes,
  alpha: number,
): Value {
  const [aQuant, bQuant, yQuant] = [quantizationAt(node, at(1)), quantizationAt(node, at(4), axis), quantizationAt(node, result)];
  const left = quantizedInput(node, node.input(0), aQuant);
  const right = quantizedWeights(node, b, bQuant) ?? quantizedInput(node, b, bQuant);
  if (!left || !right || !yQuant || alpha !== 1) return multiplyInFloat(node, b, axis, bias, result, { transposeA, transposeB }, alpha);
  const sums = bias && biasValue(node, bias, aQuant!, bQuant!);
  return quantizedResult(node, node.emit("matmul", [left, right, sums], { transposeA, transposeB }), yQuant, result);
}

function multiplyInFloat(
  node: NodeContext,
  b: Value,
  axis: number | undefined,
  bias: Value | null,
  result: ScaleInputs,
  flags: MatrixAttributes,
  alpha: number,
): Value {
  const [left, right] = [dequantized(node, node.input(0), at(1)), dequantized(node, b, at(4), axis)];
  const product = node.emit("matmul", [left, right], { ...flags, alpha: alpha === 1 ? undefined : alpha });
  if (!bias) return requantized(node, product, result);
  const unit = node.emit("mul", [node.emit("mul", [node.input(1), node.input(4)]), node.constant("float32", [], [alpha])]);
  const offset = node.emit("mul", [node.emit("cast", [bias], { dataType: "float32" }), unit]);
  return requantized(node, node.emit("add", [product, offset]), result);
}

const QGemm = operator({ alpha: float(1), transA: flag(false), transB: flag(false) }, (node, { alpha, transA, transB }) => {
  const flags = { transposeA: transA || undefined, transposeB: transB || undefined };
  if (!node.optional(7))
    return node.emit("matmul", [dequantized(node, node.input(0), at(1)), dequantized(node, node.input(3), at(4))], { ...flags, alpha });
  return onMatrices(node, node.input(3), transB ? 0 : 1, node.optional(6), at(7), flags, alpha);
});

const binary = (op: string) => (node: NodeContext) =>
  onQuantized(
    node,
    [
      [0, at(1)],
      [3, at(4)],
    ],
    at(6),
    (a, b) => node.emit(op, [a, b]),
  );

/** An operator on one operand: x, its scale and zero point, then the result's. */
const unary = (build: (node: NodeContext, x: Value) => Value) => (node: NodeContext) =>
  onQuantized(node, [[0, at(1)]], at(3), (x) => build(node, x));

const QLinearLeakyRelu = operator({ alpha: float(0.01) }, (node, { alpha }) =>
  unary((_, x) => node.emit("leaky_relu", [x], { alpha }))(node),
);

const QLinearSoftmax = operator({ axis: int(-1) }, (node, { axis }) => unary((_, x) => node.emit("softmax", [x], { axis }))(node));

const QLinearGlobalAveragePool = operator({ channels_last: flag(false) }, (node, { channels_last }) =>
  unary((_, x) => {
    const rank = node.rank(x);
    const axes = Array.from({ length: rank - 2 }, (_, i) => i + (channels_last ? 1 : 2));
    return node.emit("reduce_mean", [x], { axes, keepDims: true });
  })(node),
);

const QLinearAveragePool = operator({ ...POOL, count_include_pad: flag(false), channels_last: flag(false) }, (node, attributes) => {
  const { channels_last, count_include_pad, ...window } = attributes;
  if (channels_last) throw node.unsupported("channels last");
  const quant = quantizationAt(node, at(3));
  return unary((_, x) => pool(node, x, "average_pool2d", window, count_include_pad, x.quant && quant))(node);
});

const QLinearConcat = operator({ axis: int(0) }, (node, { axis }) => {
  const operands = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, i): [number, ScaleInputs] => [2 + i * 3, at(3 + i * 3)]);
  return onQuantized(node, operands, at(0), (...values) => node.emit("concat", values, { axis }));
});

/** Operators of the default domain. */
export const QLINEAR: ImportTable = { QLinearConv, QLinearMatMul };

/** Operators that onnxruntime adds. */
export const QLINEAR_MICROSOFT: ImportTable = {
  QGemm,
  QLinearAdd: binary("add"),
  QLinearAveragePool,
  QLinearConcat,
  QLinearGlobalAveragePool,
  QLinearLeakyRelu,
  QLinearMul: binary("mul"),
  QLinearSigmoid: unary((node, x) => node.emit("sigmoid", [x])),
  QLinearSoftmax,
};
