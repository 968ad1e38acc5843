// Arithmetic on two tensors that broadcast.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { ARITHMETIC, type BinaryFunction, FMOD, MOD, PLAIN } from "./binary-functions.ts";
import { broadcastAxes, forEachPair, planRows } from "./broadcast.ts";
import { UnaryCode } from "./codes.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef, type Operand } from "./define.ts";
import { isFloat, isWide } from "./host-elements.ts";
import { lowerInteger } from "./integer.ts";
import { realsOf, writeReals } from "./real.ts";
import { broadcastShape } from "./tile.ts";
import { unaryFunction } from "./unary-functions.ts";

const UNBOUNDED = [-Infinity, Infinity] as const;

const boundsOf = ({ attributes }: LowerContext | HostContext): readonly [number, number] => [
  attributes.number("min", UNBOUNDED[0]),
  attributes.number("max", UNBOUNDED[1]),
];

function inferBinary(ctx: InferContext): TensorType[] {
  const [a, b] = [ctx.input(0), ctx.input(1)];
  check(a.dataType === b.dataType, "shape", () => `both inputs must have one data type, got ${a.dataType} and ${b.dataType}`);
  return [{ dataType: a.dataType, shape: broadcastShape(a.shape, b.shape) }];
}

/** The kernel calls of y = f(a, b), clamped. */
export function emitBinary(
  ctx: LowerContext,
  { code, commutes }: BinaryFunction,
  a: Operand,
  b: Operand,
  bounds = UNBOUNDED as readonly [number, number],
): void {
  const y = ctx.output(0);
  const [left, right] = commutes && a.size === 1 ? [b, a] : [a, b];
  const plan = planRows(ctx, left, right, y.shape);
  const { cols, aStep, bStep } = plan;
  if (plan.rank === 0) ctx.emitSplit("f32_binary", cols, [y.pointer, plan.a, plan.b, code!, aStep, bStep, ...bounds]);
  else
    ctx.emitSplit("f32_binary_rows", plan.rows, [y.pointer, plan.a, plan.b, code!, cols, aStep, bStep, plan.table, plan.rank, ...bounds]);
}

/** Clamp and activation: the clamp alone rides on the binary kernel. */
function emitFused(ctx: LowerContext, f: BinaryFunction): void {
  const [a, b, y] = [ctx.input(0), ctx.input(1), ctx.output(0)];
  const name = ctx.attributes.string("activation", "");
  if (!name) {
    emitBinary(ctx, f, a, b, boundsOf(ctx));
    return;
  }
  const { code, p0, p1 } = unaryFunction(name, ctx.attributes);
  emitBinary(ctx, f, a, b);
  ctx.emitSplit("f32_unary", y.size, [y.pointer, y.pointer, code!, p0, p1]);
  if (ctx.attributes.has("min") || ctx.attributes.has("max"))
    ctx.emitSplit("f32_unary", y.size, [y.pointer, y.pointer, UnaryCode.clamp, ...boundsOf(ctx)]);
}

const isFloat32 = (...operands: readonly Operand[]): boolean => operands.every(({ dataType }) => dataType === "float32");

/** Nothing is fused into the operator. */
const isPlain = ({ attributes }: LowerContext): boolean => !["activation", "min", "max"].some((name) => attributes.has(name));

/** The fused activation is one that kernels know, or there is none. */
function activationIsLowered({ attributes }: LowerContext): boolean {
  const name = attributes.string("activation", "");
  return !name || unaryFunction(name, attributes).code !== undefined;
}

