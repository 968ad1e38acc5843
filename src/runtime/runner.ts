// Runs one graph: finds or makes the plan for the inputs' shapes, copies inputs in, walks the calls, hands outputs out.
import { type Graph, isStatic, type Node, type TensorType, type Value } from "../graph/types.ts";
import { atNode, type HostTensor } from "../ops/define.ts";
import { runHost } from "../plan/infer.ts";
import { type Plan, type PlanTarget, planGraph } from "../plan/plan.ts";
import { bindStep, type Call, tensorAt } from "./calls.ts";
import type { KernelExports } from "./kernel-exports.d.ts";
import type { ModelMemory } from "./memory.ts";

export interface RunnerContext {
  readonly target: PlanTarget;
  readonly memory: ModelMemory;
  readonly kernels: KernelExports;
}

/** A plan and its calls, bound to the memory as it was when `buffer` was current. */
export interface BoundPlan {
  readonly plan: Plan;
  calls: readonly Call[];
  buffer: ArrayBufferLike | undefined;
  /** The runner of what follows a data-dependent operator. */
  rest?: GraphRunner;
}

export class GraphRunner {
  readonly graph: Graph;
  readonly #context: RunnerContext;
  readonly #plans = new Map<string, BoundPlan>();
  readonly #isStatic: boolean;
  /** The one plan of a graph whose input shapes are fixed. */
  #only: BoundPlan | undefined;

  constructor(graph: Graph, context: RunnerContext) {
    this.graph = graph;
    this.#context = context;
    this.#isStatic = graph.inputs.every(({ type }) => type && isStatic(type.shape));
  }

  /** The plan for these input types, made at first use. */
  planFor(types: ReadonlyMap<Value, TensorType>, seeds: ReadonlyMap<Value, HostTensor> = new Map()): BoundPlan {
    if (this.#only) {
      this.#bind(this.#only);
      return this.#only;
    }
    const key = this.graph.inputs.map((value) => `${types.get(value)?.shape}:${seeds.get(value)?.data ?? ""}`).join(";");
    let bound = this.#plans.get(key);
    if (!bound) {
      bound = { plan: planGraph(this.graph, this.#context.target, types, seeds), calls: [], buffer: undefined };
      this.#plans.set(key, bound);
      if (seeds.size === 0 && this.#isStatic) this.#only = bound;
    }
    this.#bind(bound);
    return bound;
  }

  /** Host calls hold views, which die when the memory grows. */
  #bind(bound: BoundPlan): void {
    const { kernels, memory } = this.#context;
    if (bound.buffer === memory.buffer) return;
    bound.calls = bound.plan.steps.map((step) => bindStep(step, kernels, memory.buffer));
    bound.buffer = memory.buffer;
  }

  /** Copies input elements to their places. */
  write(bound: BoundPlan, inputs: ReadonlyMap<Value, HostTensor>): void {
    for (const [value, tensor] of inputs) {
      const placed = bound.plan.inputs.get(value);
      if (placed) tensorAt(placed, this.#context.memory.buffer).data.set(tensor.data as never);
    }
  }

  /** Copies the outputs out; follows the graph past data-dependent operators. */
  read(bound: BoundPlan): HostTensor[] {
    const { plan } = bound;
    const { buffer } = this.#context.memory;
    const outputs = plan.outputs.map((output) => {
      if ("known" in output) return { ...output.known, data: output.known.data.slice() };
      const { dataType, shape } = output.placed;
      return { dataType, shape, data: tensorAt(output.placed, buffer).data.slice() };
    });
    return plan.continuation ? this.#continue(bound, new Map(plan.outputs.map(({ value }, i) => [value, outputs[i]!]))) : outputs;
  }

  #continue(bound: BoundPlan, carried: Map<Value, HostTensor>): HostTensor[] {
    const { node, rest, seeds } = bound.plan.continuation!;
    if (node) this.#runDynamic(bound.plan, node, carried);
    bound.rest ??= new GraphRunner(rest, this.#context);
    const inputs = new Map(rest.inputs.map((value) => [value, carried.get(value)!]));
    return bound.rest.run(inputs, new Map(seeds.map((value) => [value, carried.get(value)!])));
  }

  #runDynamic({ typing }: Plan, node: Node, carried: Map<Value, HostTensor>): void {
    const inputs = node.inputs.map((value) => (value ? (carried.get(value) ?? typing.known(value)) : undefined));
    const results = atNode(node, inputs, () => runHost(node, typing.op(node), inputs, () => [])!);
    for (const [i, value] of node.outputs.entries()) if (value) carried.set(value, results[i]!);
  }

  /** One run from start to end. `seeds` are inputs whose elements the plan depends on. */
  run(inputs: ReadonlyMap<Value, HostTensor>, seeds: ReadonlyMap<Value, HostTensor>): HostTensor[] {
    const bound = this.planFor(inputs, seeds);
    this.write(bound, inputs);
    for (const call of bound.calls) call();
    return this.read(bound);
  }
}
