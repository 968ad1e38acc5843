// Parts of tensors: slices, splits, lookups by index, and their counterparts that put parts together.
import { check } from "../../../errors.ts";
import type { Attributes, Value } from "../../../graph/types.ts";
import { dataTypeOf, elementsOf, like, type OperatorContext, type OperatorImports, shapeOf, unsupported, withOptions } from "../context.ts";
import { bool, byte, int } from "../flatbuffer.ts";
import { emitActivated } from "./fused.ts";

/** "To the end" as an index that is past every end. */
const END = 2 ** 31 - 1;

const CONCATENATION = withOptions(10, { axis: int(0), activation: byte(1) }, (ctx, { axis, activation }) =>
  emitActivated(ctx, activation, { op: "concat", inputs: ctx.inputs.map((_, i) => ctx.input(i)), attributes: { axis } }),
);

/** axis, x */
const SPLIT = (ctx: OperatorContext) => {
  const [axis] = ctx.known(0, "the axis");
  check(axis !== undefined, "shape", () => "the axis is empty");
  ctx.emit("split", [ctx.input(1)], { axis });
};

/** x, sizes, axis: a size of −1 takes what is left */
const SPLIT_V = (ctx: OperatorContext) => {
  const [axis] = ctx.known(2, "the axis");
  check(axis !== undefined, "shape", () => "the axis is empty");
  const sizes = elementsOf(ctx.input(1));
  if (!sizes) return ctx.emit("split", [ctx.input(0), ctx.input(1)], { axis });
  const given = sizes.filter((size) => size !== -1).reduce((sum, size) => sum + size, 0);
  const rest = (shapeOf(ctx.input(0)).at(axis) ?? Number.NaN) - given;
  if (sizes.includes(-1) && Number.isNaN(rest)) unsupported("a part of the remaining size needs a dimension that the file knows");
  ctx.emit("split", [ctx.input(0)], { axis, sizes: sizes.map((size) => (size === -1 ? rest : size)) });
};

/** x, begin, size: a size of −1 goes to the end */
const SLICE = (ctx: OperatorContext) => {
  const [x, begin, size] = [ctx.input(0), ctx.input(1), ctx.input(2)];
  const [starts, sizes] = [elementsOf(begin), elementsOf(size)];
  if (starts && sizes)
    return ctx.emit("slice", [x], { starts, ends: starts.map((start, i) => (sizes[i] === -1 ? END : start + (sizes[i] ?? 0))) });
  const ends = ctx.make("add", [begin, size], {}, like(begin, shapeOf(begin)));
  if (sizes && !sizes.includes(-1)) return ctx.emit("slice", [x, begin, ends]);
  const integer = (what: string, value: number) => {
    const data = begin.type?.dataType === "int64" ? BigInt64Array.of(BigInt(value)) : Int32Array.of(value);
    return ctx.constant(what, begin.type?.dataType ?? "int32", [1], data);
  };
  const open = ctx.make("equal", [size, integer("rest", -1)], {}, { dataType: "bool", shape: shapeOf(size) });
  const bounded = ctx.make("where", [open, integer("end", END), ends], {}, like(begin, shapeOf(begin)));
  ctx.emit("slice", [x, begin, bounded]);
};

/** x, begin, end, strides */
const STRIDED_SLICE = withOptions(
  32,
  { beginMask: int(0), endMask: int(1), ellipsisMask: int(2), newAxisMask: int(3), shrinkAxisMask: int(4), offset: bool(5) },
  (ctx, { offset, ...masks }) => {
    const [begin, strides] = [ctx.input(1), ctx.input(3)];
    const end = offset ? offsetEnd(ctx, begin, ctx.input(2)) : ctx.input(2);
    const parameters = { begin, end, strides };
    const known = Object.entries(parameters).map(([name, value]) => [name, elementsOf(value)] as const);
    const attributes: Attributes = { ...Object.fromEntries(known.filter(([, elements]) => elements)), ...masks };
    const inputs: (Value | null)[] = Object.values(parameters).map((value) => (value.constant ? null : value));
    while (inputs.at(-1) === null) inputs.pop();
    ctx.emit("strided_slice", [ctx.input(0), ...inputs], attributes);
  },
);

