// From the bytes of a .tflite file to a graph. Operators are imported one by one, in the file's order; what cannot be
// imported is gathered and reported together.
import { check, LanewiseError } from "../../errors.ts";
import type { Graph, Node, Value } from "../../graph/types.ts";
import { recenter } from "../../passes/recenter.ts";
import { Names, OperatorContext } from "./context.ts";
import { TableView } from "./flatbuffer.ts";
import { importerOf, reasonAgainst } from "./operators/index.ts";
import { ON_COMPLEX } from "./operators/spectrum.ts";
import {
  MODEL,
  type OperatorKind,
  operatorKind,
  type TfliteModel,
  type TfliteOperator,
  type TfliteSubgraph,
  type TfliteTensor,
} from "./schema.ts";
import { constantOf, isComplex, quantOf, tensorProblem, typeOf } from "./tensors.ts";

const SCHEMA_VERSION = 3;

/**
 * The graph of a TFLite model. Inputs and outputs keep their tensors' names, data types and shapes; a dimension that
 * the file leaves open is NaN. Quantized activations become int8 (see `recenter`).
 *
 * Throws `LanewiseError`: "format" for bytes that are no such file or a broken one, "shape" for tensors and operators
 * that contradict each other, "unsupported" for all operators together that the engine does not have.
 */
export function importTflite(bytes: Uint8Array): Graph {
  const model = TableView.root(bytes, "TFL3").decode(MODEL);
  check(model.version === SCHEMA_VERSION, "format", () => `expected schema version ${SCHEMA_VERSION}, found ${model.version}`);
  const [main] = model.subgraphs;
  check(main, "format", () => "the file has no subgraph");
  return recenter(new SubgraphImport(model, main).graph());
}

/** One subgraph on its way to a graph. */
class SubgraphImport {
  readonly #model: TfliteModel;
  readonly #subgraph: TfliteSubgraph;
  readonly #kinds: readonly OperatorKind[];
  /** Tensors whose names callers see. */
  readonly #public: ReadonlySet<number>;
  readonly #names = new Names();
  readonly #values = new Map<number, Value>();
  readonly #nodes: Node[] = [];
  readonly #unsupported: string[] = [];

  constructor(model: TfliteModel, subgraph: TfliteSubgraph) {
    this.#model = model;
    this.#subgraph = subgraph;
    this.#public = new Set([...subgraph.inputs, ...subgraph.outputs]);
    this.#kinds = model.operatorCodes.map(operatorKind);
  }

