// Operators through graph → plan → run, as a model would run them, in a tier of choice.
import { readFileSync } from "node:fs";
import { constantValue } from "../../src/graph/constant.ts";
import {
  type Attributes,
  arrayClass,
  type DataType,
  type Graph,
  type Quantization,
  type TypedArray,
  type Value,
} from "../../src/graph/types.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { QUANTIZED_LOWERINGS } from "../../src/ops/quantized/lowerings.ts";
import type { OpTable } from "../../src/plan/infer.ts";
import { Model } from "../../src/runtime/model.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import type { TierName } from "./kernels.ts";

const modules = new Map<TierName, WebAssembly.Module>();

/** A model over a graph made by hand. */
export function modelOf(graph: Graph, tier: TierName = "simd128", memory: "fast" | "small" = "fast", ops: OpTable = ALL_OPS): Model {
  let module = modules.get(tier);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(new URL(`../../dist/${tier}.wasm`, import.meta.url)));
    modules.set(tier, module);
  }
  return new Model(graph, module, { tier, memory, ops, quantized: QUANTIZED_LOWERINGS });
}

/** An input of an operator under test: given at run time, or a constant of the model. */
export interface TestInput {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly data: TypedArray | readonly number[];
  readonly constant?: boolean;
  readonly quant?: Quantization;
}

export interface TestOutput {
  readonly quant?: Quantization;
}

const elements = ({ dataType, data }: TestInput): TypedArray =>
  ArrayBuffer.isView(data) ? (data as TypedArray) : (arrayClass(dataType) as Float32ArrayConstructor).from(data as number[]);

/** One node with these inputs (null: absent), as a graph. */
export function graphOf(
  op: string,
  attributes: Attributes,
  inputs: readonly (TestInput | null)[],
  outputs: readonly TestOutput[] = [{}],
): Graph {
  const values = inputs.map((input, i): Value | null => {
    if (!input) return null;
    const { dataType, shape, quant } = input;
    return input.constant
      ? constantValue(`c${i}`, dataType, shape, elements(input), quant)
      : { name: `x${i}`, type: { dataType, shape }, quant };
  });
  const results = outputs.map(({ quant }, i): Value => ({ name: `y${i}`, quant }));
  return {
    inputs: values.filter((value): value is Value => value !== null && !value.constant),
    outputs: results,
    nodes: [{ op, name: op, inputs: values, outputs: results, attributes }],
  };
}

/** Runs one operator and returns its outputs. */
export function runOp(
  op: string,
  attributes: Attributes,
  inputs: readonly (TestInput | null)[],
  options: { tier?: TierName; outputs?: readonly TestOutput[]; memory?: "fast" | "small" } = {},
): Tensor[] {
  const graph = graphOf(op, attributes, inputs, options.outputs);
  const model = modelOf(graph, options.tier, options.memory);
  const feed: Record<string, Tensor> = {};
  for (const [i, input] of inputs.entries())
    if (input && !input.constant) feed[`x${i}`] = new Tensor(input.dataType, input.shape, elements(input));
  return Object.values(model.runSync(feed));
}
