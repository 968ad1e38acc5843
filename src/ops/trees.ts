// Ensembles of decision trees: every tree leads each row to a leaf, whose weights are summed.
//
//   nodes int32 [count, 4]: feature, mode, next when true, next when false.
//   A leaf has its entries in place of the nexts: from the third word to the fourth, end not included.
//   thresholds float32 [count] · roots int32 [trees] · targets int32 and weights float32, an entry each.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type OpDef } from "./define.ts";
import { numbersOf, writeNumbers } from "./host-elements.ts";

/** What a node asks of a feature; `missingIsTrue` may be added to all but `leaf`. */
export const TREE_MODE = { leaf: 0, lessEqual: 1, less: 2, greaterEqual: 3, greater: 4, equal: 5, notEqual: 6, missingIsTrue: 16 } as const;

const TESTS: readonly ((x: number, threshold: number) => boolean)[] = [
  () => false,
  (x, threshold) => x <= threshold,
  (x, threshold) => x < threshold,
  (x, threshold) => x >= threshold,
  (x, threshold) => x > threshold,
  (x, threshold) => x === threshold,
  (x, threshold) => x !== threshold,
];

/** The leaf that a row ends in. Throws `shape` where the tree leads nowhere or in a circle. */
function leafOf(nodes: Int32Array, thresholds: ArrayLike<number>, root: number, feature: (index: number) => number): number {
  const count = nodes.length / 4;
  let node = root;
  for (let steps = 0; ; steps++) {
    check(node >= 0 && node < count && steps <= count, "shape", () => `the trees have no node ${node}, or lead in a circle`);
    const mode = nodes[node * 4 + 1]!;
    if (mode === TREE_MODE.leaf) return node;
    const test = TESTS[mode & 15];
    check(test, "shape", () => `node ${node} has mode ${mode}`);
    const x = feature(nodes[node * 4]!);
    const missing = Number.isNaN(x) && (mode & TREE_MODE.missingIsTrue) !== 0;
    node = nodes[node * 4 + (missing || test(x, thresholds[node]!) ? 2 : 3)]!;
  }
}

export const treeEnsemble = defineOp({
  name: "tree_ensemble",
  infer(ctx: InferContext): TensorType[] {
    const { shape } = ctx.input(0);
    check(shape.length === 2, "shape", () => "expected rows of features");
    return [{ dataType: "float32", shape: [shape[0]!, ctx.attributes.number("targets")] }];
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const [nodes, roots, targets] = [1, 3, 4].map((index) => ctx.input(index).data as Int32Array) as [Int32Array, Int32Array, Int32Array];
    const [thresholds, weights, values] = [ctx.input(2).data as Float32Array, ctx.input(5).data as Float32Array, numbersOf(x)];
    const [features, width] = [x.shape[1]!, y.shape[1]!];
    const mean = ctx.attributes.string("aggregate", "sum") === "average" ? roots.length : 1;
    const sums = new Float64Array(y.data.length);
    for (let row = 0; row < x.shape[0]!; row++) {
      const feature = (index: number) => (index >= 0 && index < features ? values[row * features + index]! : Number.NaN);
      for (const root of roots) {
        const leaf = leafOf(nodes, thresholds, root, feature);
        for (let entry = nodes[leaf * 4 + 2]!; entry < nodes[leaf * 4 + 3]!; entry++) {
          const target = targets[entry]!;
          check(target >= 0 && target < width, "shape", () => `a leaf adds to target ${target} of ${width}`);
          sums[row * width + target]! += weights[entry]! / mean;
        }
      }
    }
    writeNumbers(y, sums);
  },
});

export const TREE_OPS: readonly OpDef[] = [treeEnsemble];
