// Operators on int8: held to the same operator on the real numbers, to within one step, and always in kernels.
import { describe, expect, it } from "vitest";
import type { Attributes, Quantization } from "../../src/graph/types.ts";
import { TIERS } from "../support/kernels.ts";
import { random, randomInt8, roundHalfEven } from "../support/quantized.ts";
import { graphOf, modelOf, runOp, type TestInput } from "../support/run-op.ts";

const X: Quantization = { scale: [0.05], zeroPoint: [-11] };
const B: Quantization = { scale: [0.031], zeroPoint: [7] };
const Y: Quantization = { scale: [0.043], zeroPoint: [-3] };
const next = random(5);

const sizeOf = (shape: readonly number[]) => shape.reduce((size, dim) => size * dim, 1);
const int8 = (shape: readonly number[], quant: Quantization, constant = false): TestInput => ({
  dataType: "int8",
  shape,
  data: randomInt8(next, sizeOf(shape)),
  quant,
  constant,
});

/** Weights with a scale for each output channel. */
const weights = (shape: readonly number[], zero = 0, axis = 0): TestInput => {
  const scale = Array.from({ length: shape[axis]! }, (_, i) => 0.001 * (1 + (i % 5)));
  return int8(shape, { scale, zeroPoint: scale.map(() => zero), axis }, true);
};

/** A bias in steps of the input's scale times the weights'. */
const bias = (weight: TestInput, x: Quantization): TestInput => {
  const scale = weight.quant!.scale.map((value) => value * x.scale[0]!);
  const data = Int32Array.from(scale, () => Math.floor(next() * 2000) - 1000);
  return { dataType: "int32", shape: [scale.length], data, constant: true, quant: { scale, zeroPoint: scale.map(() => 0), axis: 0 } };
};

/** Plain 8-bit numbers. */
const uint8 = (shape: readonly number[]): TestInput => ({
  dataType: "uint8",
  shape,
  data: Uint8Array.from({ length: sizeOf(shape) }, () => Math.floor(next() * 256)),
});

/** The real numbers of an operand. */
function real(x: TestInput): TestInput {
  if (!x.quant) return x;
  const { scale, zeroPoint, axis = 0 } = x.quant;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const data = Float32Array.from(x.data as Int8Array, (step, i) => {
    const channel = scale.length === 1 ? 0 : Math.floor(i / inner) % x.shape[axis]!;
    return (step - (zeroPoint[channel] ?? 0)) * scale[channel]!;
  });
  return { ...x, dataType: "float32", data, quant: undefined as never };
}

interface Case {
  readonly op: string;
  readonly attributes?: Attributes;
  readonly inputs: readonly (TestInput | null)[];
  readonly y?: Quantization | null;
  /** Steps that a result may be away from the real one. */
  readonly steps?: number;
}

const image = () => int8([2, 7, 9, 16], X);
const conv = (shape: readonly number[], attributes: Attributes, x = image(), zero = 0): Case => {
  const weight = weights(shape, zero);
  return { op: "conv2d", attributes: { padding: [1, 1, 1, 1], ...attributes }, inputs: [x, weight, bias(weight, X)] };
};
const dense = (x: TestInput, zero = 0): Case => {
  const weight = weights([9, 16], zero);
  return { op: "matmul", attributes: { transposeB: true }, inputs: [x, weight, bias(weight, X)] };
};
const binary = (op: string, a: readonly number[], b: readonly number[], attributes: Attributes = {}): Case => ({
  op,
  attributes,
  inputs: [int8(a, X), int8(b, B)],
});
const unary = (op: string, attributes: Attributes = {}): Case => ({ op, attributes, inputs: [int8([3, 37], X)] });
const floatImage = (): TestInput => ({
  dataType: "float32",
  shape: [2, 7, 9, 16],
  data: Float32Array.from({ length: 2016 }, () => next() - 0.4),
});

