// Operators that onnxruntime adds to ONNX when it optimizes or quantizes a model (domain com.microsoft).
import type { Attributes, Value } from "../../../graph/types.ts";
import { flag, float, floats, int, ints, text } from "../attributes.ts";
import { asImage } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { ohwiWeights, unlessOne, WINDOW, windowAttributes } from "../window.ts";
import { matmulOf } from "./linear.ts";

const withBias = (node: NodeContext, x: Value, bias: Value | null): Value => (bias ? node.emit("add", [x, bias]) : x);

const gelu = (approximate: "none" | "tanh") => (node: NodeContext) =>
  node.emit("gelu", [withBias(node, node.input(0), node.optional(1))], { approximate });

const QuickGelu = operator({ alpha: float(1.702) }, (node, attributes) => node.emit("swish", [node.input(0)], attributes));

/** Activations of fused operators, with the parameters that they take in order. */
const ACTIVATIONS: { readonly [name: string]: readonly [op: string, ...parameters: string[]] | undefined } = {
  Relu: ["clamp"],
  Sigmoid: ["sigmoid"],
  Tanh: ["tanh"],
  LeakyRelu: ["leaky_relu", "alpha"],
  Clip: ["clamp", "min", "max"],
  HardSigmoid: ["hard_sigmoid", "alpha", "beta"],
};

function activated(node: NodeContext, x: Value, name: string, parameters: readonly number[]): Value {
  if (name === "") return x;
  const entry = ACTIVATIONS[name];
  if (!entry) throw node.unsupported(`activation "${name}"`);
  const attributes: Attributes = name === "Relu" ? { min: 0 } : Object.fromEntries(entry.slice(1).map((key, i) => [key, parameters[i]]));
  return node.emit(entry[0], [x], attributes);
}

const ACTIVATION = { activation: text(""), activation_params: floats([]) };

const FusedConv = operator({ ...WINDOW, ...ACTIVATION, group: int(1) }, (node, { group, activation, activation_params, ...window }) => {
  const [x, weights, bias, residual] = [node.input(0), node.input(1), node.optional(2), node.optional(3)];
  const attributes = { ...windowAttributes(node, window, node.rank(x) - 2), groups: unlessOne(group) };
  const y = asImage(node, x, (image) => node.emit("conv2d", [image, ohwiWeights(node, weights), bias], attributes));
  return activated(node, withBias(node, y, residual), activation, activation_params);
});

const FusedMatMul = operator(
  { alpha: float(1), transA: flag(false), transB: flag(false), transBatchA: flag(false), transBatchB: flag(false) },
  (node, { alpha, transA, transB, transBatchA, transBatchB }) => {
    if (transBatchA || transBatchB) throw node.unsupported("transposed batches");
    const attributes = { alpha: alpha === 1 ? undefined : alpha, transposeA: transA || undefined, transposeB: transB || undefined };
    return node.emit("matmul", [node.input(0), node.input(1)], attributes);
  },
);

/** y = layer_norm(x + skip + bias); the sum is an output too. */
const SkipLayerNormalization = operator({ epsilon: float(1e-12) }, (node, { epsilon }) => {
  const sum = withBias(node, node.emit("add", [node.input(0), node.input(1)]), node.optional(4));
  if (node.hasOutput(1) || node.hasOutput(2)) throw node.unsupported("mean and deviation as outputs");
  return [node.emit("layer_norm", [sum, node.input(2), node.optional(3)], { epsilon }), null, null, sum];
});

const SkipSimplifiedLayerNormalization = operator({ epsilon: float(1e-12) }, (node, { epsilon }) => {
  const sum = withBias(node, node.emit("add", [node.input(0), node.input(1)]), node.optional(3));
  if (node.hasOutput(1) || node.hasOutput(2)) throw node.unsupported("mean and deviation as outputs");
  return [node.emit("rms_norm", [sum, node.input(2)], { epsilon }), null, null, sum];
});

const SimplifiedLayerNormalization = operator({ axis: int(-1), epsilon: float(1e-5) }, (node, attributes) =>
  node.emit("rms_norm", [node.input(0), node.input(1)], attributes),
);

const scaledSum = (node: NodeContext, product: Value, scale: Value, bias: Value | null): Value =>
  withBias(node, node.emit("mul", [node.emit("cast", [product], { dataType: "float32" }), scale]), bias);

/** A product of integers times both scales. */
const MatMulIntegerToFloat = (node: NodeContext) => {
  const product = matmulOf(node, "matmul_integer", node.input(0), node.input(1), [node.optional(4), node.optional(5)]);
  return scaledSum(node, product, node.emit("mul", [node.input(2), node.input(3)]), node.optional(6));
};

/** The left operand is quantized while the model runs. */
const DynamicQuantizeMatMul = (node: NodeContext) => {
  const [a, scale, zero] = node.emitAll("dynamic_quantize", [node.input(0)], {}, 3) as [Value, Value, Value];
  const product = matmulOf(node, "matmul_integer", a, node.input(1), [zero, node.optional(3)]);
  return scaledSum(node, product, node.emit("mul", [scale, node.input(2)]), node.optional(4));
};

const NhwcMaxPool = operator(
  { ...WINDOW, ceil_mode: flag(false), kernel_shape: ints([]) },
  (node, { kernel_shape, ceil_mode, ...window }) =>
    node.emit("max_pool2d", [node.input(0)], {
      kernel: kernel_shape,
      ...windowAttributes(node, window, kernel_shape.length),
      ceilMode: ceil_mode || undefined,
    }),
);

export const CONTRIB: ImportTable = {
  BiasGelu: gelu("none"),
  DynamicQuantizeMatMul,
  FastGelu: gelu("tanh"),
  FusedConv,
  FusedMatMul,
  Gelu: gelu("none"),
  MatMulIntegerToFloat,
  NhwcMaxPool,
  QuickGelu,
  SimplifiedLayerNormalization,
  SkipLayerNormalization,
  SkipSimplifiedLayerNormalization,
  TransposeMatMul: FusedMatMul,
};
