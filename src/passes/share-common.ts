// What is computed or stored twice is computed or stored once.
import { printAttributes } from "../graph/print.ts";
import type { Node, Value } from "../graph/types.ts";
import { isConstant, sameQuant } from "./constants.ts";
import type { Rewriter } from "./rewrite.ts";

/** Nodes with the same operator, attributes and inputs become one node. */
export function shareNodes(graph: Rewriter): void {
  const ids = new Map<Value | null, number>();
  const idOf = (value: Value | null): number => {
    const id = ids.get(value) ?? ids.size;
    ids.set(value, id);
    return id;
  };
  const seen = new Map<string, Node>();
  for (const node of graph.nodes()) {
    if (Object.values(node.attributes).some((value) => typeof value === "object" && "nodes" in value)) continue;
    const key = `${node.op}(${node.inputs.map(idOf)})${printAttributes(node.attributes)}`;
    const twin = seen.get(key);
    if (!twin) seen.set(key, node);
    else if (sameOutputs(twin, node)) replaceOutputs(graph, node, twin);
  }
}

const sameOutputs = (a: Node, b: Node): boolean =>
  a.outputs.length === b.outputs.length &&
  b.outputs.every((value, i) => !value || (a.outputs[i] && sameQuant(a.outputs[i].quant, value.quant)));

function replaceOutputs(graph: Rewriter, node: Node, twin: Node): void {
  for (const [i, value] of node.outputs.entries()) if (value) graph.replaceValue(value, twin.outputs[i]!);
  graph.remove(node);
}

/** Constants of the same type, quantization and bytes become one constant. */
export function shareConstants(graph: Rewriter): void {
  const seen = new Map<string, Value[]>();
  const visited = new Set<Value>();
  for (const node of graph.nodes()) {
    for (const value of node.inputs) {
      if (!isConstant(value) || visited.has(value)) continue;
      visited.add(value);
      const { type, quant, constant } = value;
      const key = `${type.dataType}[${type.shape}]${JSON.stringify(quant)} ${constant.storage} ${hash(constant.bytes)}`;
      const alike = seen.get(key) ?? [];
      seen.set(key, alike);
      const twin = alike.find((other) => sameBytes(other.constant!.bytes, constant.bytes));
      if (twin) graph.replaceValue(value, twin);
      else alike.push(value);
    }
  }
}

/** FNV-1a over at most 4096 bytes, spread evenly. */
function hash(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  const step = Math.max(1, Math.floor(bytes.length / 4096));
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
