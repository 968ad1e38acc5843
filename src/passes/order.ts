// Nodes in an order that they can run in, and copies of graphs that share no node and no value.
import type { Graph, Node, Value } from "../graph/types.ts";

/** The nodes, each after those that make its inputs; otherwise in the order given. */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producers = new Map<Value, Node>();
  for (const node of nodes) for (const value of node.outputs) if (value) producers.set(value, node);
  const sorted = new Set<Node>();
  const entered = new Set<Node>();
  for (const first of nodes) {
    const stack = [first];
    while (stack.length) {
      const node = stack.at(-1)!;
      const waiting = sorted.has(node) || entered.has(node) ? [] : missing(node, producers, sorted);
      entered.add(node);
      if (waiting.length) {
        stack.push(...waiting.reverse());
        continue;
      }
      sorted.add(node);
      stack.pop();
    }
  }
  return [...sorted];
}

/** The nodes that `node` needs and that have no place yet. */
function missing(node: Node, producers: ReadonlyMap<Value, Node>, sorted: ReadonlySet<Node>): Node[] {
  const needed = node.inputs.map((value) => value && producers.get(value)).filter((producer): producer is Node => Boolean(producer));
  return [...new Set(needed)].filter((producer) => !sorted.has(producer));
}

/** A graph with nodes and values of its own; the constants' bytes are shared. */
export function copyGraph(graph: Graph): Graph {
  const copies = new Map<Value, Value>();
  const copy = (value: Value): Value => {
    const known = copies.get(value) ?? { ...value };
    copies.set(value, known);
    return known;
  };
  const copyOptional = (value: Value | null) => value && copy(value);
  return {
    ...graph,
    inputs: graph.inputs.map(copy),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(copyOptional), outputs: node.outputs.map(copyOptional) })),
    outputs: graph.outputs.map(copy),
    ...(graph.outputNames && { outputNames: [...graph.outputNames] }),
  };
}
