// Says whether a graph is one: every value is made once, before it is used. It does not look at types or attributes.
import { check } from "../errors.ts";
import { ELEMENT_BYTES, type Graph, isStatic, type Node, sizeOf, type Value } from "./types.ts";

/**
 * Throws `shape` when the graph is inconsistent: a value without a producer or with two, a node before its inputs,
 * a cycle, an output that nothing makes, a constant with too few elements for its shape.
 */
export function checkGraph(graph: Graph): void {
  const producers = findProducers(graph);
  const made = new Set<Value>(graph.inputs);
  const isMade = (value: Value): boolean => made.has(value) || value.constant !== undefined;
  for (const node of graph.nodes) {
    for (const value of node.inputs) if (value && !isMade(value)) check(false, "shape", () => explain(node, value, producers));
    for (const value of node.inputs) if (value?.constant) checkConstant(value);
    for (const value of node.outputs) if (value) made.add(value);
  }
  for (const value of graph.outputs) check(isMade(value), "shape", () => `nothing makes the graph's output "${value.name}"`);
}

function findProducers(graph: Graph): Map<Value, Node | "input"> {
  const producers = new Map<Value, Node | "input">();
  for (const value of graph.inputs) {
    check(!producers.has(value), "shape", () => `the graph has the input "${value.name}" twice`);
    check(!value.constant, "shape", () => `the graph's input "${value.name}" is a constant`);
    producers.set(value, "input");
  }
  for (const node of graph.nodes) {
    for (const value of node.outputs) {
      if (!value) continue;
      check(
        !producers.has(value) && !value.constant,
        "shape",
        () => `node "${node.name}" (${node.op}): something else makes its output "${value.name}" too`,
      );
      producers.set(value, node);
    }
  }
  return producers;
}

function checkConstant({ name, type, constant }: Value): void {
  if (!type || !constant || !isStatic(type.shape)) return;
  const bytes = sizeOf(type.shape) * ELEMENT_BYTES[constant.storage];
  check(constant.bytes.byteLength === bytes, "shape", () => `constant "${name}": ${constant.bytes.byteLength} bytes, expected ${bytes}`);
}

/** Why a value is not there when `node` wants it. */
function explain(node: Node, value: Value, producers: ReadonlyMap<Value, Node | "input">): string {
  const where = `node "${node.name}" (${node.op}): its input "${value.name}"`;
  const producer = producers.get(value);
  if (!producer || producer === "input") return `${where} is made by no node, and it is neither a constant nor an input of the graph`;
  return dependsOn(producer, node, producers)
    ? `${where} depends on its own output: the graph has a cycle`
    : `${where} is made later, by node "${producer.name}"`;
}

function dependsOn(node: Node, wanted: Node, producers: ReadonlyMap<Value, Node | "input">): boolean {
  const seen = new Set<Node>([node]);
  for (const reached of seen) {
    if (reached === wanted) return true;
    for (const value of reached.inputs) {
      const producer = value && producers.get(value);
      if (producer && producer !== "input") seen.add(producer);
    }
  }
  return false;
}
