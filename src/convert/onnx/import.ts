// ONNX models become graphs: nodes are visited in order, each by its operator's import function; functions of the model
// are inlined; what cannot be imported is collected and reported together.
import { LanewiseError } from "../../errors.ts";
import type { Graph, TensorType, Value } from "../../graph/types.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { NodeContext, type NodeImport } from "./node-context.ts";
import { findOperator } from "./operators/index.ts";
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type OpsetProto,
  readModelProto,
  type ValueProto,
} from "./proto.ts";
import { markPacked } from "./quantized-value.ts";
import { describeNode, sortNodes } from "./sort-nodes.ts";
import { dataTypeOf, isPacked, tensorValue } from "./tensor.ts";

/** Where names have a meaning: a graph, a graph nested in it, or the body of a function. */
interface Scope {
  /** Undefined: made by a node that cannot be imported. */
  readonly values: Map<string, Value | undefined>;
  readonly parent: Scope | undefined;
  /** Put before the names of values, so that they are unique in the whole model. */
  readonly prefix: string;
  readonly opsets: ReadonlyMap<string, number>;
  /** Attributes of the call, in a function's body. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** Functions that are being inlined. */
  readonly calls: readonly FunctionProto[];
}

/** Imports an ONNX model. Throws `format`, `shape`, and `unsupported` with every node that cannot run. */
export function importOnnx(bytes: Uint8Array): Graph {
  return new ModelImport(readModelProto(bytes)).run();
}

class ModelImport {
  readonly #model: ModelProto & { graph: GraphProto };
  readonly #builder: GraphBuilder;
  readonly #functions: Map<string, FunctionProto>;
  readonly #shared = new Map<string, Map<Value, Value>>();
  /** What cannot be imported, a line each. */
  readonly #refused = new Set<string>();

  constructor(model: ModelProto & { graph: GraphProto }) {
    this.#model = model;
    this.#builder = new GraphBuilder(namesOf(model.graph));
    this.#functions = new Map(model.functions.map((fn) => [functionKey(fn.domain, fn.name, fn.overload), fn]));
  }

  run(): Graph {
    const { graph } = this.#model;
    const scope: Scope = {
      values: new Map(),
      parent: undefined,
      prefix: "",
      opsets: opsetMap(this.#model.opsets),
      attributes: new Map(),
      calls: [],
    };
    this.#addInitializers(graph, scope);
    const inputs = this.#addInputs(graph, scope);
    this.#addNodes(graph.nodes, scope);
    if (this.#refused.size > 0) throw refusal(this.#refused);
    return this.#finish(inputs, scope);
  }

  #addInitializers(graph: GraphProto, scope: Scope): void {
    if (graph.hasSparse) this.#refused.add("sparse initializers");
    for (const tensor of graph.initializers) {
      if (scope.values.has(tensor.name)) throw new LanewiseError("format", `there are two constants named "${tensor.name}"`);
      this.#collect(undefined, () => {
        const name = scope.prefix === "" ? tensor.name : this.#builder.freshName(scope.prefix + tensor.name);
        const value = tensorValue(tensor, name);
        scope.values.set(tensor.name, value);
        if (isPacked(tensor)) markPacked(this.#shared, value);
      });
      if (!scope.values.has(tensor.name)) scope.values.set(tensor.name, undefined);
    }
  }

