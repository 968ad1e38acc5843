import { describe, expect, test } from "vitest";
import { printNode } from "../../src/graph/print.ts";
import type { Value } from "../../src/graph/types.ts";
import { recognizeActivations, recognizeLeakyRelu } from "../../src/passes/recognize-activations.ts";
import { recognizeNorms } from "../../src/passes/recognize-norms.ts";
import { GraphUnderTest, runPasses } from "./support.ts";

type Formula = (g: GraphUnderTest, x: Value) => Value;

/** What is left of a formula in x: f32[2,3,8], a line a node. */
function recognized(formula: Formula): string[] {
  const g = new GraphUnderTest();
  const y = formula(g, g.input("x", [2, 3, 8]));
  return runPasses(g.graph(y), recognizeNorms, recognizeActivations, recognizeLeakyRelu).nodes.map((node) =>
    printNode(node).replace(/^.* = /, ""),
  );
}

/** (x − mean) / √(max(mean square − mean², 0) + ½) · scale; where the means lose their axis, reshapes bring it back. */
function byMoments(g: GraphUnderTest, x: Value, isKept: boolean, meanOf: (moment: Value) => Value): Value {
  const back = (value: Value) => (isKept ? value : g.node("reshape", [value], { shape: [2, 3, 1] }));
  const mean = meanOf(x);
  const variance = g.node("max", [g.node("sub", [meanOf(g.node("square", [x])), g.node("square", [mean])]), g.number(0)]);
  const inverse = back(g.node("rsqrt", [g.node("add", [variance, g.number(0.5)])]));
  const factor = g.node("mul", [inverse, g.constant("scale", [1, 1, 8])]);
  return g.node("mul", [g.node("sub", [x, back(mean)]), factor]);
}

const FORMULAS: { readonly [result: string]: readonly Formula[] } = {
  "sigmoid(%x)": [
    (g, x) => g.node("div", [g.number(1), g.node("add", [g.number(1), g.node("exp", [g.node("neg", [x])])])]),
    (g, x) => g.node("reciprocal", [g.node("add", [g.node("exp", [g.node("mul", [x, g.number(-1)])]), g.number(1)])]),
  ],
  "softplus(%x)": [(g, x) => g.node("log", [g.node("add", [g.node("exp", [x]), g.number(1)])])],
  "softsign(%x)": [(g, x) => g.node("div", [x, g.node("add", [g.number(1), g.node("abs", [x])])])],
  "mish(%x)": [(g, x) => g.node("mul", [g.node("tanh", [g.node("softplus", [x])]), x])],
  "clamp(%x) {min=0}": [(g, x) => g.node("max", [g.number(0), x])],
  "clamp(%x) {max=6}": [(g, x) => g.node("min", [x, g.number(6)])],
  "swish(%x)": [(g, x) => g.node("mul", [x, g.node("sigmoid", [x])]), (g, x) => g.node("mul", [g.node("sigmoid", [x]), x])],
  "swish(%x) {alpha=1.5}": [(g, x) => g.node("mul", [x, g.node("sigmoid", [g.node("mul", [g.number(1.5), x])])])],
  "hard_swish(%x)": [
    (g, x) => g.node("div", [g.node("mul", [x, g.node("clamp", [g.node("add", [x, g.number(3)])], { min: 0, max: 6 })]), g.number(6)]),
    (g, x) => g.node("mul", [g.node("mul", [g.node("clamp", [g.node("add", [g.number(3), x])], { min: 0, max: 6 }), g.number(1 / 6)]), x]),
    (g, x) => g.node("mul", [x, g.node("hard_sigmoid", [x], { alpha: 1 / 6, beta: 0.5 })]),
  ],
  "hard_sigmoid(%x) {alpha=0.25 beta=0.5}": [
    (g, x) => g.node("clamp", [g.node("add", [g.node("mul", [x, g.number(0.25)]), g.number(0.5)])], { min: 0, max: 1 }),
    (g, x) => g.node("div", [g.node("clamp", [g.node("add", [x, g.number(2)])], { min: 0, max: 4 }), g.number(4)]),
  ],
  "gelu(%x)": [
    (g, x) => {
      const half = g.node("mul", [x, g.number(0.5)]);
      return g.node("mul", [half, g.node("add", [g.node("erf", [g.node("div", [x, g.number(Math.SQRT2)])]), g.number(1)])]);
    },
    (g, x) => {
      const sum = g.node("add", [g.number(1), g.node("erf", [g.node("mul", [g.number(0.70703125), x])])]);
      return g.node("mul", [g.node("mul", [x, sum]), g.number(0.5)]);
    },
  ],
  'gelu(%x) {approximate="tanh"}': [
    (g, x) => {
      const cube = g.node("mul", [g.number(0.044715), g.node("pow", [x, g.number(3)])]);
      const tanh = g.node("tanh", [g.node("mul", [g.node("add", [x, cube]), g.number(0.7978845608)])]);
      return g.node("mul", [g.node("mul", [g.number(0.5), x]), g.node("add", [g.number(1), tanh])]);
    },
    (g, x) => {
      const cube = g.node("mul", [g.node("mul", [g.node("mul", [x, x]), x]), g.number(0.0447)]);
      const tanh = g.node("tanh", [g.node("mul", [g.number(0.7978845608), g.node("add", [cube, x])])]);
      return g.node("mul", [x, g.node("mul", [g.node("add", [tanh, g.number(1)]), g.number(0.5)])]);
    },
  ],
  "leaky_relu(%x) {alpha=0.25}": [
    (g, x) => g.node("max", [x, g.node("mul", [x, g.number(0.25)])]),
    (g, x) => g.node("max", [g.node("div", [x, g.number(4)]), x]),
    (g, x) => g.node("prelu", [x, g.constant("slopes", [8], new Array(8).fill(0.25))]),
  ],
  "layer_norm(%x) {axis=-1 epsilon=0.5}": [
    (g, x) => {
      const centred = g.node("sub", [x, g.node("reduce_mean", [x], { axes: [-1] })]);
      const variance = g.node("reduce_mean", [g.node("pow", [centred, g.number(2)])], { axes: [2] });
      return g.node("div", [centred, g.node("sqrt", [g.node("add", [variance, g.number(0.5)])])]);
    },
    (g, x) => {
      const centred = g.node("sub", [x, g.node("reduce_mean", [x], { axes: [2] })]);
      const variance = g.node("reduce_mean", [g.node("mul", [centred, centred])], { axes: [2] });
      return g.node("mul", [g.node("rsqrt", [g.node("add", [g.number(0.5), variance])]), centred]);
    },
  ],
  "layer_norm(%x, #scale) {axis=-1 epsilon=0.5}": [
    (g, x) => byMoments(g, x, true, (moment) => g.node("reduce_mean", [moment], { axes: [2] })),
    (g, x) =>
      byMoments(g, x, false, (moment) => g.node("mul", [g.node("reduce_sum", [moment], { axes: [-1], keepDims: false }), g.number(1 / 8)])),
  ],
  "layer_norm(%x, #scale, #bias) {axis=-1 epsilon=0.5}": [
    (g, x) => {
      const mean = g.node("reduce_mean", [x], { axes: [2] });
      const variance = g.node("reduce_mean", [g.node("squared_difference", [x, mean])], { axes: [2] });
      const factor = g.node("mul", [g.node("rsqrt", [g.node("add", [variance, g.number(0.5)])]), g.constant("scale", [8])]);
      const term = g.node("sub", [g.constant("bias", [8]), g.node("mul", [mean, factor])]);
      return g.node("add", [g.node("mul", [x, factor]), term]);
    },
  ],
  "rms_norm(%x) {axis=-2 epsilon=0.5}": [
    (g, x) => {
      const square = g.node("reduce_mean", [g.node("pow", [x, g.number(2)])], { axes: [1, 2] });
      return g.node("mul", [x, g.node("reciprocal", [g.node("sqrt", [g.node("add", [square, g.number(0.5)])])])]);
    },
  ],
};

