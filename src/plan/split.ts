// Cuts a graph where shapes depend on data: what comes before is planned and run, and the rest is planned when the
// elements that decide its shapes are there.
import { LanewiseError } from "../errors.ts";
import { type Graph, isStatic, type Node, type Value } from "../graph/types.ts";
import { atNode } from "../ops/define.ts";
import type { Typing } from "./infer.ts";

/** Elements known before the split stay known after it, as long as they are as few as those of shapes and axes. */
const MAX_SEED = 256;

/** What follows a plan that stopped early. */
export interface Continuation {
  /** An operator with data-dependent shapes, to be run in TypeScript before the rest. */
  readonly node: Node | undefined;
  /** The rest: its inputs are values of the first part, and the node's outputs. */
  readonly rest: Graph;
  /** Inputs of the rest whose elements must be known to plan it. */
  readonly seeds: readonly Value[];
}

/** The part of a graph that can be planned now, and what comes after it. Throws `shape` where nothing can decide a shape. */
export function splitAtDynamic(graph: Graph, typing: Typing): { head: Graph; continuation: Continuation | undefined } {
  const at = graph.nodes.findIndex((node) => node.outputs.some((value) => value && !typing.isKnown(value)) && stops(node, typing));
  if (at < 0) return { head: graph, continuation: undefined };
  const stop = graph.nodes[at]!;
  const node = typing.op(stop).dynamic ? stop : undefined;
  const seeds = node ? [] : typing.wanted(stop);
  if (!node && seeds.length === 0) {
    const types = stop.inputs.map((value) => (value ? typing.type(value) : undefined));
    atNode(stop, types, () => {
      throw new LanewiseError("shape", "the shape of its output cannot be told from its inputs");
    });
  }
  const before = graph.nodes.slice(0, at);
  const after = graph.nodes.slice(node ? at + 1 : at);
  const made = new Set<Value | null>([...graph.inputs, ...before.flatMap((n) => n.outputs)]);
  const carriedBy = (values: readonly (Value | null)[]) => values.filter((value): value is Value => made.has(value));
  const rest = new Set(carriedBy([...after.flatMap((n) => n.inputs), ...graph.outputs]));
  const kept = [...rest].filter((value) => typing.isKnown(value) && typing.known(value)!.data.length <= MAX_SEED);
  const outputs = [...new Set([...carriedBy(stop.inputs), ...rest])];
  const results = node ? node.outputs.filter((value): value is Value => value !== null) : [];
  return {
    head: { inputs: graph.inputs, outputs, nodes: before },
    continuation: { node, seeds: [...seeds, ...kept], rest: { inputs: [...rest, ...results], outputs: graph.outputs, nodes: after } },
  };
}

/** True where a node's shapes cannot be decided before the run reaches it. */
function stops(node: Node, typing: Typing): boolean {
  if (typing.op(node).dynamic) return true;
  return node.outputs.some((value) => value && !isStatic(typing.type(value)?.shape ?? [Number.NaN]));
}
