// A reshape as blocks: runs of axes that become other runs of the same size. As long as a permutation keeps the axes of
// each block together, the reshape works on permuted axes too, and its result is permuted by blocks.
import type { Node } from "../../graph/types.ts";
import { type Permutation, permute } from "../permutation.ts";
import type { Rewriter } from "../rewrite.ts";

/** Axes of the input that together are the axes of the output; axes of one element are in no block. */
interface Block {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

interface Axes {
  readonly shape: readonly number[];
  /** With a number for every dimension. */
  readonly probed: readonly number[];
}

function axesOf(graph: Rewriter, value: Node["inputs"][number]): Axes | undefined {
  const shape = value ? graph.type(value)?.shape : undefined;
  const probed = value ? graph.probedShape(value) : undefined;
  return shape && probed && !probed.some((dim) => Number.isNaN(dim) || dim === 0) ? { shape, probed } : undefined;
}

const nonUnits = ({ shape }: Axes): number[] => [...shape.keys()].filter((axis) => shape[axis] !== 1);

/** The blocks of a reshape; undefined when sizes are not known. */
function blocksOf(x: Axes, y: Axes): Block[] | undefined {
  const [from, to] = [nonUnits(x), nonUnits(y)];
  const blocks: Block[] = [];
  while (from.length && to.length) {
    const block = { from: [from.shift()!], to: [to.shift()!] };
    let [left, right] = [x.probed[block.from[0]!]!, y.probed[block.to[0]!]!];
    while (left !== right) {
      const next = left < right ? from.shift() : to.shift();
      if (next === undefined) return undefined;
      if (left < right) left *= x.probed[block.from[block.from.push(next) - 1]!]!;
      else right *= y.probed[block.to[block.to.push(next) - 1]!]!;
    }
    blocks.push(block);
  }
  return from.length || to.length ? undefined : blocks;
}

/** The order of the axes of the blocks' other side; undefined when `perm` tears a block apart. */
function orderAcross(blocks: readonly Block[], perm: Permutation, side: "from" | "to"): number[] | undefined {
  const across: number[] = [];
  for (let i = 0; i < perm.length; ) {
    const block = blocks.find((block) => block[side][0] === perm[i]);
    if (!block?.[side].every((axis, k) => perm[i + k] === axis)) return undefined;
    across.push(...block[side === "from" ? "to" : "from"]);
    i += block[side].length;
  }
  return across;
}

/** Axes of one element keep their places. */
function withUnits({ shape }: Axes, order: number[]): Permutation {
  for (const [axis, dim] of shape.entries()) if (dim === 1) order.splice(axis, 0, axis);
  return order;
}

function permuteAcross(x: Axes, y: Axes, perm: Permutation, side: "from" | "to"): Permutation | undefined {
  const blocks = blocksOf(x, y);
  const [near, far] = side === "from" ? [x, y] : [y, x];
  const order =
    blocks &&
    orderAcross(
      blocks,
      perm.filter((axis) => near.shape[axis] !== 1),
      side,
    );
  return order && withUnits(far, order);
}

/** The order of a reshape's output, and the shape to ask for, when its input has the order `perm`. */
export function permuteReshape(
  graph: Rewriter,
  node: Node,
  perm: Permutation,
): { perm: Permutation; shape: readonly number[] } | undefined {
  const [x, y] = [axesOf(graph, node.inputs[0]!), axesOf(graph, node.outputs[0]!)];
  const order = x && y && permuteAcross(x, y, perm, "from");
  if (!order) return undefined;
  const shape = askFor(permute(x.shape, perm), permute(y.shape, order));
  return shape && { perm: order, shape };
}

/** The order of a reshape's input that gives its output the order `perm`. */
export function permuteReshapeBack(graph: Rewriter, node: Node, perm: Permutation): Permutation | undefined {
  const [x, y] = [axesOf(graph, node.inputs[0]!), axesOf(graph, node.outputs[0]!)];
  return x && y && permuteAcross(x, y, perm, "to");
}

/** Unknown dimensions are copied (0) while all before them are unchanged; one other is the rest (−1). */
function askFor(from: readonly number[], to: readonly number[]): number[] | undefined {
  const isCopied = (i: number): boolean => to.slice(0, i + 1).every((dim, k) => Object.is(dim, from[k]));
  const shape = to.map((dim, i) => (!Number.isNaN(dim) ? dim : isCopied(i) ? 0 : -1));
  return shape.filter((dim) => dim === -1).length > 1 ? undefined : shape;
}