const CASES: Record<string, Case> = {
  "conv2d 3×3, Winograd": conv([32, 3, 3, 16], {}),
  "conv2d 3×3, stride 2": conv([9, 3, 3, 16], { strides: [2, 2] }),
  "conv2d 1×1": conv([9, 1, 1, 16], { padding: [0, 0, 0, 0], min: 0 }),
  "conv2d, groups": conv([8, 3, 3, 4], { groups: 4, dilations: [2, 1] }),
  "conv2d, asymmetric weights": conv([9, 3, 3, 16], { strides: [2, 1] }, image(), -20),
  "conv2d, depthwise": conv([16, 3, 3, 1], { groups: 16 }),
  "conv2d, depthwise column": conv([16, 5, 1, 1], { groups: 16, padding: [2, 0, 2, 0], strides: [2, 1] }, int8([1, 31, 1, 16], X)),
  conv_transpose2d: { op: "conv_transpose2d", attributes: { strides: [2, 2] }, inputs: [image(), weights([8, 3, 3, 16])] },
  "matmul, one row": dense(int8([1, 16], X)),
  "matmul, rows": dense(int8([2, 5, 16], X)),
  "matmul, asymmetric": dense(int8([1, 16], X), 5),
  "matmul of two activations": { op: "matmul", inputs: [int8([2, 5, 16], X), int8([2, 16, 7], { scale: [0.002], zeroPoint: [1] })] },
  "matmul of activations by heads, one of them transposed": {
    op: "matmul",
    attributes: { transposeB: true, min: -1 },
    inputs: [int8([2, 3, 5, 19], X), int8([1, 3, 12, 19], { scale: [0.003], zeroPoint: [-7] })],
  },
  "matmul of transposed activations by one matrix": {
    op: "matmul",
    attributes: { transposeA: true },
    inputs: [int8([2, 18, 5], X), int8([18, 8], { scale: [0.003], zeroPoint: [128 - 1] })],
  },
  add: binary("add", [3, 4, 5], [3, 4, 5]),
  "add, half up": binary("add", [3, 4, 5], [3, 4, 5], { rounding: "half_up" }),
  "sub of rows": binary("sub", [3, 4, 5], [5], { min: -1, max: 2 }),
  "mul by columns": binary("mul", [3, 4, 5], [3, 4, 1]),
  "div by table": binary("max", [8, 16], [16]),
  squared_difference: binary("squared_difference", [8, 16], [1]),
  sigmoid: { ...unary("sigmoid"), y: { scale: [1 / 256], zeroPoint: [-128] } },
  hard_swish: unary("hard_swish"),
  leaky_relu: unary("leaky_relu", { alpha: 0.1 }),
  clamp: unary("clamp", { min: 0, max: 3 }),
  softmax: { ...unary("softmax"), y: { scale: [1 / 256], zeroPoint: [-128] } },
  "softmax of columns": { ...unary("softmax", { axis: 0 }), y: { scale: [1 / 256], zeroPoint: [-128] } },
  max_pool2d: { op: "max_pool2d", attributes: { kernel: [2, 3], strides: [2, 1] }, inputs: [image()], y: X },
  "max_pool2d to other steps": { op: "max_pool2d", attributes: { kernel: [2, 3], strides: [2, 1] }, inputs: [image()] },
  average_pool2d: { op: "average_pool2d", attributes: { kernel: [3, 3], padding: [1, 1, 1, 1] }, inputs: [image()] },
  reduce_mean: { op: "reduce_mean", attributes: { axes: [1, 2] }, inputs: [image()] },
  reduce_max: { op: "reduce_max", attributes: { axes: [2] }, inputs: [image()] },
  "resize, linear": { op: "resize", attributes: { mode: "linear", sizes: [2, 14, 18, 16] }, inputs: [image()] },
  "resize, fixed point": {
    op: "resize",
    attributes: { mode: "linear", sizes: [2, 14, 18, 16], rounding: "half_up" },
    inputs: [image()],
    y: X,
  },
  layer_norm: { op: "layer_norm", inputs: [int8([4, 32], X)] },
  requantize: unary("requantize"),
  quantize: { op: "quantize", attributes: { dataType: "int8" }, inputs: [floatImage()] },
  dequantize: { op: "dequantize", inputs: [image()], y: null },
  "matmul_integer, uint8": {
    op: "matmul_integer",
    inputs: [
      uint8([2, 5, 16]),
      { ...int8([16, 9], X, true), quant: undefined as never },
      uint8([1]),
      { dataType: "int8", shape: [9], data: randomInt8(next, 9), constant: true },
    ],
    y: null,
  },
  "matmul_integer, one row": {
    op: "matmul_integer",
    inputs: [uint8([1, 16]), { ...int8([16, 9], X, true), quant: undefined as never }, { ...uint8([1]), constant: true }, null],
    y: null,
  },
  "matmul_integer of two activations": {
    op: "matmul_integer",
    inputs: [uint8([2, 3, 5, 15]), uint8([3, 15, 9]), { ...uint8([1]), constant: true }, { ...uint8([1]), constant: true }],
    y: null,
  },
  "conv_integer, uint8 weights": {
    op: "conv_integer",
    attributes: { padding: [1, 1, 1, 1], strides: [2, 1] },
    inputs: [uint8([2, 5, 7, 4]), { ...uint8([6, 3, 3, 4]), constant: true }, uint8([1]), { ...uint8([1]), constant: true }],
    y: null,
  },
  "hybrid conv2d": { op: "conv2d", inputs: [floatImage(), weights([8, 3, 3, 16])], y: null },
  "hybrid matmul": {
    op: "matmul",
    attributes: { transposeB: true, activation: "sigmoid" },
    inputs: [
      floatImage(),
      weights([8, 16]),
      null,
      { dataType: "float32", shape: [2, 7, 9, 8], data: Float32Array.from({ length: 1008 }, next) },
    ],
    y: null,
  },
};

