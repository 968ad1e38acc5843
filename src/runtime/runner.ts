// Runs one graph: finds or makes the plan for the inputs' shapes, copies inputs in, walks the calls, hands outputs out.
import { type Graph, isStatic, type Node, type TensorType, type TypedArray, type Value } from "../graph/types.ts";
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
  /** The places of inputs that the plan reads. */
  inputs: ReadonlyMap<Value, TypedArray>;
  /** The places of outputs, and the elements of those that are known. */
  outputs: readonly HostTensor[];
  buffer: ArrayBufferLike | undefined;
  /** The runner of what follows a data-dependent operator. */
  rest?: GraphRunner;
}

const NO_SEEDS: ReadonlyMap<Value, HostTensor> = new Map();

const isSameShape = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);

export class GraphRunner {
  readonly graph: Graph;
  readonly #context: RunnerContext;
  readonly #plans = new Map<string, BoundPlan>();
  readonly #isStatic: boolean;
  /** The one plan of a graph whose input shapes are fixed. */
  #only: BoundPlan | undefined;
  /** The plan of the run before: most often its shapes come again. */
  #last: { readonly shapes: readonly (readonly number[])[]; readonly bound: BoundPlan } | undefined;

  constructor(graph: Graph, context: RunnerContext) {
    this.graph = graph;
    this.#context = context;
    this.#isStatic = graph.inputs.every(({ type }) => type && isStatic(type.shape));
  }

  /** The plan for these input types, made at first use. */
  planFor(types: ReadonlyMap<Value, TensorType>, seeds: ReadonlyMap<Value, HostTensor> = NO_SEEDS): BoundPlan {
    const bound = this.#only ?? (seeds.size === 0 ? this.#planAgain(types) : this.#planOf(types, seeds));
    this.#bind(bound);
    return bound;
  }

  #planAgain(types: ReadonlyMap<Value, TensorType>): BoundPlan {
    const shapes = this.graph.inputs.map((value) => types.get(value)?.shape ?? []);
    if (!this.#last?.shapes.every((shape, i) => isSameShape(shape, shapes[i]!))) {
      this.#last = { shapes: shapes.map((shape) => [...shape]), bound: this.#planOf(types, NO_SEEDS) };
    }
    return this.#last!.bound;
  }

  #planOf(types: ReadonlyMap<Value, TensorType>, seeds: ReadonlyMap<Value, HostTensor>): BoundPlan {
    const key = this.graph.inputs.map((value) => `${types.get(value)?.shape}:${seeds.get(value)?.data ?? ""}`).join(";");
    const known = this.#plans.get(key);
    if (known) return known;
    const plan = planGraph(this.graph, this.#context.target, types, seeds);
    const bound = { plan, calls: [], inputs: new Map(), outputs: [], buffer: undefined };
    this.#plans.set(key, bound);
    if (seeds.size === 0 && this.#isStatic) this.#only = bound;
    return bound;
  }

  /** Views die when the memory grows. */
  #bind(bound: BoundPlan): void {
    const { kernels, memory } = this.#context;
    const { buffer } = memory;
    if (bound.buffer === buffer) return;
    const { steps, inputs, outputs } = bound.plan;
    bound.calls = steps.map((step) => bindStep(step, kernels, buffer));
    bound.inputs = new Map([...inputs].map(([value, placed]) => [value, tensorAt(placed, buffer).data]));
    bound.outputs = outputs.map((output) => {
      const tensor = "known" in output ? output.known : tensorAt(output.placed, buffer);
      return { ...tensor, shape: Object.freeze([...tensor.shape]) };
    });
    bound.buffer = buffer;
  }

  /** Copies input elements to their places. */
  write({ inputs: places }: BoundPlan, inputs: ReadonlyMap<Value, HostTensor>): void {
    for (const [value, tensor] of inputs) places.get(value)?.set(tensor.data as never);
  }

  /** Copies the outputs out; follows the graph past data-dependent operators. */
  read(bound: BoundPlan): HostTensor[] {
    const { plan } = bound;
    const outputs = bound.outputs.map(({ dataType, shape, data }) => ({ dataType, shape, data: data.slice() }));
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
