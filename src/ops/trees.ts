// Ensembles of decision trees: every tree leads each row to a leaf, whose weights are summed.
//
//   nodes int32 [count, 4]: feature, mode, next when true, next when false.
//   A leaf has its entries in place of the nexts: from the third word to the fourth, end not included.
//   thresholds float32 [count] · roots int32 [trees] · targets int32 and weights float32, an entry each.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type LowerContext, type OpDef } from "./define.ts";
import { hashOf } from "./hash.ts";
import { numbersOf, writeNumbers } from "./host-elements.ts";
import { areSound, layoutTrees, packTrees, TREE_MODE, type Trees } from "./pack-trees.ts";

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

/** How many trees there are where their mean is asked for, else 1. */
const divisorOf = ({ attributes }: LowerContext | HostContext, trees: number): number =>
  attributes.string("aggregate", "sum") === "average" ? trees : 1;

/** The trees where they are constant. */
function knownTrees(ctx: LowerContext): Trees | undefined {
  const [nodes, thresholds, roots, targets, weights] = [1, 2, 3, 4, 5].map((index) => ctx.input(index).known);
  if (!nodes || !thresholds || !roots || !targets || !weights) return undefined;
  return { nodes, thresholds, roots, targets, weights } as Trees;
}

export const treeEnsemble = defineOp({
  name: "tree_ensemble",
  infer(ctx: InferContext): TensorType[] {
    const { shape } = ctx.input(0);
    check(shape.length === 2, "shape", () => "expected rows of features");
    return [{ dataType: "float32", shape: [shape[0]!, ctx.attributes.number("targets")] }];
  },
  /** Trees that may lead astray are left to `host`, which says where. */
  lower(ctx: LowerContext): boolean {
    const [x, y, trees] = [ctx.input(0), ctx.output(0), knownTrees(ctx)];
    const [features, targets] = [x.shape[1]!, y.shape[1]!];
    if (x.dataType !== "float32" || !trees || !areSound(trees, features, targets)) return false;
    const layout = layoutTrees(trees);
    const packed = packTrees(trees, layout, divisorOf(ctx, trees.roots.length));
    const ensemble = ctx.weights(ctx.input(1), `trees:${hashOf(packed)}`, layout.bytes, ({ u8 }) => u8.set(packed));
    const sums = ctx.scratch(targets * 8);
    ctx.emitSplit("f32_tree_ensemble", x.shape[0]!, [
      y.pointer,
      x.pointer,
      ensemble,
      layout.groups,
      layout.leaves,
      sums,
      features,
      targets,
    ]);
    return true;
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const [nodes, roots, targets] = [1, 3, 4].map((index) => ctx.input(index).data as Int32Array) as [Int32Array, Int32Array, Int32Array];
    const [thresholds, weights, values] = [ctx.input(2).data as Float32Array, ctx.input(5).data as Float32Array, numbersOf(x)];
    const [features, width] = [x.shape[1]!, y.shape[1]!];
    const divisor = divisorOf(ctx, roots.length);
    const sums = new Float64Array(y.data.length);
    for (let row = 0; row < x.shape[0]!; row++) {
      const feature = (index: number) => (index >= 0 && index < features ? values[row * features + index]! : Number.NaN);
      for (const root of roots) {
        const leaf = leafOf(nodes, thresholds, root, feature);
        for (let entry = nodes[leaf * 4 + 2]!; entry < nodes[leaf * 4 + 3]!; entry++) {
          const target = targets[entry]!;
          check(target >= 0 && target < width, "shape", () => `a leaf adds to target ${target} of ${width}`);
          sums[row * width + target]! += weights[entry]! / divisor;
        }
      }
    }
    writeNumbers(y, sums);
  },
});

export const TREE_OPS: readonly OpDef[] = [treeEnsemble];