/** y = f(a, b) in TypeScript on any data type; `finish` is applied to each real result. */
function computeBinary(ctx: HostContext, f: BinaryFunction, finish = (x: number): number => x): void {
  const [a, b, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
  const axes = broadcastAxes(a, b, y.shape);
  let i = 0;
  if (isWide(a.dataType) && isWide(b.dataType) && f.wide) {
    const [left, right, to] = [a.data, b.data, y.data] as BigInt64Array[];
    const apply = f.wide;
    forEachPair(axes, (p, q) => (to![i++] = apply(left![p]!, right![q]!)));
    return;
  }
  const [left, right] = [realsOf(a, ctx.inputQuants[0]), realsOf(b, ctx.inputQuants[1])];
  const isInteger = !isFloat(y.dataType) && !ctx.outputQuants[0];
  const apply = (isInteger && f.integer) || f.real;
  const results = new Float64Array(y.data.length);
  forEachPair(axes, (p, q) => (results[i++] = finish(apply(left[p]!, right[q]!))));
  writeReals(y, results, ctx.outputQuants[0]);
}

/** What follows an arithmetic operator: activation, then clamp. */
function finishOf(ctx: HostContext): (x: number) => number {
  const [lo, hi] = boundsOf(ctx);
  const name = ctx.attributes.string("activation", "");
  const activate = name ? unaryFunction(name, ctx.attributes).real : (x: number) => x;
  return (x) => {
    const value = activate(x);
    return value < lo ? lo : Math.min(value, hi);
  };
}

const defineArithmetic = (name: string, f: BinaryFunction) =>
  defineOp({
    name,
    inPlace: [0, 1],
    infer: inferBinary,
    lower(ctx: LowerContext) {
      if (!isFloat32(ctx.input(0), ctx.input(1)))
        return (isPlain(ctx) && lowerInteger(ctx, f.integerCode)) || ctx.quantized?.binary(ctx, name, f) || false;
      if (!activationIsLowered(ctx)) return false;
      emitFused(ctx, f);
    },
    host: (ctx: HostContext) => computeBinary(ctx, f, finishOf(ctx)),
  });

/** Exponents that are one cheap function. */
const POWERS: ReadonlyMap<number, UnaryCode> = new Map([
  [1, UnaryCode.none],
  [2, UnaryCode.square],
  [0.5, UnaryCode.sqrt],
  [-0.5, UnaryCode.rsqrt],
  [-1, UnaryCode.reciprocal],
]);

/** x^e for one known exponent, where that needs no power; false elsewhere. */
function lowerKnownPower(ctx: LowerContext): boolean {
  const [x, e, y] = [ctx.input(0), ctx.input(1), ctx.output(0)];
  if (x.dataType !== "float32" || e.size !== 1 || !e.known || x.size !== y.size) return false;
  const exponent = Number(e.known[0]);
  const code = POWERS.get(exponent);
  if (code === undefined && exponent !== 3) return false;
  if (code !== undefined) ctx.emitSplit("f32_unary", x.size, [y.pointer, x.pointer, code, 0, 0]);
  else {
    const square = ctx.scratch(x.bytes);
    ctx.emitSplit("f32_unary", x.size, [square, x.pointer, UnaryCode.square, 0, 0]);
    ctx.emitSplit("f32_binary", x.size, [y.pointer, square, x.pointer, ARITHMETIC.mul!.code!, 1, 1, ...UNBOUNDED]);
  }
  const [lo, hi] = boundsOf(ctx);
  if (lo !== -Infinity || hi !== Infinity) ctx.emitSplit("f32_unary", y.size, [y.pointer, y.pointer, UnaryCode.clamp, lo, hi]);
  return true;
}

/** The exponent may have a data type of its own. */
const pow = defineOp({
  ...defineArithmetic("pow", ARITHMETIC.pow!),
  inPlace: [0],
  infer: (ctx: InferContext) => [{ dataType: ctx.input(0).dataType, shape: broadcastShape(ctx.input(0).shape, ctx.input(1).shape) }],
  lower(ctx: LowerContext) {
    if (!ctx.attributes.has("activation") && lowerKnownPower(ctx)) return;
    if (!isFloat32(ctx.input(0), ctx.input(1)) || !activationIsLowered(ctx)) return false;
    emitFused(ctx, ARITHMETIC.pow!);
  },
});

/** An operator without clamp or activation. */
const definePlain = (name: string, functionOf: (ctx: HostContext | LowerContext) => BinaryFunction) =>
  defineOp({
    name,
    inPlace: [0, 1],
    infer: inferBinary,
    lower(ctx: LowerContext) {
      const f = functionOf(ctx);
      if (!isFloat32(ctx.input(0), ctx.input(1))) return lowerInteger(ctx, f.integerCode) || ctx.quantized?.binary(ctx, name, f) || false;
      if (f.code === undefined) return false;
      emitBinary(ctx, f, ctx.input(0), ctx.input(1));
    },
    host: (ctx: HostContext) => computeBinary(ctx, functionOf(ctx)),
  });

export const BINARY_OPS: readonly OpDef[] = [
  ...Object.entries(ARITHMETIC)
    .filter(([name]) => name !== "pow")
    .map(([name, f]) => defineArithmetic(name, f)),
  pow,
  ...Object.entries(PLAIN).map(([name, f]) => definePlain(name, () => f)),
  definePlain("mod", ({ attributes }) => (attributes.boolean("fmod", false) ? FMOD : MOD)),
];
