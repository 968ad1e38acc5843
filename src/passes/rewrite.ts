// A graph under change: who makes a value, who uses it, and what is known of it, kept up to date while passes
// add, alter and remove nodes. Order and dead nodes are settled once, by `finish`.
import { LanewiseError } from "../errors.ts";
import type { Attributes, DataType, Graph, Node, Quantization, TensorType, Value } from "../graph/types.ts";
import type { HostTensor } from "../ops/define.ts";
import { type OpTable, Typing } from "../plan/infer.ts";
import { copyGraph, sortNodes } from "./order.ts";

/** A pass: changes the graph through the rewriter, and leaves it alone where it cannot tell. */
export type Pass = (graph: Rewriter) => void;

/** Stands for unknown dimensions where shapes are compared: the first axis, and others, which are sides of images or samples. */
const PROBES = [
  [2, 320],
  [1, 320],
  [320, 320],
  [1, 4000],
] as const;

/** Operators whose results are not evaluated here: they are larger than what they are made from, and never shapes. */
const UNEVALUATED = ["dequantize", "dequantize_linear"];

function withoutHosts(ops: OpTable): OpTable {
  const types = UNEVALUATED.flatMap((name) => (ops[name] ? [[name, { name, infer: ops[name].infer }] as const] : []));
  return { ...ops, ...Object.fromEntries(types) };
}

export class Rewriter {
  /** Counts changes, so that passes can be repeated until nothing happens. */
  changes = 0;
  readonly #ops: OpTable;
  readonly #graph: Graph;
  readonly #nodes: Set<Node>;
  readonly #producers = new Map<Value, Node>();
  readonly #users = new Map<Value, Map<Node, number>>();
  readonly #outputs = new Map<Value, number>();
  #typing!: Typing;
  /** Types for one choice of the unknown dimensions; the same as `#typing` where there are none. */
  #probe!: Typing;
  #fresh = 0;
  /** Changes at the end of the last inference. */
  #inferred = -1;
  #order: { readonly changes: number; readonly nodes: readonly Node[] } = { changes: -1, nodes: [] };

