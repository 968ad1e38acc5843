// Operators that change the shape of a tensor and not its elements, and those that make or spread elements.
import { check } from "../../../errors.ts";
import { constantElements } from "../../../graph/constant.ts";
import type { Constant, Value } from "../../../graph/types.ts";
import { dataTypeOf, elementsOf, like, type OperatorContext, type OperatorImports, shapeOf, unsupported, withOptions } from "../context.ts";
import { int, ints } from "../flatbuffer.ts";
import { imaginaryOf, setImaginary } from "./spectrum.ts";

/** x, shape?: a 0 in the shape is a dimension of 0. Old files have the shape among the options, [0] for a scalar. */
const RESHAPE = withOptions(17, { newShape: ints(0, "new_shape") }, (ctx, { newShape }) => {
  const given = ctx.inputs[1];
  const known = given ? elementsOf(given) : legacyShape(newShape);
  const [x, y] = [ctx.input(0), ctx.output()];
  const rest = known ? [] : [given!];
  const attributes = known ? { shape: known, ...(known.includes(0) && { allowZero: true }) } : { allowZero: true };
  ctx.emit("reshape", [x, ...rest], attributes);
  const imaginary = imaginaryOf(x);
  if (imaginary) setImaginary(y, ctx.make("reshape", [imaginary, ...rest], attributes, like(y, shapeOf(y))));
});

const legacyShape = (shape: readonly number[]): readonly number[] => (shape.length === 1 && shape[0] === 0 ? [] : shape);

const SQUEEZE = withOptions(30, { axes: ints(0, "squeeze_dims") }, (ctx, { axes }) =>
  ctx.emit("squeeze", [ctx.input(0)], axes.length > 0 ? { axes } : {}),
);

const EXPAND_DIMS = (ctx: OperatorContext) => ctx.emit("unsqueeze", [ctx.input(0)], { axes: ctx.known(1, "the axis") });

const TRANSPOSE = (ctx: OperatorContext) => ctx.emit("transpose", [ctx.input(0)], { perm: ctx.known(1, "the permutation") });

/** a value for each index of a new axis */
const PACK = withOptions(59, { axis: int(1) }, (ctx, { axis }) => {
  const parts = ctx.inputs.map((_, i) => {
    const x = ctx.input(i);
    const shape = [...shapeOf(x)];
    shape.splice(axis < 0 ? shape.length + 1 + axis : axis, 0, 1);
    return ctx.make("unsqueeze", [x], { axes: [axis] }, like(x, shape));
  });
  ctx.emit("concat", parts, { axis });
});

/** An output for each index of an axis, which goes away. */
const UNPACK = withOptions(64, { axis: int(1) }, (ctx, { axis }) => {
  const x = ctx.input(0);
  const shape = shapeOf(x).map((dim, i) => (i === (axis < 0 ? axis + shapeOf(x).length : axis) ? 1 : dim));
  const parts = ctx.outputs.map((_, i) => ctx.value("split", { ...like(ctx.output(i), shape) }));
  ctx.emit("split", [x], { axis }, parts);
  for (const [i, part] of parts.entries()) ctx.emit("squeeze", [part], { axes: [axis] }, [ctx.output(i)]);
});

const SHAPE = (ctx: OperatorContext) => ctx.emit("shape", [ctx.input(0)], { dataType: dataTypeOf(ctx.output()) });

const RANK = (ctx: OperatorContext) => ctx.alias(ctx.constant("rank", "int32", [], Int32Array.of(shapeOf(ctx.input(0)).length)));

/** x, multiples */
const TILE = (ctx: OperatorContext) => {
  const repeats = elementsOf(ctx.input(1));
  ctx.emit("tile", repeats ? [ctx.input(0)] : [ctx.input(0), ctx.input(1)], repeats ? { repeats } : {});
};

/** x, shape */
const BROADCAST_TO = (ctx: OperatorContext) => expand(ctx, ctx.input(0), ctx.input(1));

function expand(ctx: OperatorContext, x: Value, target: Value): void {
  const shape = elementsOf(target);
  ctx.emit("expand", shape ? [x] : [x, target], shape ? { shape } : {});
}

/** shape, value */
const FILL = (ctx: OperatorContext) => {
  const [target, x] = [ctx.input(0), ctx.input(1)];
  const value = elementsOf(x)?.[0];
  if (value === undefined || x.quant) return expand(ctx, x, target);
  const shape = elementsOf(target);
  ctx.emit("fill", shape ? [] : [target], { value, dataType: dataTypeOf(x), ...(shape && { shape }) });
};

/** start, limit, delta */
const RANGE = (ctx: OperatorContext) => ctx.emit("range", [ctx.input(0), ctx.input(1), ctx.input(2)]);

/** indices, depth, on, off */
const ONE_HOT = withOptions(61, { axis: int(0) }, (ctx, { axis }) => {
  const [on, off] = [ctx.input(2), ctx.input(3)];
  const dataType = dataTypeOf(on);
  check(dataType === dataTypeOf(off), "shape", () => `the on value is ${dataType}, the off value ${dataTypeOf(off)}`);
  ctx.emit("one_hot", [ctx.input(0), ctx.input(1), offAndOn(ctx, off, on)], { axis });
});

function offAndOn(ctx: OperatorContext, off: Value, on: Value): Value {
  if (!off.constant || !on.constant) unsupported("the on and off values must be constant");
  const parts = [off, on].map((value) => constantElements(value as Value & { constant: Constant }));
  const values = parts[0]!.slice(0, 2);
  check(
    parts.every((part) => part.length === 1),
    "shape",
    () => "the on and off values must be scalars",
  );
  const pair = new (values.constructor as new (length: number) => typeof values)(2);
  pair[0] = parts[0]![0] as never;
  pair[1] = parts[1]![0] as never;
  return ctx.constant("values", dataTypeOf(on), [2], pair);
}

export const shapes: OperatorImports = {
  RESHAPE,
  SQUEEZE,
  EXPAND_DIMS,
  TRANSPOSE,
  PACK,
  UNPACK,
  SHAPE,
  RANK,
  TILE,
  BROADCAST_TO,
  FILL,
  RANGE,
  ONE_HOT,
};
