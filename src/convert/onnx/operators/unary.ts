// Functions of one tensor, element by element.
import { LanewiseError } from "../../../errors.ts";
import type { Value } from "../../../graph/types.ts";
import { flag, float, int, text } from "../attributes.ts";
import { reshaped } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { dataTypeOf } from "../tensor.ts";

const unary = (op: string) => (node: NodeContext) => node.emit(op, [node.input(0)]);

/** A function with one parameter. */
const withAlpha = (op: string, fallback: number) =>
  operator({ alpha: float(fallback) }, (node, { alpha }) => node.emit(op, [node.input(0)], { alpha }));

const Relu = (node: NodeContext) => node.emit("clamp", [node.input(0)], { min: 0 });

/** Bounds are attributes before opset 11 and inputs since then. */
const Clip = operator({ min: float(), max: float() }, (node, { min, max }) => {
  const x = node.input(0);
  if (node.version < 11) return node.emit("clamp", [x], { min: finite(min), max: finite(max) });
  const [low, high] = [node.elements(1)?.[0], node.elements(2)?.[0]];
  const isKnown = (index: number, bound: number | undefined) => !node.optional(index) || bound !== undefined;
  if (isKnown(1, low) && isKnown(2, high)) return node.emit("clamp", [x], { min: finite(low), max: finite(high) });
  const raised = node.optional(1) ? node.emit("max", [x, node.input(1)]) : x;
  return node.optional(2) ? node.emit("min", [raised, node.input(2)]) : raised;
});

const finite = (bound: number | undefined) => (Number.isFinite(bound) ? bound : undefined);

const Selu = operator({ alpha: float(1.6732631921768188), gamma: float(1.0507010221481323) }, (node, attributes) =>
  node.emit("selu", [node.input(0)], attributes),
);

const HardSigmoid = operator({ alpha: float(0.2), beta: float(0.5) }, (node, attributes) =>
  node.emit("hard_sigmoid", [node.input(0)], attributes),
);

const Gelu = operator({ approximate: text("none") }, (node, attributes) => node.emit("gelu", [node.input(0)], attributes));

const Shrink = operator({ bias: float(0), lambd: float(0.5) }, (node, { bias, lambd }) =>
  node.emit("shrink", [node.input(0)], { bias, lambda: lambd }),
);

const IsInf = operator({ detect_positive: flag(true), detect_negative: flag(true) }, (node, attributes) =>
  node.emit("is_inf", [node.input(0)], { positive: attributes.detect_positive, negative: attributes.detect_negative }),
);

const Cast = operator({ to: int(), saturate: flag(true) }, (node, { to, saturate }) => {
  if (to === undefined) throw new LanewiseError("format", 'attribute "to" is missing');
  return castTo(node, node.input(0), dataTypeOf(to, "its result"), saturate);
});

const CastLike = operator({ saturate: flag(true) }, (node, { saturate }) =>
  castTo(node, node.input(0), node.type(node.input(1)).dataType, saturate),
);

function castTo(node: NodeContext, x: Value, dataType: string, saturate: boolean): Value {
  return node.type(x).dataType === dataType ? x : node.emit("cast", [x], { dataType, saturate: saturate ? undefined : false });
}

/** Before opset 7 the slope of a channel applies along axis 1. */
const PRelu = (node: NodeContext) => {
  const [x, slope] = [node.input(0), node.input(1)];
  const { shape } = node.type(slope);
  const isPerChannel = node.version < 7 && shape.length === 1 && shape[0]! > 1;
  const ones = new Array<number>(Math.max(node.rank(x) - 2, 0)).fill(1);
  return node.emit("prelu", [x, isPerChannel ? reshaped(node, slope, [shape[0]!, ...ones]) : slope]);
};

/** The identity, unless a training mode that drops something is asked for; the mask says that all was kept. */
const Dropout = operator({ ratio: float(0.5) }, (node, { ratio }) => {
  const x = node.input(0);
  const training = node.version >= 12 && node.optional(2) !== null && node.requireElements(2, "a training mode")[0] === 1;
  const dropped = node.version >= 12 && node.optional(1) ? node.elements(1)?.[0] : ratio;
  if (training && dropped !== 0) throw node.unsupported("training mode");
  if (!node.hasOutput(1)) return x;
  return [x, filledLike(node, x, 1, node.version >= 10 ? "bool" : node.type(x).dataType)];
});

/** A tensor of one value in the shape of `x`. */
function filledLike(node: NodeContext, x: Value, value: number, dataType: string): Value {
  const { shape } = node.type(x);
  if (!shape.some(Number.isNaN)) return node.emit("fill", [], { shape, value, dataType });
  return node.emit("fill", [node.emit("shape", [x])], { value, dataType });
}

const Identity = (node: NodeContext) => node.input(0);

export const UNARY: ImportTable = {
  Abs: unary("abs"),
  Acos: unary("acos"),
  Acosh: unary("acosh"),
  Asin: unary("asin"),
  Asinh: unary("asinh"),
  Atan: unary("atan"),
  Atanh: unary("atanh"),
  BitwiseNot: unary("bitwise_not"),
  Cast,
  CastLike,
  Ceil: unary("ceil"),
  Celu: withAlpha("celu", 1),
  Clip,
  Cos: unary("cos"),
  Cosh: unary("cosh"),
  Dropout,
  Elu: withAlpha("elu", 1),
  Erf: unary("erf"),
  Exp: unary("exp"),
  Floor: unary("floor"),
  Gelu,
  HardSigmoid,
  HardSwish: unary("hard_swish"),
  Identity,
  IsInf,
  IsNaN: unary("is_nan"),
  LeakyRelu: withAlpha("leaky_relu", 0.01),
  Log: unary("log"),
  Mish: unary("mish"),
  Neg: unary("neg"),
  Not: unary("logical_not"),
  PRelu,
  Reciprocal: unary("reciprocal"),
  Relu,
  Round: unary("round"),
  Selu,
  Shrink,
  Sigmoid: unary("sigmoid"),
  Sign: unary("sign"),
  Sin: unary("sin"),
  Sinh: unary("sinh"),
  Softplus: unary("softplus"),
  Softsign: unary("softsign"),
  Sqrt: unary("sqrt"),
  Swish: withAlpha("swish", 1),
  Tan: unary("tan"),
  Tanh: unary("tanh"),
  ThresholdedRelu: withAlpha("thresholded_relu", 1),
};