/** An end that is counted from the beginning. */
const offsetEnd = (ctx: OperatorContext, begin: Value, end: Value): Value => ctx.make("add", [begin, end], {}, like(end, shapeOf(end)));

/** x, axes: the elements in reverse along them */
const REVERSE_V2 = (ctx: OperatorContext) => {
  const axes = ctx.known(1, "the axes");
  const all = (value: number) => axes.map(() => value);
  ctx.emit("slice", [ctx.input(0)], { starts: all(-1), ends: all(-END), axes, steps: all(-1) });
};

const REVERSE_SEQUENCE = withOptions(87, { timeAxis: int(0), batchAxis: int(1) }, (ctx, axes) =>
  ctx.emit("reverse_sequence", [ctx.input(0), ctx.input(1)], axes),
);

const GATHER = withOptions(23, { axis: int(0), batchDims: int(1) }, (ctx, options) =>
  ctx.emit("gather", [ctx.input(0), ctx.input(1)], options),
);

const GATHER_ND = (ctx: OperatorContext) => ctx.emit("gather_nd", [ctx.input(0), ctx.input(1)]);

/** ids, table: rows, as floats where the table alone is quantized */
const EMBEDDING_LOOKUP = (ctx: OperatorContext) => {
  const [ids, table, y] = [ctx.input(0), ctx.input(1), ctx.output()];
  if (!table.quant || y.quant) return ctx.emit("gather", [table, ids], { axis: 0 });
  if (table.quant.axis !== undefined) unsupported("a table with a scale for each row is not supported");
  const rows = ctx.make("gather", [table, ids], { axis: 0 }, like(table, shapeOf(y)));
  ctx.emit("dequantize", [rows]);
};

/** indices, updates, shape: updates of one place add up */
const SCATTER_ND = (ctx: OperatorContext) => {
  const [indices, updates, target] = [ctx.input(0), ctx.input(1), ctx.input(2)];
  const type = like(updates, shapeOf(ctx.output()));
  const shape = elementsOf(target);
  const attributes = { value: 0, dataType: type.dataType, ...(shape && { shape }) };
  const zeros = ctx.make("fill", shape ? [] : [target], attributes, type);
  ctx.emit("scatter_nd", [zeros, indices, updates], { reduction: "add" });
};

/** Indices of what is not zero, a row each. */
const WHERE = (ctx: OperatorContext) => {
  const x = ctx.input(0);
  const columns = ctx.make("non_zero", [x], {}, { dataType: "int64", shape: [shapeOf(x).length, Number.NaN] });
  ctx.emit("transpose", [columns], { perm: [1, 0] });
};

/** Outputs: each value once, in the order in which they come, and where each element of x is among them. */
const UNIQUE = (ctx: OperatorContext) => {
  const [values, places] = [ctx.output(0), ctx.output(1)];
  const inverse = dataTypeOf(places) === "int64" ? places : ctx.value("unique", { dataType: "int64", shape: shapeOf(places) });
  ctx.emit("unique", [ctx.input(0)], { sorted: false }, [values, null, inverse]);
  if (inverse !== places) ctx.emit("cast", [inverse], { dataType: dataTypeOf(places) }, [places]);
};

export const slicing: OperatorImports = {
  CONCATENATION,
  SPLIT,
  SPLIT_V,
  SLICE,
  STRIDED_SLICE,
  REVERSE_V2,
  REVERSE_SEQUENCE,
  GATHER,
  GATHER_ND,
  EMBEDDING_LOOKUP,
  SCATTER_ND,
  WHERE,
  UNIQUE,
};
