// Functions of two and more tensors, element by element.
import type { Value } from "../../../graph/types.ts";
import { flag, int, text } from "../attributes.ts";
import { reshaped } from "../layout.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

/**
 * Two operands that broadcast as numpy does. Before opset 7 the second stands at an axis of the first when
 * `broadcast` is set.
 */
const legacyBroadcast = { broadcast: flag(false), axis: int() };

const binary = (op: string) =>
  operator(legacyBroadcast, (node, { broadcast, axis }) => {
    const [a, b] = [node.input(0), node.input(1)];
    return node.emit(op, [a, node.version < 7 && broadcast ? placedAt(node, a, b, axis) : b]);
  });

function placedAt(node: NodeContext, a: Value, b: Value, axis: number | undefined): Value {
  const { shape } = node.type(b);
  if (axis === undefined) return b;
  const trailing = node.rank(a) - (axis < 0 ? axis + node.rank(a) : axis) - shape.length;
  if (trailing <= 0) return b;
  return reshaped(node, b, [...node.staticShape(b), ...new Array<number>(trailing).fill(1)]);
}

/** An operator on one or more tensors, two at a time. */
function chain(node: NodeContext, op: string): Value {
  return node.allInputs().reduce((a, b) => node.emit(op, [a, b]));
}

const nary = (op: string) => (node: NodeContext) => chain(node, op);

const Mean = (node: NodeContext) => {
  const sum = chain(node, "add");
  return node.inputs.length === 1 ? sum : node.emit("div", [sum, node.scalarLike(sum, node.inputs.length)]);
};

/** The exponent takes the data type of the base. */
const Pow = operator(legacyBroadcast, (node, { broadcast, axis }) => {
  const [base, exponent] = [node.input(0), node.input(1)];
  const placed = node.version < 7 && broadcast ? placedAt(node, base, exponent, axis) : exponent;
  const { dataType } = node.type(base);
  if (node.type(placed).dataType === dataType) return node.emit("pow", [base, placed]);
  const isInteger = dataType !== "float32" && dataType !== "float64" && dataType !== "float16";
  if (!isInteger) return node.emit("pow", [base, node.emit("cast", [placed], { dataType })]);
  const power = node.emit("pow", [
    node.emit("cast", [base], { dataType: "float32" }),
    node.emit("cast", [placed], { dataType: "float32" }),
  ]);
  return node.emit("cast", [power], { dataType });
});

const Mod = operator({ fmod: flag(false) }, (node, { fmod }) => node.emit("mod", [node.input(0), node.input(1)], { fmod }));

const BitShift = operator({ direction: text("") }, (node, { direction }) =>
  node.emit("bit_shift", [node.input(0), node.input(1)], { direction: direction.toLowerCase() }),
);

const Where = (node: NodeContext) => node.emit("where", [node.input(0), node.input(1), node.input(2)]);

export const BINARY: ImportTable = {
  Add: binary("add"),
  And: binary("logical_and"),
  BitShift,
  BitwiseAnd: binary("bitwise_and"),
  BitwiseOr: binary("bitwise_or"),
  BitwiseXor: binary("bitwise_xor"),
  Div: binary("div"),
  Equal: binary("equal"),
  Greater: binary("greater"),
  GreaterOrEqual: binary("greater_equal"),
  Less: binary("less"),
  LessOrEqual: binary("less_equal"),
  Max: nary("max"),
  Mean,
  Min: nary("min"),
  Mod,
  Mul: binary("mul"),
  Or: binary("logical_or"),
  Pow,
  Sub: binary("sub"),
  Sum: nary("add"),
  Where,
  Xor: binary("logical_xor"),
};