  #addInputs(graph: GraphProto, scope: Scope): Value[] {
    const inputs: Value[] = [];
    const names = new Set<string>();
    for (const proto of graph.inputs) {
      if (names.has(proto.name)) throw new LanewiseError("format", `there are two inputs named "${proto.name}"`);
      names.add(proto.name);
      if (scope.values.has(proto.name)) continue; // a constant with a default value is one for good
      scope.values.set(proto.name, undefined);
      this.#collect(undefined, () => {
        const type = declaredType(proto, `input "${proto.name}"`);
        if (!type) throw new LanewiseError("unsupported", `input "${proto.name}" has no shape`);
        const value: Value = { name: proto.name, type };
        this.#builder.declare(value, type);
        scope.values.set(proto.name, value);
        inputs.push(value);
      });
    }
    return inputs;
  }

  #addNodes(nodes: readonly NodeProto[], scope: Scope): void {
    for (const node of sortNodes(nodes, (name) => isDefined(name, scope))) this.#addNode(node, scope);
  }

  #addNode(node: NodeProto, scope: Scope): void {
    const domain = normalDomain(node.domain);
    const version = scope.opsets.get(domain) ?? 1;
    for (const name of node.outputs) if (name) scope.values.set(name, undefined);
    this.#collect(`${describeNode(node)}: ${domain || "ai.onnx"} ${node.opType}, version ${version}`, () => {
      const build = findOperator(domain, node.opType);
      const fn = build ? undefined : this.#functions.get(functionKey(node.domain, node.opType, node.overload));
      if (!build && !fn) throw new LanewiseError("unsupported", "the operator is not supported");
      const inputs = node.inputs.map((name) => (name ? lookUp(name, scope) : null));
      if (inputs.includes(undefined)) return; // behind a node that is reported already
      const attributes = node.attributes.flatMap((attribute) => resolveAttribute(attribute, scope));
      const given = inputs as (Value | null)[];
      if (build) this.#importNode(node, build, given, attributes, version, scope);
      else this.#inlineFunction(node, fn!, given, attributes, scope);
    });
  }

  #importNode(
    node: NodeProto,
    build: NodeImport,
    inputs: (Value | null)[],
    attributes: AttributeProto[],
    version: number,
    scope: Scope,
  ): void {
    const name = scope.prefix + (node.name || node.outputs.find((output) => output !== "") || node.opType);
    const first = this.#builder.nodes.length;
    const inline = (graph: GraphProto, given: readonly Value[]) => this.#inlineGraph(graph, given, name, scope);
    const context = new NodeContext(this.#builder, { proto: node, name, inputs, version, attributes, inline, shared: this.#shared });
    const result = inNode(node, () => build(context));
    const results = Array.isArray(result) ? (result as (Value | null)[]) : [result as Value];
    const fresh = new Set(this.#builder.nodes.slice(first).flatMap((emitted) => emitted.outputs));
    for (const [i, output] of node.outputs.entries()) {
      if (output === "") continue;
      const value = results[i];
      if (!value) throw new LanewiseError("unsupported", `output ${i}`);
      if (fresh.delete(value)) value.name = scope.prefix === "" ? output : this.#builder.freshName(scope.prefix + output);
      scope.values.set(output, value);
    }
  }

  #inlineFunction(node: NodeProto, fn: FunctionProto, inputs: (Value | null)[], attributes: AttributeProto[], scope: Scope): void {
    if (scope.calls.includes(fn)) throw new LanewiseError("format", `function "${fn.name}" calls itself`);
    const given = new Map([...fn.defaults, ...attributes].map((attribute) => [attribute.name, attribute]));
    const body: Scope = {
      values: new Map(fn.inputs.flatMap((name, i) => (inputs[i] ? [[name, inputs[i]]] : []))),
      parent: undefined,
      prefix: `${scope.prefix}${node.name || node.outputs[0] || fn.name}/`,
      opsets: fn.opsets.length > 0 ? opsetMap(fn.opsets) : scope.opsets,
      attributes: given,
      calls: [...scope.calls, fn],
    };
    const absent = new Set(fn.inputs.filter((_, i) => !inputs[i]));
    this.#addNodes(
      fn.nodes.map((inner) => ({ ...inner, inputs: inner.inputs.map((name) => (absent.has(name) ? "" : name)) })),
      body,
    );
    for (const [i, output] of node.outputs.entries()) {
      const name = fn.outputs[i];
      if (output !== "" && name !== undefined) scope.values.set(output, body.values.get(name));
    }
  }

  #inlineGraph(graph: GraphProto, inputs: readonly Value[], name: string, parent: Scope): Value[] {
    const given = graph.inputs.flatMap((input, i): [string, Value][] => (inputs[i] ? [[input.name, inputs[i]]] : []));
    const scope: Scope = { ...parent, values: new Map(given), parent, prefix: `${name}/` };
    this.#addInitializers(graph, scope);
    this.#addNodes(graph.nodes, scope);
    return graph.outputs.map((output) => {
      const value = lookUp(output.name, scope);
      if (!value) throw new LanewiseError("unsupported", `its graph has no value "${output.name}"`);
      return value;
    });
  }

  /** Runs `body`; what is unsupported in it is noted, and the import goes on to find the rest. */
  #collect(what: string | undefined, body: () => void): void {
    try {
      body();
    } catch (error) {
      if (!(error instanceof LanewiseError) || error.code !== "unsupported") throw error;
      this.#refused.add(what ? `${what}: ${error.message}` : error.message);
    }
  }

  #finish(inputs: Value[], scope: Scope): Graph {
    const names = this.#model.graph.outputs.map(({ name }) => name);
    const outputs = this.#model.graph.outputs.map((proto) => {
      const value = scope.values.get(proto.name);
      if (!value) throw new LanewiseError("format", `output "${proto.name}" is not made by any node`);
      if (!value.constant && !inputs.includes(value)) value.type = mergedType(this.#builder.type(value), declaredOutput(proto));
      return value;
    });
    const graph: Graph = { inputs, outputs, nodes: this.#builder.nodes };
    if (names.some((name, i) => name !== outputs[i]!.name)) graph.outputNames = names;
    return graph;
  }
}

