// Comparisons, and the logic of truth values and of bits.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { COMPARISONS } from "./binary-functions.ts";
import { broadcastAxes, forEachPair } from "./broadcast.ts";
import { IntegerCode } from "./codes.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { isFloat, isWide } from "./host-elements.ts";
import { lowerComparison, lowerInteger } from "./integer.ts";
import { realsOf } from "./real.ts";
import { broadcastShape } from "./tile.ts";

const inferTruth = (ctx: InferContext): TensorType[] => [
  { dataType: "bool", shape: broadcastShape(ctx.input(0).shape, ctx.input(1).shape) },
];

/** Writes a truth value for every pair of elements. */
function decide<T>(ctx: HostContext, a: ArrayLike<T>, b: ArrayLike<T>, holds: (a: T, b: T) => boolean): void {
  const y = ctx.outputs[0]!;
  let i = 0;
  forEachPair(broadcastAxes(ctx.input(0), ctx.input(1), y.shape), (p, q) => {
    y.data[i++] = Number(holds(a[p]!, b[q]!)) as never;
  });
}

const defineComparison = (name: string, { code, holds }: (typeof COMPARISONS)[string]) =>
  defineOp({
    name,
    infer: inferTruth,
    lower: (ctx: LowerContext) => lowerComparison(ctx, code),
    host(ctx: HostContext) {
      const [a, b] = [ctx.input(0), ctx.input(1)];
      if (isWide(a.dataType) && isWide(b.dataType)) return decide(ctx, a.data as BigInt64Array, b.data as BigInt64Array, holds<bigint>);
      decide(ctx, realsOf(a, ctx.inputQuants[0]), realsOf(b, ctx.inputQuants[1]), holds<number>);
    },
  });

const defineLogical = (name: string, code: IntegerCode, holds: (a: boolean, b: boolean) => boolean) =>
  defineOp({
    name,
    infer: inferTruth,
    lower: (ctx: LowerContext) => lowerInteger(ctx, code),
    host(ctx: HostContext) {
      const [a, b] = [ctx.input(0).data, ctx.input(1).data] as Uint8Array[];
      decide(ctx, a!, b!, (p, q) => holds(Boolean(p), Boolean(q)));
    },
  });

/** `apply` works alike on numbers and on bigints. */
const defineBitwise = (name: string, code: IntegerCode | undefined, apply: (a: number, b: number, ctx: HostContext) => number) =>
  defineOp({
    name,
    inPlace: [0, 1],
    infer(ctx: InferContext): TensorType[] {
      const [a, b] = [ctx.input(0), ctx.input(1)];
      check(
        a.dataType === b.dataType && !isFloat(a.dataType),
        "shape",
        () => `expected integers of one type, got ${a.dataType} and ${b.dataType}`,
      );
      return [{ dataType: a.dataType, shape: broadcastShape(a.shape, b.shape) }];
    },
    lower: (ctx: LowerContext) => lowerInteger(ctx, code),
    host(ctx: HostContext) {
      const [a, b, y] = [ctx.input(0), ctx.input(1), ctx.outputs[0]!];
      let i = 0;
      forEachPair(broadcastAxes(a, b, y.shape), (p, q) => {
        y.data[i++] = apply(a.data[p] as number, b.data[q] as number, ctx) as never;
      });
    },
  });

/** Shifts as wide as the type leave nothing. */
function shift(a: number, b: number, { attributes, outputs }: HostContext): number {
  const left = attributes.string("direction") === "left";
  const bits = outputs[0]!.data.BYTES_PER_ELEMENT * 8;
  if (typeof a === "bigint") {
    if (b >= bits) return 0n as never;
    return left ? a << b : a >> b;
  }
  if (b >= bits) return 0;
  return left ? a << b : a >>> b;
}

export const LOGIC_OPS: readonly OpDef[] = [
  ...Object.entries(COMPARISONS).map(([name, comparison]) => defineComparison(name, comparison)),
  defineLogical("logical_and", IntegerCode.and, (a, b) => a && b),
  defineLogical("logical_or", IntegerCode.or, (a, b) => a || b),
  defineLogical("logical_xor", IntegerCode.xor, (a, b) => a !== b),
  defineBitwise("bitwise_and", IntegerCode.and, (a, b) => a & b),
  defineBitwise("bitwise_or", IntegerCode.or, (a, b) => a | b),
  defineBitwise("bitwise_xor", IntegerCode.xor, (a, b) => a ^ b),
  defineBitwise("bit_shift", undefined, shift),
];
