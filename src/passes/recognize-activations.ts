// Activations that exporters write out as formulas.
import { floatsOf } from "./constants.ts";
import { any, clamped, commutes, either, isNear, op, type Pattern, product, scalar, squared, sum } from "./pattern.ts";
import { type Recognition, recognize } from "./recognize.ts";
import type { Rewriter } from "./rewrite.ts";

const x = any("x");
const onePlusExpOf = (power: Pattern): Pattern => sum(1, op("exp", [power]));
/** hard_sigmoid as hard_swish has it: clamp(x / 6 + 0.5, 0, 1). */
const hardSixth: Pattern = op(
  "hard_sigmoid",
  [x],
  ({ alpha = 0.2, beta = 0.5 }) => isNear(alpha as number, 1 / 6) && isNear(beta as number, 0.5),
);
const cubed: readonly Pattern[] = [
  product(0.044715, x, x, x),
  product(0.044715, op("pow", [x, scalar(3)])),
  product(0.044715, x, squared(x)),
];
const erfOfX: Pattern = op("erf", [product(Math.SQRT1_2, x)]);
const tanhArgument: Pattern = either(
  product(Math.sqrt(2 / Math.PI), sum(0, x, either(...cubed))),
  product(Math.sqrt(2 / Math.PI), x, sum(1, either(product(0.044715, squared(x)), product(0.044715, x, x)))),
);

const isSlope = (alpha: number): boolean => alpha > 0 && alpha < 1;

export const ACTIVATIONS: readonly Recognition[] = [
  {
    op: "sigmoid",
    formula: either(op("reciprocal", [onePlusExpOf(product(-1, x))]), op("div", [scalar(1), onePlusExpOf(product(-1, x))])),
  },
  { op: "square", formula: either(op("pow", [x, scalar(2)]), op("mul", [x, x])) },
  { op: "sqrt", formula: op("pow", [x, scalar(0.5)]) },
  { op: "reciprocal", formula: either(op("pow", [x, scalar(-1)]), op("div", [scalar(1), x])) },
  { op: "rsqrt", formula: either(op("pow", [x, scalar(-0.5)]), op("reciprocal", [op("sqrt", [x])])) },
  { op: "softplus", formula: op("log", [onePlusExpOf(x)]) },
  { op: "softsign", formula: op("div", [x, sum(1, op("abs", [x]))]) },
  { op: "mish", formula: product(1, x, op("tanh", [op("softplus", [x])])) },
  { op: "clamp", formula: commutes("max", x, scalar("min")), attributes: (m) => ({ min: m.number("min") }) },
  { op: "clamp", formula: commutes("min", x, scalar("max")), attributes: (m) => ({ max: m.number("max") }) },
  { op: "hard_swish", formula: either(product(1 / 6, x, clamped(sum(3, x), 0, 6)), product(1, x, hardSixth)) },
  {
    op: "hard_sigmoid",
    formula: product("factor", clamped(sum("term", product("slope", x)), 0, "high")),
    attributes: (m) => {
      const [factor, high] = [m.number("factor"), m.number("high")];
      const isOne = Math.abs(factor * high - 1) < 1e-5;
      return isOne && m.nodes.size > 2 ? { alpha: factor * m.number("slope"), beta: factor * m.number("term") } : undefined;
    },
  },
  {
    op: "swish",
    formula: product(1, x, op("sigmoid", [product("alpha", x)])),
    attributes: (m) => (m.number("alpha") === 1 ? {} : { alpha: m.number("alpha") }),
  },
  { op: "gelu", formula: product(0.5, x, sum(1, erfOfX)) },
  { op: "gelu", formula: product(0.5, x, sum(1, op("tanh", [tanhArgument]))), attributes: () => ({ approximate: "tanh" }) },
  {
    op: "leaky_relu",
    formula: commutes("max", x, product("alpha", x)),
    attributes: (m) => (isSlope(m.number("alpha")) ? { alpha: m.number("alpha") } : undefined),
  },
];

/** prelu with one slope for all elements → leaky_relu. */
export function recognizeLeakyRelu(graph: Rewriter): void {
  for (const node of graph.nodes()) {
    const slopes = node.op === "prelu" ? floatsOf(node.inputs[1]) : undefined;
    if (!slopes?.length || slopes.some((slope) => slope !== slopes[0])) continue;
    graph.update(node, { op: "leaky_relu", inputs: [node.inputs[0]!], attributes: { alpha: slopes[0]! } });
  }
}

/** x · sigmoid(x) → swish, max(x, a · x) → leaky_relu, … */
export const recognizeActivations = (graph: Rewriter): void => recognize(graph, ACTIVATIONS);