/** The operator on the numbers less their zero points. */
function integers({ op, attributes = {}, inputs }: Case): ArrayLike<number> {
  const [x, weight] = [0, 1].map((i): TestInput => {
    const { shape, data } = inputs[i]!;
    const zeros = inputs[i + 2]?.data ?? [0];
    const numbers = Float32Array.from(data as Uint8Array, (value, at) => value - Number(zeros[zeros.length === 1 ? 0 : at % zeros.length]));
    return { dataType: "float32", shape, data: numbers, constant: i === 1 };
  });
  return runOp(op === "conv_integer" ? "conv2d" : "matmul", attributes, [x!, weight!])[0]!.data as Float32Array;
}

/** What the operator makes of the real numbers; the operators that only change the form leave them. */
function expected({ op, attributes = {}, inputs }: Case): ArrayLike<number> {
  if (op.endsWith("_integer")) return integers({ op, attributes, inputs });
  const reals = inputs.map((input) => input && real(input));
  if (["quantize", "dequantize", "requantize"].includes(op)) return reals[0]!.data as Float32Array;
  const { rounding: _, ...rest } = attributes;
  return runOp(op, rest, reals)[0]!.data as Float32Array;
}

describe.each(TIERS)("operators on int8, %s", (tier) => {
  it.each(Object.entries(CASES))("%s", (name, test) => {
    const { op, attributes = {}, inputs, y = Y } = test;
    const outputs = [y ? { quant: y } : {}];
    const found = runOp(op, attributes, inputs, { tier, outputs })[0]!.data as Int8Array | Float32Array | Int32Array;
    const wanted = expected(test);
    expect(found).toHaveLength(wanted.length);
    // A hybrid layer rounds its activations to 255 steps of their range.
    const tolerance = y ? 1 : op.endsWith("_integer") ? 0 : op === "dequantize" ? 1e-6 : 0.02;
    for (let i = 0; i < wanted.length; i++) {
      const value = y ? Math.min(Math.max(roundHalfEven(wanted[i]! / y.scale[0]!) + y.zeroPoint[0]!, -128), 127) : wanted[i]!;
      expect(Math.abs(found[i]! - value), `element ${i}`).toBeLessThanOrEqual(tolerance);
    }
    const model = modelOf(graphOf(op, attributes, inputs, outputs), tier);
    const kernels = model.plan().steps.map(({ kernel }) => kernel);
    expect(kernels).not.toContain("host");
    if (/^matmul.* activations/.test(name)) expect(kernels).toContain("qs8_conv_4x8");
  });
});

const PRODUCTS = Object.entries(CASES).filter(([, { op, y }]) => y !== null && ["conv2d", "conv_transpose2d", "matmul"].includes(op));

it.each(PRODUCTS)("%s has the same bits in both tiers", (_, { op, attributes = {}, inputs, y = Y }) => {
  const [found, wanted] = TIERS.map((tier) => runOp(op, attributes, inputs, { tier, outputs: [{ quant: y! }] })[0]!.data);
  expect(found).toEqual(wanted);
});