/** Errors say which ONNX node they are about, once. */
function inNode<T>(node: NodeProto, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RangeError) throw new LanewiseError("memory", `${describeNode(node)}: ${error.message}`, { cause: error });
    if (error instanceof RangeError) throw new LanewiseError("memory", `${describeNode(node)}: ${error.message}`, { cause: error });
    if (!(error instanceof LanewiseError) || error.code === "unsupported" || error.message.startsWith("node ")) throw error;
    throw new LanewiseError(error.code, `${describeNode(node)}: ${error.message}`, { cause: error });
  }
}

function refusal(refused: ReadonlySet<string>): LanewiseError {
  const lines = [...refused];
  const shown = lines.slice(0, 50).map((line) => `\n  ${line}`);
  const more = lines.length > shown.length ? `\n  and ${lines.length - shown.length} more` : "";
  return new LanewiseError("unsupported", `the model has what this engine does not support:${shown.join("")}${more}`);
}

const functionKey = (domain: string, name: string, overload: string): string => JSON.stringify([normalDomain(domain), name, overload]);

const normalDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

const opsetMap = (opsets: readonly OpsetProto[]): Map<string, number> =>
  new Map(opsets.map(({ domain, version }) => [normalDomain(domain), version]));

const isDefined = (name: string, scope: Scope | undefined): boolean =>
  scope !== undefined && (scope.values.has(name) || isDefined(name, scope.parent));

function lookUp(name: string, scope: Scope): Value | undefined {
  return scope.values.has(name) || !scope.parent ? scope.values.get(name) : lookUp(name, scope.parent);
}

/** An attribute as the node has it, or as the call of the enclosing function gives it. */
function resolveAttribute(attribute: AttributeProto, { attributes }: Scope): AttributeProto[] {
  if (attribute.reference === "") return [attribute];
  const given = attributes.get(attribute.reference);
  return given ? [{ ...given, name: attribute.name }] : [];
}

/** All names of the main graph, so that nothing else takes them. */
const namesOf = (graph: GraphProto): string[] => [
  ...graph.inputs.map(({ name }) => name),
  ...graph.initializers.map(({ name }) => name),
  ...graph.nodes.flatMap(({ outputs }) => outputs),
];

/** A declared type; undefined when the shape is not said. Throws `unsupported` for what is no tensor. */
function declaredType(proto: ValueProto, where: string): TensorType | undefined {
  if (proto.kind !== "tensor")
    throw new LanewiseError("unsupported", `${where} is a ${proto.kind || "value without a type"}, not a tensor`);
  const dataType = dataTypeOf(proto.dataType, where);
  return proto.shape && { dataType, shape: proto.shape.map((dim) => dimensionOf(dim, where)) };
}

function dimensionOf(dim: number | string | null, where: string): number {
  if (typeof dim !== "number") return Number.NaN;
  if (dim < -1 || !Number.isSafeInteger(dim)) throw new LanewiseError("format", `${where} has a dimension of ${dim}`);
  return dim < 0 ? Number.NaN : dim; // some exporters write -1 for an open dimension
}

/** Outputs may be declared without a type. */
const declaredOutput = (proto: ValueProto): TensorType | undefined =>
  proto.kind === "" ? undefined : declaredType(proto, `output "${proto.name}"`);

/** What was inferred, with dimensions that only the declaration tells. */
function mergedType(inferred: TensorType | undefined, declared: TensorType | undefined): TensorType | undefined {
  if (!inferred || !declared || inferred.shape.length !== declared.shape.length) return inferred ?? declared;
  return { dataType: inferred.dataType, shape: inferred.shape.map((dim, i) => (Number.isNaN(dim) ? declared.shape[i]! : dim)) };
}
