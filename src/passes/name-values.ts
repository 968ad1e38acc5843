// Every value gets a name of its own: copies that passes made carry the name of what they were made from.
import type { Value } from "../graph/types.ts";
import type { Rewriter } from "./rewrite.ts";

/** Puts a number behind names that are taken. */
export function nameValues(graph: Rewriter): void {
  const named = new Set<Value>();
  const taken = new Set<string>();
  const give = (value: Value | null) => {
    if (!value || named.has(value)) return;
    const base = value.name;
    for (let i = 2; taken.has(value.name); i++) value.name = `${base}:${i}`;
    taken.add(value.name);
    named.add(value);
  };
  for (const value of graph.inputs) give(value);
  for (const node of graph.nodes()) for (const value of [...node.inputs, ...node.outputs]) give(value);
}
