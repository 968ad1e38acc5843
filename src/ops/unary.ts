// Operators on one tensor, element by element.
import { check } from "../errors.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { isFloat, isWide, numbersOf, writeNumbers } from "./host-elements.ts";
import { realsOf, writeReals } from "./real.ts";
import { UNARY_NAMES, type UnaryFunction, unaryFunction } from "./unary-functions.ts";

/** Kernel steps for a float32 tensor; false for other types and for functions that only TypeScript computes. */
function lowerFloat32(ctx: LowerContext, { code, p0, p1 }: UnaryFunction): boolean {
  const [x, y] = [ctx.input(0), ctx.output(0)];
  if (x.dataType !== "float32" || code === undefined) return false;
  ctx.emitSplit("f32_unary", x.size, [y.pointer, x.pointer, code, p0, p1]);
  return true;
}

function computeUnary(ctx: HostContext, { real, wide }: UnaryFunction): void {
  const [x, y] = [ctx.input(0), ctx.outputs[0]!];
  if (isWide(x.dataType) && wide) {
    const [from, to] = [x.data as BigInt64Array, y.data as BigInt64Array];
    for (let i = 0; i < to.length; i++) to[i] = wide(from[i]!);
    return;
  }
  const reals = realsOf(x, ctx.inputQuants[0]);
  writeReals(y, Float64Array.from(reals, real), ctx.outputQuants[0]);
}

const defineUnary = (name: string) =>
  defineOp({
    name,
    inPlace: [0],
    infer: (ctx: InferContext) => [{ dataType: ctx.input(0).dataType, shape: ctx.input(0).shape }],
    lower(ctx: LowerContext) {
      const f = unaryFunction(name, ctx.attributes);
      return lowerFloat32(ctx, f) || ctx.quantized?.unary(ctx, f.real) || false;
    },
    host: (ctx: HostContext) => computeUnary(ctx, unaryFunction(name, ctx.attributes)),
  });

/** An operator whose output says of every element whether something holds. */
const definePredicate = (name: string, holds: (x: number, ctx: HostContext) => boolean) =>
  defineOp({
    name,
    infer: (ctx: InferContext) => [{ dataType: "bool" as const, shape: ctx.input(0).shape }],
    host(ctx: HostContext) {
      const numbers = numbersOf(ctx.input(0));
      writeNumbers(
        ctx.outputs[0]!,
        Uint8Array.from(numbers, (x) => Number(holds(x, ctx))),
      );
    },
  });

const isNan = definePredicate("is_nan", Number.isNaN);

const isInf = definePredicate("is_inf", (x, { attributes }) => {
  if (x === Infinity) return attributes.boolean("positive", true);
  return x === -Infinity && attributes.boolean("negative", true);
});

const logicalNot = definePredicate("logical_not", (x) => x === 0);

const bitwiseNot = defineOp({
  name: "bitwise_not",
  inPlace: [0],
  infer(ctx: InferContext) {
    const { dataType, shape } = ctx.input(0);
    check(!isFloat(dataType), "shape", () => `expected integers, got ${dataType}`);
    return [{ dataType, shape }];
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    for (let i = 0; i < y.data.length; i++) y.data[i] = ~x.data[i]! as never;
  },
});

export const UNARY_OPS: readonly OpDef[] = [...UNARY_NAMES.map(defineUnary), isNan, isInf, logicalNot, bitwiseNot];
