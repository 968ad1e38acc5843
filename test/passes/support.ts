// Graphs made by hand, and passes run on them with the graph checked before and after.
import { checkGraph } from "../../src/graph/check.ts";
import { constantValue } from "../../src/graph/constant.ts";
import { printGraph } from "../../src/graph/print.ts";
import {
  type Attributes,
  arrayClass,
  type DataType,
  type Graph,
  type Node,
  type Quantization,
  sizeOf,
  type TypedArray,
  type Value,
} from "../../src/graph/types.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { type Pass, Rewriter } from "../../src/passes/rewrite.ts";

type Extra = { readonly dataType?: DataType; readonly quant?: Quantization };

function elementsOf(dataType: DataType, numbers: readonly number[]): TypedArray {
  if (dataType === "int64") return BigInt64Array.from(numbers, BigInt);
  return (arrayClass(dataType) as Float32ArrayConstructor).from(numbers);
}

/** Builds a graph node by node. */
export class GraphUnderTest {
  readonly #inputs: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #counts = new Map<string, number>();

  input(name: string, shape: readonly number[], { dataType = "float32", quant }: Extra = {}): Value {
    const value: Value = { name, type: { dataType, shape }, quant };
    this.#inputs.push(value);
    return value;
  }

  /** A constant; without `data` its elements count up from 1. */
  constant(
    name: string,
    shape: readonly number[],
    data?: TypedArray | readonly number[],
    { dataType = "float32", quant }: Extra = {},
  ): Value {
    const numbers = data ?? Array.from({ length: sizeOf(shape) }, (_, i) => i + 1);
    const elements = ArrayBuffer.isView(numbers) ? (numbers as TypedArray) : elementsOf(dataType, numbers as readonly number[]);
    return constantValue(name, dataType, shape, elements, quant);
  }

  /** A number as float32. */
  number(value: number): Value {
    return this.constant(`${value}`, [], [value]);
  }

  node(op: string, inputs: readonly (Value | null)[], attributes: Attributes = {}, quant?: Quantization): Value {
    return this.nodes(op, inputs, 1, attributes, quant)[0]!;
  }

  nodes(op: string, inputs: readonly (Value | null)[], outputCount: number, attributes: Attributes = {}, quant?: Quantization): Value[] {
    const count = (this.#counts.get(op) ?? 0) + 1;
    this.#counts.set(op, count);
    const outputs = Array.from({ length: outputCount }, (_, i) => ({ name: `${op}${count}${i ? `.${i}` : ""}`, quant }));
    this.#nodes.push({ op, name: `${op}${count}`, inputs: [...inputs], outputs, attributes });
    return outputs;
  }

  graph(...outputs: Value[]): Graph {
    return { inputs: this.#inputs, nodes: this.#nodes, outputs };
  }
}

/** A graph through some passes, in turns until nothing changes. */
export function runPasses(graph: Graph, ...passes: readonly Pass[]): Graph {
  const before = printGraph(graph);
  checkGraph(graph);
  const rewriter = new Rewriter(graph, ALL_OPS);
  for (let changes = -1, rounds = 0; changes !== rewriter.changes; rounds++) {
    if (rounds > 20) throw new Error("the passes do not come to an end");
    changes = rewriter.changes;
    for (const pass of passes) {
      pass(rewriter);
      checkGraph(rewriter.finish());
    }
  }
  const result = rewriter.finish();
  checkGraph(result);
  if (printGraph(graph) !== before) throw new Error("a pass changed the graph that it was given");
  return result;
}

/** The nodes and outputs of the graph after some passes, a line each. */
export function afterPasses(graph: Graph, ...passes: readonly Pass[]): string {
  return `\n${printGraph(runPasses(graph, ...passes))}\n`;
}
