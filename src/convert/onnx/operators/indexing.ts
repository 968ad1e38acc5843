// Choosing elements by index or by condition, and tensors made from little.
import { LanewiseError } from "../../../errors.ts";
import { constantElements } from "../../../graph/constant.ts";
import type { Constant as StoredConstant, Value } from "../../../graph/types.ts";
import { flag, float, floats, int, ints, tensor, text } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import { dataTypeOf, tensorValue } from "../tensor.ts";

const Gather = operator({ axis: int(0) }, (node, attributes) => node.emit("gather", [node.input(0), node.input(1)], attributes));

const GatherElements = operator({ axis: int(0) }, (node, attributes) =>
  node.emit("gather_elements", [node.input(0), node.input(1)], attributes),
);

const GatherND = operator({ batch_dims: int(0) }, (node, { batch_dims }) =>
  node.emit("gather_nd", [node.input(0), node.input(1)], { batchDims: batch_dims }),
);

const three = (node: NodeContext): Value[] => [node.input(0), node.input(1), node.input(2)];

const ScatterElements = operator({ axis: int(0), reduction: text("none") }, (node, attributes) =>
  node.emit("scatter_elements", three(node), attributes),
);

const ScatterND = operator({ reduction: text("none") }, (node, attributes) => node.emit("scatter_nd", three(node), attributes));

const CONSTANT = { value: tensor(), value_float: float(), value_floats: floats(), value_int: int(), value_ints: ints() };

const Constant = operator(CONSTANT, (node, { value, value_float, value_floats, value_int, value_ints }) => {
  if (value) return tensorValue(value, node.builder.freshName(`${node.name}/value`));
  const list = value_floats ?? value_ints;
  const dataType = value_float !== undefined || value_floats ? "float32" : "int64";
  if (list) return node.constant(dataType, [list.length], list);
  const scalar = value_float ?? value_int;
  if (scalar === undefined) throw node.unsupported("a constant that is sparse or a string");
  return node.constant(dataType, [], [scalar]);
});

const ConstantOfShape = operator({ value: tensor() }, (node, { value }) => {
  const constant = value ? tensorValue(value, "value") : undefined;
  const dataType = constant?.type?.dataType ?? "float32";
  if (dataType === "float16") throw node.unsupported("float16");
  const element = constant ? Number(constantElements(constant as Value & { constant: StoredConstant })[0] ?? 0) : 0;
  const shape = node.elements(0);
  return node.emit("fill", shape ? [] : [node.input(0)], { shape, value: element, dataType });
});

const Range = (node: NodeContext) => node.emit("range", three(node));

const OneHot = operator({ axis: int(-1) }, (node, attributes) => node.emit("one_hot", three(node), attributes));

const EyeLike = operator({ dtype: int(), k: int(0) }, (node, { dtype, k }) => {
  const x = node.input(0);
  return node.emit("eye_like", [x], { k, dataType: dtype === undefined ? node.type(x).dataType : dataTypeOf(dtype, "its result") });
});

const Trilu = operator({ upper: flag(true) }, (node, { upper }) => {
  const k = node.optional(1) ? node.elements(1)?.[0] : 0;
  return node.emit("trilu", [node.input(0), ...(k === undefined ? [node.input(1)] : [])], { upper, k });
});

const NonZero = (node: NodeContext) => node.emit("non_zero", [node.input(0)]);

const Compress = operator({ axis: int() }, (node, attributes) => node.emit("compress", [node.input(0), node.input(1)], attributes));

const Unique = operator({ axis: int(), sorted: flag(true) }, (node, attributes) => node.emitAll("unique", [node.input(0)], attributes, 4));

const NonMaxSuppression = operator({ center_point_box: flag(false) }, (node, { center_point_box }) =>
  node.emit("non_max_suppression", [node.input(0), node.input(1), node.optional(2), node.optional(3), node.optional(4)], {
    centerPointBox: center_point_box,
  }),
);

const ReverseSequence = operator({ batch_axis: int(1), time_axis: int(0) }, (node, { batch_axis, time_axis }) =>
  node.emit("reverse_sequence", [node.input(0), node.input(1)], { batchAxis: batch_axis, timeAxis: time_axis }),
);

const Einsum = operator({ equation: text() }, (node, { equation }) => {
  if (equation === undefined) throw new LanewiseError("format", 'attribute "equation" is missing');
  return node.emit("einsum", node.allInputs(), { equation });
});

export const INDEXING: ImportTable = {
  Compress,
  Constant,
  ConstantOfShape,
  Einsum,
  EyeLike,
  Gather,
  GatherElements,
  GatherND,
  NonMaxSuppression,
  NonZero,
  OneHot,
  Range,
  ReverseSequence,
  Scatter: ScatterElements,
  ScatterElements,
  ScatterND,
  Trilu,
  Unique,
};
