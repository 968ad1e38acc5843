// Brings nodes into an order in which everything is made before it is used. Most files have them so already.
import { LanewiseError } from "../../errors.ts";
import type { GraphProto, NodeProto } from "./proto.ts";

export const describeNode = ({ name, opType, outputs }: NodeProto): string => `node "${name || outputs[0] || "?"}" (${opType})`;

/** Names that a node uses: its inputs, and what graphs in its attributes take from around them. */
function namesUsed(node: NodeProto): string[] {
  const nested = node.attributes.flatMap(({ graph }) => (graph ? outerNames(graph) : []));
  return [...node.inputs, ...nested].filter((name) => name !== "");
}

function outerNames(graph: GraphProto): string[] {
  const inner = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const used = [...graph.nodes.flatMap(namesUsed), ...graph.outputs.map(({ name }) => name)];
  return used.filter((name) => !inner.has(name));
}

/** The nodes in order. Throws `format` when an output is made twice, an input by nobody, or in a circle. */
export function sortNodes(nodes: readonly NodeProto[], isDefined: (name: string) => boolean): NodeProto[] {
  const producers = producersOf(nodes, isDefined);
  const sorted: NodeProto[] = [];
  const state = new Map<NodeProto, "open" | "done">();
  const stack = nodes.toReversed();
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    const waiting = state.get(node) === "done" ? [] : unmetNeeds(node, producers, state, isDefined);
    if (waiting.length === 0) {
      stack.pop();
      if (state.get(node) !== "done") sorted.push(node);
      state.set(node, "done");
      continue;
    }
    if (state.get(node) === "open") throw new LanewiseError("format", `${describeNode(node)} needs its own output: the graph has a cycle`);
    state.set(node, "open");
    stack.push(...waiting.reverse());
  }
  return sorted;
}

function producersOf(nodes: readonly NodeProto[], isDefined: (name: string) => boolean): Map<string, NodeProto> {
  const producers = new Map<string, NodeProto>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (producers.has(name) || isDefined(name))
        throw new LanewiseError("format", `${describeNode(node)}: there is already a value named "${name}"`);
      producers.set(name, node);
    }
  }
  return producers;
}

function unmetNeeds(
  node: NodeProto,
  producers: ReadonlyMap<string, NodeProto>,
  state: ReadonlyMap<NodeProto, "open" | "done">,
  isDefined: (name: string) => boolean,
): NodeProto[] {
  const needs: NodeProto[] = [];
  for (const name of namesUsed(node)) {
    const producer = producers.get(name);
    if (producer && state.get(producer) !== "done") needs.push(producer);
    if (!producer && !isDefined(name))
      throw new LanewiseError("format", `${describeNode(node)}: its input "${name}" is neither an input, a constant, nor made by a node`);
  }
  return needs;
}
