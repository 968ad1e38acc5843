// The order that each flexible node could have instead of its own: the one that the transposes near it suggest.
import type { Node, Value } from "../../graph/types.ts";
import { VIEWS } from "../merge-views.ts";
import { compose, identity, type Permutation } from "../permutation.ts";
import type { Rewriter } from "../rewrite.ts";
import { permuteReshapeBack } from "./reshape-blocks.ts";
import { type Oriented, orient } from "./rules.ts";
import { type Edge, extend, orderKey, type Wiring } from "./wiring.ts";

/** Nodes and values of one side agree on their order, so that what lies between two sides is a transpose. */
export type Side = 0 | 1;

/** The other order of a node. On `writtenSide` the node keeps the order that the model gives it. */
export interface Candidate {
  readonly oriented: Oriented;
  readonly writtenSide: Side;
}

type Orders = readonly [Permutation, Permutation];

/** Spreads the orders of each transpose through everything flexible around it. */
export class Candidates {
  readonly all = new Map<Node, Candidate>();
  readonly #graph: Rewriter;
  readonly #wiring: Wiring;
  readonly #visited = new Set<Value>();
  readonly #queue: [Value, Orders][] = [];

  constructor(graph: Rewriter, wiring: Wiring) {
    this.#graph = graph;
    this.#wiring = wiring;
    for (const { root, perm } of wiring.edges) {
      this.#queue.push([root, [identity(perm.length), perm]]);
      for (let next = this.#queue.pop(); next; next = this.#queue.pop()) this.#spread(...next);
    }
  }

  /** The order in which a use wants its value, on a side. */
  wanted(edge: Edge, side: Side): Permutation {
    const candidate = edge.user && this.all.get(edge.user);
    const change = candidate && candidate.writtenSide !== side ? candidate.oriented.inputs[edge.index] : null;
    return change ? extend(edge.perm, change) : edge.perm;
  }

  /** The order in which a value is made, on a side. */
  made(root: Value, side: Side): Permutation {
    const producer = this.#graph.producer(root);
    const candidate = producer && this.all.get(producer);
    const change = candidate && candidate.writtenSide !== side ? candidate.oriented.outputs[producer.outputs.indexOf(root)] : null;
    return change ?? identity(this.#graph.rank(root) ?? 0);
  }

  /** Offers the two orders of a value, one a side, to everything that touches it. */
  #spread(root: Value, orders: Orders): void {
    const keyOf = (perm: Permutation) => orderKey(this.#graph, root, perm);
    if (String(orders[0]) === String(orders[1]) || this.#visited.has(root) || this.#wiring.isFree(root)) return;
    this.#visited.add(root);
    const writtenSide = (perm: Permutation): Side => {
      const exact = orders.findIndex((order) => String(order) === String(perm));
      return (exact >= 0 ? exact : keyOf(perm) === keyOf(orders[1]) ? 1 : 0) as Side;
    };
    for (const edge of this.#wiring.edgesOf(root)) {
      const side = writtenSide(edge.perm);
      const perm = orders[1 - side]!.map((axis) => edge.perm.indexOf(axis));
      if (edge.user) this.#offer(edge.user, perm, side, (oriented) => oriented.inputs[edge.index] === perm);
    }
    const side = writtenSide(identity(orders[0].length));
    this.#offerBack(root, orders[1 - side]!, side);
  }

  #offerBack(root: Value, wanted: Permutation, writtenSide: Side): void {
    const producer = this.#graph.producer(root);
    if (!producer) return;
    const isView = (VIEWS as readonly string[]).includes(producer.op);
    const perm = isView ? permuteReshapeBack(this.#graph, producer, wanted) : wanted;
    const output = producer.outputs.indexOf(root);
    const gives = ({ outputs }: Oriented) => orderKey(this.#graph, root, outputs[output] ?? []) === orderKey(this.#graph, root, wanted);
    if (perm) this.#offer(producer, perm, writtenSide, gives);
  }

  #offer(node: Node, perm: Permutation, writtenSide: Side, accepts: (oriented: Oriented) => boolean): void {
    if (this.all.has(node) || !this.#hasRank(node, perm.length) || node.inputs[0]?.quant?.axis !== undefined) return;
    const oriented = orient(this.#graph, node, perm);
    if (!oriented || !accepts(oriented)) return;
    this.all.set(node, { oriented, writtenSide });
    const bySide = (written: Permutation, other: Permutation): Orders => (writtenSide === 0 ? [written, other] : [other, written]);
    for (const [i, change] of oriented.outputs.entries())
      if (change) this.#queue.push([node.outputs[i]!, bySide(identity(change.length), change)]);
    for (const { root, index, perm: written } of this.#wiring.inputsOf(node)) {
      const change = oriented.inputs[index];
      if (change && change.length === written.length) this.#queue.push([root, bySide(written, compose(written, change))]);
    }
  }

  /** The operands have `rank` axes or fewer, and it is known how many the results have. */
  #hasRank(node: Node, rank: number): boolean {
    const ranks = node.inputs.map((value) => (value ? (this.#graph.rank(value) ?? Number.NaN) : 0));
    return Math.max(...ranks) === rank && node.outputs.every((value) => !value || this.#graph.rank(value) !== undefined);
  }
}
