// Rebuilds the nodes whose axes take another order, and puts transposes where one order meets the other.
import type { Node, Value } from "../../graph/types.ts";
import { isConstant, permuteQuant, reshapeConstant, transposeConstant } from "../constants.ts";
import { identity, isIdentity, type Permutation } from "../permutation.ts";
import type { Rewriter } from "../rewrite.ts";
import type { Oriented } from "./rules.ts";
import { extend, isTranspose, type Wiring } from "./wiring.ts";

/** Gives each node of `chosen` its order. Old transposes lose their readers. */
export function applyOrders(graph: Rewriter, wiring: Wiring, chosen: ReadonlyMap<Node, Oriented>): void {
  const store = new OrderedValues(graph);
  for (const node of [...graph.nodes()]) {
    if (isTranspose(graph, node)) continue;
    const oriented = chosen.get(node);
    const inputs = [...node.inputs];
    for (const { root, perm, index } of wiring.inputsOf(node)) {
      const change = oriented?.inputs[index];
      inputs[index] = store.get(root, change ? extend(perm, change) : perm, inputs[index]!);
    }
    if (oriented) replaceOriented(graph, node, inputs, oriented, store);
    else if (inputs.some((value, i) => value !== node.inputs[i])) graph.update(node, { inputs });
  }
  const outputs = wiring.edges.filter(({ user }) => user === undefined);
  for (const { root, perm, index } of outputs) graph.replaceValue(graph.outputs[index]!, store.get(root, perm, graph.outputs[index]!));
}

function replaceOriented(
  graph: Rewriter,
  node: Node,
  inputs: (Value | null)[],
  { outputs: orders, attributes, op = node.op }: Oriented,
  store: OrderedValues,
): void {
  const outputs = node.outputs.map((value, i) => {
    const order = orders[i];
    if (!value || !order) return value;
    const made: Value = { name: value.name, quant: permuteQuant(value.quant, order) };
    store.setMade(value, made, order);
    return made;
  });
  graph.add({ op, name: node.name, inputs, outputs, attributes });
}

/** Values in every order that was asked for so far. */
class OrderedValues {
  readonly #graph: Rewriter;
  readonly #made = new Map<Value, { value: Value; order: Permutation }>();
  readonly #ordered = new Map<Value, Map<string, Value>>();

  constructor(graph: Rewriter) {
    this.#graph = graph;
  }

  /** Says that `root` is now made as `value`, with its axes in `order`. */
  setMade(root: Value, value: Value, order: Permutation): void {
    this.#made.set(root, { value, order });
  }

  /** `root` with its axes in `order`; `old` is what had that order so far, and is kept where nothing changed. */
  get(root: Value, order: Permutation, old: Value): Value {
    const rank = this.#graph.rank(root);
    if (rank === undefined) return old;
    const made = this.#made.get(root) ?? { value: root, order: identity(rank) };
    const cache = this.#ordered.get(root) ?? new Map<string, Value>();
    this.#ordered.set(root, cache);
    const value = cache.get(String(order)) ?? this.#reorder(made, order);
    cache.set(String(order), value);
    return value;
  }

  #reorder({ value, order: from }: { value: Value; order: Permutation }, to: Permutation): Value {
    const added = to.length - from.length;
    const lifted = added > 0 ? this.#lift(value, added) : value;
    const order = extend(from, identity(to.length));
    const perm = to.map((axis) => order.indexOf(axis));
    if (isIdentity(perm)) return lifted;
    if (isConstant(lifted)) return transposeConstant(lifted, perm);
    return this.#graph.make("transpose", [lifted], { perm }, { quant: permuteQuant(lifted.quant, perm) });
  }

  /** Axes of one element in front. */
  #lift(value: Value, added: number): Value {
    if (isConstant(value)) return reshapeConstant(value, [...new Array<number>(added).fill(1), ...value.type.shape]);
    return this.#graph.make("unsqueeze", [value], { axes: identity(added) }, { quant: value.quant });
  }
}