describe.each(Object.entries(FORMULAS))("%s", (result, formulas) => {
  test.each(formulas.map((formula, i) => [i + 1, formula] as const))("form %i", (_, formula) => {
    expect(recognized(formula)).toEqual([result]);
  });
});

test.each<[string, Formula]>([
  ["x · sigmoid(y)", (g, x) => g.node("mul", [x, g.node("sigmoid", [g.node("exp", [x])])])],
  ["a slope above 1", (g, x) => g.node("max", [x, g.node("mul", [x, g.number(1.5)])])],
  [
    "1 + erf(x / 2)",
    (g, x) =>
      g.node("mul", [g.node("mul", [x, g.number(0.5)]), g.node("add", [g.number(1), g.node("erf", [g.node("div", [x, g.number(2)])])])]),
  ],
  ["a number with more axes than x", (g, x) => g.node("max", [x, g.constant("zero", [1, 1, 1, 1], [0])])],
  [
    "a mean that is not over the last axes",
    (g, x) => {
      const centred = g.node("sub", [x, g.node("reduce_mean", [x], { axes: [1] })]);
      return g.node("div", [
        centred,
        g.node("sqrt", [g.node("add", [g.node("reduce_mean", [g.node("square", [centred])], { axes: [1] }), g.number(1)])]),
      ]);
    },
  ],
])("%s stays as it is", (_, formula) => {
  const g = new GraphUnderTest();
  const y = formula(g, g.input("x", [2, 3, 8]));
  const graph = g.graph(y);
  expect(runPasses(graph, recognizeNorms, recognizeActivations).nodes.map(({ op }) => op)).toEqual(graph.nodes.map(({ op }) => op));
});

test("a part that something else reads too keeps the formula apart", () => {
  const g = new GraphUnderTest();
  const x = g.input("x", [4]);
  const sigmoid = g.node("sigmoid", [x]);
  const graph = runPasses(g.graph(g.node("mul", [x, sigmoid]), g.node("exp", [sigmoid])), recognizeActivations);
  expect(graph.nodes.map(({ op }) => op)).toEqual(["sigmoid", "mul", "exp"]);
});