  /** Works on a copy: `graph`, its nodes and its values stay as they are. */
  constructor(graph: Graph, ops: OpTable) {
    this.#ops = withoutHosts(ops);
    this.#graph = copyGraph(graph);
    this.#graph.nodes = sortNodes(this.#graph.nodes);
    this.#nodes = new Set(this.#graph.nodes);
    for (const node of this.#nodes) this.#link(node);
    for (const value of this.#graph.outputs) count(this.#outputs, value, 1);
    this.inferTypes();
  }

  /** Infers all types anew: what a pass finds out about one value tells more about those after it. Counts as a change. */
  inferTypes(): void {
    if (this.#inferred === this.changes) return;
    this.#typing = this.#infer(undefined);
    const isDynamic = this.#graph.inputs.some((value) => value.type?.shape.some(Number.isNaN));
    this.#probe = isDynamic ? this.#bestProbe() : this.#typing;
    this.#inferred = ++this.changes;
  }

  get inputs(): readonly Value[] {
    return this.#graph.inputs;
  }
  get outputs(): readonly Value[] {
    return this.#graph.outputs;
  }

  /** The nodes as they are now, each after the nodes it needs; those removed meanwhile are skipped. */
  *nodes(): Generator<Node> {
    for (const node of this.#ordered()) if (this.#nodes.has(node)) yield node;
  }

  /** Sorting costs as much as a pass, and most passes change nothing. */
  #ordered(): readonly Node[] {
    if (this.#order.changes !== this.changes) this.#order = { changes: this.changes, nodes: sortNodes([...this.#nodes]) };
    return this.#order.nodes;
  }

  /** The node that makes a value, when its operator is one of `ops` (any, when none is named). */
  producer(value: Value | null | undefined, ...ops: readonly string[]): Node | undefined {
    const node = value ? this.#producers.get(value) : undefined;
    return node && (ops.length === 0 || ops.includes(node.op)) ? node : undefined;
  }

  /** The nodes that read a value. */
  users(value: Value): Node[] {
    return [...(this.#users.get(value)?.keys() ?? [])];
  }

  isOutput(value: Value): boolean {
    return this.#outputs.has(value);
  }

  /** How often a value is read, as an output of the graph too. */
  useCount(value: Value): number {
    let uses = this.#outputs.get(value) ?? 0;
    for (const times of this.#users.get(value)?.values() ?? []) uses += times;
    return uses;
  }

  /** The one node that reads a value, once, when nothing else does. */
  soleUser(value: Value): Node | undefined {
    return this.useCount(value) === 1 && !this.isOutput(value) ? this.users(value)[0] : undefined;
  }

  /** The type as a run will tell it: dimensions that depend on the inputs are NaN. */
  type(value: Value): TensorType | undefined {
    return this.#typing.type(value);
  }
  dataType(value: Value): DataType | undefined {
    return this.type(value)?.dataType;
  }
  rank(value: Value): number | undefined {
    return this.type(value)?.shape.length;
  }

  /** The shape for one choice of the unknown dimensions: for comparing shapes, never for computing with them. */
  probedShape(value: Value): readonly number[] | undefined {
    return (this.#probe.type(value) ?? this.type(value))?.shape;
  }

  /** True when two values have one shape for all inputs that the model accepts. */
  sameShape(a: Value, b: Value): boolean {
    const [one, other] = [this.probedShape(a), this.probedShape(b)];
    return one !== undefined && other !== undefined && one.length === other.length && one.every((dim, i) => dim === other[i]);
  }

  /** The elements where they follow from constants and known shapes alone. */
  known(value: Value): HostTensor | undefined {
    return this.#typing.known(value);
  }
  isKnown(value: Value): boolean {
    return this.#typing.isKnown(value);
  }

  /** Adds a node with one output, and returns the output. */
  make(
    op: string,
    inputs: (Value | null)[],
    attributes: Attributes = {},
    { name, quant }: { name?: string; quant?: Quantization | undefined } = {},
  ): Value {
    const output: Value = { name: name ?? this.freshName(inputs.find((value) => value)?.name ?? op, op), quant };
    this.add({ op, name: output.name, inputs, outputs: [output], attributes });
    return output;
  }

  /** Adds a node whose outputs nothing makes yet. */
  add(node: Node): void {
    this.#nodes.add(node);
    this.#link(node);
    this.#visit(node);
    this.changes++;
  }

  /** A name that says where a new value comes from. */
  freshName(base: string, suffix: string): string {
    return `${base}/${suffix}${++this.#fresh}`;
  }

  /** Changes a node in place. Its outputs, and what comes after them, keep their identity. */
  update(node: Node, change: Partial<Pick<Node, "op" | "inputs" | "attributes">>): void {
    this.#unlink(node);
    Object.assign(node, change);
    this.#link(node);
    this.#visit(node);
    this.changes++;
  }

  /** Every reader of `value` reads `by` from now on; an output of the graph keeps its public name. */
  replaceValue(value: Value, by: Value): void {
    if (value === by) return;
    for (const node of this.users(value)) {
      this.#unlink(node);
      node.inputs = node.inputs.map((input) => (input === value ? by : input));
      this.#link(node);
    }
    if (this.isOutput(value)) this.#replaceOutput(value, by);
    this.changes++;
  }

  /** Replaces the node's only output, and takes the node away. */
  replaceNode(node: Node, by: Value): void {
    this.replaceValue(node.outputs[0]!, by);
    this.remove(node);
  }

  /** Takes away a node whose outputs nobody reads. */
  remove(node: Node): void {
    if (!this.#nodes.delete(node)) return;
    this.#unlink(node);
    for (const value of node.outputs) if (value) this.#producers.delete(value);
    this.changes++;
  }

  /** Takes away every node that no output of the graph needs. */
  removeDead(): void {
    for (const node of this.#ordered().toReversed())
      if (node.outputs.every((value) => !value || this.useCount(value) === 0)) this.remove(node);
  }

  /** The graph as it stands: live nodes in order, types written into the values. */
  finish(): Graph {
    this.removeDead();
    this.#graph.nodes = [...this.#ordered()];
    for (const node of this.#graph.nodes) for (const value of node.outputs) if (value) value.type = this.type(value);
    return this.#graph;
  }

  #replaceOutput(value: Value, by: Value): void {
    const names = this.#graph.outputNames ?? [];
    for (const [i, output] of this.#graph.outputs.entries()) {
      if (output !== value) continue;
      names[i] ??= value.name;
      this.#graph.outputs[i] = by;
      count(this.#outputs, by, 1);
    }
    this.#outputs.delete(value);
    this.#graph.outputNames = this.#graph.outputs.map((output, i) => names[i] ?? output.name);
  }

  #link(node: Node): void {
    for (const value of node.outputs) if (value) this.#producers.set(value, node);
    for (const value of node.inputs) {
      if (!value) continue;
      const users = this.#users.get(value) ?? new Map<Node, number>();
      this.#users.set(value, users);
      count(users, node, 1);
    }
  }

  #unlink(node: Node): void {
    for (const value of node.inputs) {
      const users = value && this.#users.get(value);
      if (users) count(users, node, -1);
    }
  }

  #infer(probe: readonly [number, number] | undefined): Typing {
    const typing = new Typing(this.#ops);
    for (const value of this.#graph.inputs) {
      if (!value.type) continue;
      const shape = value.type.shape.map((dim, axis) => (Number.isNaN(dim) && probe ? probe[axis === 0 ? 0 : 1] : dim));
      typing.setType(value, { dataType: value.type.dataType, shape });
    }
    for (const node of this.#ordered()) tryVisit(typing, node);
    return typing;
  }

  /** The choice of dimensions that most of the graph accepts. */
  #bestProbe(): Typing {
    const typed = (typing: Typing): number =>
      [...this.#nodes].filter((node) => node.outputs.every((value) => !value || typing.type(value))).length;
    let best: Typing | undefined;
    for (const probe of PROBES) {
      const typing = this.#infer(probe);
      if (!best || typed(typing) > typed(best)) best = typing;
      if (typed(best) === this.#nodes.size) break;
    }
    return best!;
  }

  #visit(node: Node): void {
    tryVisit(this.#typing, node);
    if (this.#probe !== this.#typing) tryVisit(this.#probe, node);
  }
}

function count<K>(counts: Map<K, number>, key: K, by: number): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

/** Infers what can be inferred: passes leave alone what has no type, and the planner reports what is wrong with it. */
function tryVisit(typing: Typing, node: Node): void {
  if (node.inputs.some((value) => value && !typing.type(value))) return;
  try {
    typing.visit(node);
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
  }
}