  graph(): Graph {
    const { inputs: inputIndices, outputs: outputIndices, operators } = this.#subgraph;
    const inputs = inputIndices.map((index) => this.#input(index));
    for (const [index, operator] of operators.entries()) this.#operator(index, operator);
    const outputs = outputIndices.map((index) => this.#output(index));
    if (this.#unsupported.length > 0) throw this.#unsupportedError();
    const outputNames = new Names();
    return { inputs, outputs, nodes: this.#nodes, outputNames: outputIndices.map((index) => outputNames.unique(this.#tensor(index).name)) };
  }

  #input(index: number): Value {
    const value = this.#define(index, "the model's inputs");
    const problem = tensorProblem(this.#tensor(index), value);
    if (problem) this.#unsupported.push(`the input: ${problem}`);
    return value;
  }

  #output(index: number): Value {
    const value = this.#read(index, "the model's outputs");
    const tensor = this.#tensor(index);
    if (isComplex(tensor)) this.#unsupported.push(`the output: ${tensorProblem(tensor, value)}`);
    return value;
  }

  /** Imports one operator; what is unsupported about it is noted, its outputs are there all the same. */
  #operator(index: number, operator: TfliteOperator): void {
    const kind = this.#kinds[operator.code];
    check(kind, "format", () => `operator ${index}: operator code ${operator.code} does not exist; the file has ${this.#kinds.length}`);
    const where = `operator ${index} (${kind.name})`;
    const inputs = operator.inputs.map((tensor) => (tensor === -1 ? null : this.#read(tensor, where)));
    const outputs = operator.outputs.map((tensor) => (tensor === -1 ? null : this.#define(tensor, where)));
    const ctx = new OperatorContext(kind, operator, { inputs, outputs: [...outputs] }, this.#names);
    try {
      this.#checkTensors(operator, inputs, outputs);
      importerOf(kind)(ctx);
    } catch (error) {
      if (!(error instanceof LanewiseError)) throw error;
      if (error.code !== "unsupported")
        throw new LanewiseError(error.code, `operator ${index} "${ctx.name}" (${kind.name}): ${error.message}`, { cause: error });
      this.#unsupported.push(
        `operator ${index} "${ctx.name}" (${kind.custom ? "custom " : ""}${kind.name}, version ${kind.version}): ${error.message}`,
      );
      return;
    }
    this.#nodes.push(...ctx.nodes);
    for (const [i, tensor] of operator.outputs.entries())
      if (ctx.outputs[i] && ctx.outputs[i] !== outputs[i]) this.#values.set(tensor, ctx.outputs[i]);
  }

  /** Throws `unsupported` for a tensor that the engine cannot hold. */
  #checkTensors(operator: TfliteOperator, inputs: (Value | null)[], outputs: (Value | null)[]): void {
    const indices = [...operator.inputs, ...operator.outputs];
    for (const [i, value] of [...inputs, ...outputs].entries()) {
      if (!value) continue;
      const tensor = this.#tensor(indices[i]!);
      if (isComplex(tensor) && ON_COMPLEX.has(this.#kinds[operator.code]!.name)) continue;
      const problem = tensorProblem(tensor, value);
      if (problem) throw new LanewiseError("unsupported", reasonAgainst(this.#kinds[operator.code]!) ?? problem);
    }
  }

  #tensor(index: number, where = "the model"): TfliteTensor {
    const tensor = this.#subgraph.tensors[index];
    check(tensor, "format", () => `${where}: tensor ${index} does not exist; the file has ${this.#subgraph.tensors.length}`);
    return tensor;
  }

  /** The value of a tensor that something makes now. Throws `format` when it is there already: the graph has no cycle. */
  #define(index: number, where: string): Value {
    const tensor = this.#tensor(index, where);
    check(!this.#values.has(index), "format", () => `${where}: tensor ${index} "${tensor.name}" is there already`);
    const value = this.#newValue(index, tensor);
    this.#values.set(index, value);
    return value;
  }

  /** The value of a tensor that was made before, or that the file brings. Throws `format`. */
  #read(index: number, where: string): Value {
    const made = this.#values.get(index);
    if (made) return made;
    const tensor = this.#tensor(index, where);
    const constant = constantOf(tensor, this.#model) ?? emptyConstant(tensor);
    const told = constant || tensor.isVariable || tensor.externalBuffer || !typeOf(tensor) || isComplex(tensor); // a problem that the operator will name
    check(told, "format", () => `${where}: nothing makes tensor ${index} "${tensor.name}" before it is read`);
    const value = this.#newValue(index, tensor);
    if (constant) value.constant = constant;
    this.#values.set(index, value);
    return value;
  }

  /** A value for a tensor. The format's converter joins the names of all that it merged; inside, the first is enough. */
  #newValue(index: number, tensor: TfliteTensor): Value {
    const type = typeOf(tensor);
    const name = this.#public.has(index) ? tensor.name : tensor.name.split(";", 1)[0];
    return { name: this.#names.unique(name || `tensor_${index}`), type, quant: type && quantOf(tensor, type) };
  }

  #unsupportedError(): LanewiseError {
    const list = this.#unsupported.map((line) => `\n  ${line}`).join("");
    const count = this.#unsupported.length;
    return new LanewiseError(
      "unsupported",
      `this model needs ${count === 1 ? "something that is" : `${count} things that are`} not supported:${list}`,
    );
  }
}

/** A constant of no elements has no buffer. */
function emptyConstant(tensor: TfliteTensor) {
  const type = tensor.shape.includes(0) ? typeOf(tensor) : undefined;
  return type && { storage: type.dataType, bytes: new Uint8Array() };
}
