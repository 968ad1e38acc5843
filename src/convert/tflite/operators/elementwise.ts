// Operators on single elements: most have the same meaning under another name.
import type { Attributes, Value } from "../../../graph/types.ts";
import { dataTypeOf, like, type OperatorContext, type OperatorImport, type OperatorImports, shapeOf, withOptions } from "../context.ts";
import { bool, byte, float } from "../flatbuffer.ts";
import { fused } from "./fused.ts";

const same =
  (op: string, inputs: number, attributes: Attributes = {}): OperatorImport =>
  (ctx) =>
    ctx.emit(
      op,
      Array.from({ length: inputs }, (_, i) => ctx.input(i)),
      attributes,
    );

/** a, b, and an activation in the options. `kind` is the options' number; quantized sums are rounded as the format's runtimes do. */
const arithmetic = (op: string, kind: number, rounding?: string) =>
  withOptions(kind, { activation: byte(0) }, (ctx, { activation }) => {
    const rounded = ctx.output().quant && rounding ? { rounding } : {};
    ctx.emit(op, [ctx.input(0), ctx.input(1)], { ...rounded, ...fused(activation) });
  });

const CAST = (ctx: OperatorContext) => ctx.emit("cast", [ctx.input(0)], { dataType: dataTypeOf(ctx.output()) });

const ADD_N = (ctx: OperatorContext) => {
  const rest = ctx.inputs.map((_, i) => ctx.input(i));
  const last = rest.pop()!;
  if (rest.length === 0) return ctx.alias(last);
  const [first, ...middle] = rest;
  const y = ctx.output();
  const sum = middle.reduce((left, right) => ctx.make("add", [left, right], {}, like(y, shapeOf(y))), first!);
  ctx.emit("add", [sum, last]);
};

/** condition, a, b: a condition of one dimension chooses whole rows. */
const SELECT = (ctx: OperatorContext) => {
  const condition = ctx.input(0);
  const rank = shapeOf(ctx.input(1)).length;
  const [rows] = shapeOf(condition);
  const column = [rows === undefined || Number.isNaN(rows) ? -1 : rows, ...Array<number>(Math.max(0, rank - 1)).fill(1)];
  const choosesRows = shapeOf(condition).length === 1 && rank > 1;
  const aligned: Value = choosesRows ? ctx.make("reshape", [condition], { shape: column }, like(condition, column)) : condition;
  ctx.emit("where", [aligned, ctx.input(1), ctx.input(2)]);
};

const ZEROS_LIKE = (ctx: OperatorContext) => {
  const x = ctx.input(0);
  const shape = ctx.make("shape", [x], { dataType: "int32" }, { dataType: "int32", shape: [shapeOf(x).length] });
  ctx.emit("fill", [shape], { value: 0, dataType: dataTypeOf(ctx.output()) });
};

export const elementwise: OperatorImports = {
  ABS: same("abs", 1),
  CEIL: same("ceil", 1),
  COS: same("cos", 1),
  ELU: same("elu", 1, { alpha: 1 }),
  EXP: same("exp", 1),
  FLOOR: same("floor", 1),
  GELU: withOptions(116, { approximate: bool(0) }, (ctx, { approximate }) =>
    ctx.emit("gelu", [ctx.input(0)], { approximate: approximate ? "tanh" : "none" }),
  ),
  HARD_SWISH: same("hard_swish", 1),
  LEAKY_RELU: withOptions(75, { alpha: float(0) }, (ctx, { alpha }) => ctx.emit("leaky_relu", [ctx.input(0)], { alpha })),
  LOG: same("log", 1),
  LOGICAL_NOT: same("logical_not", 1),
  LOGISTIC: same("sigmoid", 1),
  NEG: same("neg", 1),
  RELU: same("clamp", 1, { min: 0 }),
  RELU6: same("clamp", 1, { min: 0, max: 6 }),
  RELU_0_TO_1: same("clamp", 1, { min: 0, max: 1 }),
  RELU_N1_TO_1: same("clamp", 1, { min: -1, max: 1 }),
  ROUND: same("round", 1),
  RSQRT: same("rsqrt", 1),
  SIGN: same("sign", 1),
  SIN: same("sin", 1),
  SQRT: same("sqrt", 1),
  SQUARE: same("square", 1),
  TANH: same("tanh", 1),
  CAST,
  ZEROS_LIKE,

  ADD: arithmetic("add", 11, "half_up"),
  SUB: arithmetic("sub", 28, "half_up"),
  MUL: arithmetic("mul", 21),
  DIV: arithmetic("div", 29),
  ADD_N,
  ATAN2: same("atan2", 2),
  FLOOR_DIV: same("floor_div", 2),
  FLOOR_MOD: same("mod", 2, { fmod: false }),
  MAXIMUM: same("max", 2),
  MINIMUM: same("min", 2),
  POW: same("pow", 2),
  PRELU: same("prelu", 2),
  SQUARED_DIFFERENCE: same("squared_difference", 2),
  EQUAL: same("equal", 2),
  NOT_EQUAL: same("not_equal", 2),
  LESS: same("less", 2),
  LESS_EQUAL: same("less_equal", 2),
  GREATER: same("greater", 2),
  GREATER_EQUAL: same("greater_equal", 2),
  LOGICAL_AND: same("logical_and", 2),
  LOGICAL_OR: same("logical_or", 2),
  BITWISE_XOR: same("bitwise_xor", 2),
  RIGHT_SHIFT: same("bit_shift", 2, { direction: "right" }),
  SELECT,
  SELECT_V2: same("where", 3),
};
