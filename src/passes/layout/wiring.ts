// A graph without its transposes: every use of a value names the value that a node really makes, and the order in
// which the use wants its axes.
import { ELEMENT_BYTES, type Node, type Value } from "../../graph/types.ts";
import { sameQuant } from "../constants.ts";
import { permOf } from "../merge-views.ts";
import { compose, identity, movedAxes, type Permutation } from "../permutation.ts";
import type { Rewriter } from "../rewrite.ts";

/** One use of a value: input `index` of `user`, or output `index` of the graph. */
export interface Edge {
  readonly root: Value;
  readonly perm: Permutation;
  readonly user: Node | undefined;
  readonly index: number;
}

/** Charged for a transpose, beside its bytes. */
const CALL_BYTES = 64;
/** Charged for a view, which costs nothing but stands in the way of fusions. */
const VIEW_BYTES = 1;
/** What a value of unknown size is taken to have. */
const UNKNOWN_BYTES = 1e6;

export class Wiring {
  readonly edges: Edge[] = [];
  readonly #graph: Rewriter;
  readonly #edgesOf = new Map<Value, Edge[]>();
  readonly #inputsOf = new Map<Node, Edge[]>();

  constructor(graph: Rewriter) {
    this.#graph = graph;
    const origins = new Map<Value, { root: Value; perm: Permutation }>();
    const originOf = (value: Value) => origins.get(value) ?? { root: value, perm: identity(graph.rank(value) ?? 0) };
    for (const node of graph.nodes()) {
      const x = node.inputs[0];
      if (x && isTranspose(graph, node)) {
        const { root, perm } = originOf(x);
        origins.set(node.outputs[0]!, { root, perm: compose(perm, permOf(node)!) });
      } else for (const [index, value] of node.inputs.entries()) if (value) this.#add({ ...originOf(value), user: node, index });
    }
    for (const [index, value] of graph.outputs.entries()) this.#add({ ...originOf(value), user: undefined, index });
  }

  roots(): Iterable<Value> {
    return this.#edgesOf.keys();
  }
  edgesOf(root: Value): readonly Edge[] {
    return this.#edgesOf.get(root) ?? [];
  }
  inputsOf(node: Node): readonly Edge[] {
    return this.#inputsOf.get(node) ?? [];
  }

  /** Constants are transposed now, at no cost later. */
  isFree(root: Value): boolean {
    return this.#graph.isKnown(root);
  }

  /** What it costs to bring a value from one order into another. */
  price(root: Value, from: Permutation, to: Permutation): number {
    if (from.length === to.length && from.every((axis, i) => axis === to[i])) return 0;
    if (orderKey(this.#graph, root, from) === orderKey(this.#graph, root, to)) return VIEW_BYTES;
    const shape = this.#graph.probedShape(root) ?? [Number.NaN];
    const bytes = shape.reduce((size, dim) => size * dim, ELEMENT_BYTES[this.#graph.dataType(root) ?? "float32"]);
    return (Number.isNaN(bytes) ? UNKNOWN_BYTES : bytes) + CALL_BYTES;
  }

  #add(edge: Edge): void {
    this.edges.push(edge);
    append(this.#edgesOf, edge.root, edge);
    if (edge.user) append(this.#inputsOf, edge.user, edge);
  }
}

function append<K>(lists: Map<K, Edge[]>, key: K, edge: Edge): void {
  const list = lists.get(key);
  if (list) list.push(edge);
  else lists.set(key, [edge]);
}

/** Transposes are wiring unless they requantize, or nothing is known of what they transpose. */
export const isTranspose = (graph: Rewriter, node: Node): boolean =>
  node.op === "transpose" && graph.rank(node.inputs[0]!) === permOf(node)?.length && sameQuant(permuted(node), node.outputs[0]!.quant);

function permuted(node: Node) {
  const quant = node.inputs[0]?.quant;
  return quant?.axis === undefined ? quant : { ...quant, axis: permOf(node)!.indexOf(quant.axis) };
}

/** Two orders with one key differ by views only. A permutation longer than the rank has axes of one element in front. */
export function orderKey(graph: Rewriter, root: Value, perm: Permutation): string {
  const shape = graph.type(root)?.shape ?? [];
  const added = perm.length - shape.length;
  return String(movedAxes([...new Array<number>(Math.max(added, 0)).fill(1), ...shape], perm).map((axis) => axis - added));
}

/** `perm`, then `change`; operands of lower rank get axes of one element in front of their own. */
export function extend(perm: Permutation, change: Permutation): Permutation {
  const added = change.length - perm.length;
  return compose([...identity(added), ...perm.map((axis) => axis + added)], change);
}
