// A loaded model: the public face of a graph that is planned and run. One run at a time; more are queued.
import { LanewiseError } from "../errors.ts";
import { printPublicType } from "../graph/print.ts";
import { type Graph, isStatic, type TensorType, type Value } from "../graph/types.ts";
import type { HostTensor } from "../ops/define.ts";
import { describePlan, type PlanDescription } from "../plan/describe.ts";
import { inferGraph } from "../plan/infer.ts";
import type { Choice } from "../plan/lower.ts";
import { type Plan, type PlanTarget, planGraph } from "../plan/plan.ts";
import { WeightStore } from "../plan/weights.ts";
import { tensorAt, throwIfAborted } from "./calls.ts";
import { asTensor, checkObject, checkOutputs, checkType, findInput } from "./checks.ts";
import { instantiateKernels, type Tier } from "./kernels.ts";
import { ModelMemory } from "./memory.ts";
import type { ModelSettings, RunOptions, TensorInfo } from "./model-options.ts";
import { type Profile, profileCalls } from "./profile.ts";
import { type BoundPlan, GraphRunner } from "./runner.ts";
import { Tensor } from "./tensor.ts";
import type { Tuning } from "./tuning.ts";

interface Engine {
  readonly runner: GraphRunner;
  readonly memory: ModelMemory;
  readonly target: PlanTarget;
  /** Plans made so far. */
  plans: number;
}

/** A model of open shapes starts over after this many plans, so that what they keep does not add up without end. */
const MAX_PLANS = 128;

/** A run that can be stopped gives way to the event loop this often, in milliseconds. */
const SLICE_MS = 8;

/** A loaded model. `load` makes it; `dispose` gives its memory back. */
export class Model {
  /** Inputs by name, in the source model's order. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Outputs by name, in the source model's order. */
  readonly outputs: Readonly<Record<string, TensorInfo>>;
  /** The kernels' tier. */
  readonly tier: Tier;
  /** The kernels that `load`'s option `tune` found or was given, to be given again to a later `load`; empty without it. */
  readonly tuning: Tuning;

  readonly #graph: Graph;
  readonly #makeEngine: () => Engine;
  #engine: Engine | undefined;
  readonly #outputNames: readonly string[];
  /** Inputs that were handed out as views since the last run. */
  readonly #viewed = new Map<Value, TensorType>();
  /** The only plan there can be, described, where all shapes are fixed. */
  #fixed: PlanDescription | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Use `load`. */
  constructor(graph: Graph, module: WebAssembly.Module, settings: ModelSettings) {
    this.tier = settings.tier;
    this.tuning = Object.freeze({ ...settings.tuning });
    this.#graph = graph;
    this.#makeEngine = () => makeEngine(graph, module, settings);
    this.#engine = this.#makeEngine();
    const { runner, target } = this.#engine;
    this.#outputNames = graph.outputs.map((value, i) => graph.outputNames?.[i] ?? value.name);
    this.inputs = describeValues(
      graph.inputs,
      graph.inputs.map((value) => value.name),
    );
    if (graph.inputs.every((value) => value.type && isStatic(value.type.shape))) {
      const { plan } = runner.planFor(new Map());
      this.outputs = describeValues(graph.outputs, this.#outputNames, (value) => plan.typing.type(value));
      if (settings.ownsGraph && !plan.continuation) this.#fixed = releaseConstants(graph, plan, target.weights);
    } else {
      const typing = inferGraph(graph, settings.ops);
      this.outputs = describeValues(graph.outputs, this.#outputNames, (value) => typing.type(value));
    }
  }

  /** Bytes of the model's WebAssembly memory: weights, arena and kernels' statics. */
  get memoryBytes(): number {
    return this.#engine?.memory.buffer.byteLength ?? 0;
  }

  /**
   * Runs the model. Calls made while one runs are queued. With a signal the run gives way to the event loop every few
   * milliseconds, so that it can be stopped.
   *
   * Throws `LanewiseError`: "input" for a missing, unknown or misshapen input, "aborted", "disposed". The model stays
   * usable after a refused run.
   */
  run(inputs: Readonly<Record<string, Tensor>> = {}, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    // A run that cannot be stopped is over before it returns: it needs no place in the queue, which costs a microsecond.
    if (this.#waiting === 0 && !options?.signal) return this.#runAtOnce(inputs, options);
    const turn = async () => {
      checkObject("options of run", options);
      throwIfAborted(options.signal);
      checkOutputs(options.outputs, this.#outputNames);
      const bound = this.#prepare(inputs);
      let deadline = performance.now() + SLICE_MS;
      for (const call of bound.calls) {
        call();
        if (!options.signal || performance.now() < deadline) continue;
        await new Promise((resolve) => setTimeout(resolve, 0));
        throwIfAborted(options.signal);
        this.#alive();
        deadline = performance.now() + SLICE_MS;
      }
      return this.#collect(bound, options.outputs);
    };
    const result = this.#waiting++ === 0 ? turn() : this.#queue.then(turn, turn);
    const done = () => {
      this.#waiting--;
    };
    this.#queue = result.then(done, done);
    return result;
  }

  /** Runs the model at once, for audio worklets and simple scripts. Throws what `run` rejects with, and "input" while a `run` is under way. */
  runSync(inputs: Readonly<Record<string, Tensor>> = {}, options: Pick<RunOptions, "outputs"> = {}): Record<string, Tensor> {
    this.#checkIdle("runSync");
    return this.#execute("runSync", inputs, options);
  }

  /**
   * An input's place in the arena, to be filled without a copy and left out of the next `run`. The view holds until
   * that run: fill it anew before each. `shape` is needed where the model leaves dimensions open.
   */
  input(name: string, shape?: readonly number[]): Tensor {
    const { runner, memory } = this.#alive();
    this.#checkIdle("input");
    const value = findInput(this.#graph, name);
    const type = checkType(name, value, { dataType: value.type!.dataType, shape: shape ?? value.type!.shape });
    if (!isStatic(type.shape)) throw new LanewiseError("input", `input "${name}" is ${printPublicType(type)}: say its shape`);
    this.#viewed.set(value, type);
    const types = new Map(this.#graph.inputs.map((input) => [input, this.#viewed.get(input) ?? input.type!]));
    if (![...types.values()].every(({ shape }) => isStatic(shape))) {
      throw new LanewiseError("input", `the model has other inputs of open shape: call input() for them first, or use run()`);
    }
    const { plan } = runner.planFor(types);
    const placed = plan.inputs.get(value);
    const { data } = placed ? tensorAt(placed, memory.buffer) : new Tensor(type.dataType, type.shape, []);
    return new Tensor(type.dataType, type.shape, data);
  }

  /** The steps, lifetimes and sizes of a run with these input shapes, without running or reserving anything. */
  plan(shapes: Readonly<Record<string, readonly number[]>> = {}): PlanDescription {
    const { target } = this.#alive();
    checkObject("shapes", shapes);
    const types = new Map<Value, TensorType>();
    for (const value of this.#graph.inputs) {
      const type = checkType(value.name, value, { dataType: value.type!.dataType, shape: shapes[value.name] ?? value.type!.shape });
      if (!isStatic(type.shape)) throw new LanewiseError("input", `input "${value.name}" is ${printPublicType(type)}: give its shape`);
      types.set(value, type);
    }
    for (const name of Object.keys(shapes)) findInput(this.#graph, name);
    if (this.#fixed) return this.#fixed;
    const weights = new WeightStore();
    const commit = () => {
      weights.commit(0, undefined);
      return 0;
    };
    const plan = planGraph(this.#graph, { ...target, weights, commit }, types);
    return describePlan(plan, weights);
  }

  /** Runs the model `runs` times and tells what each step cost: rows for a table, and a trace for Chrome's viewer. */
  profile(inputs: Readonly<Record<string, Tensor>> = {}, { runs = 10 }: { runs?: number } = {}): Profile {
    const { runner } = this.#alive();
    this.#checkIdle("profile");
    const tensors = this.#tensors(inputs);
    const bound = this.#prepare(inputs);
    return profileCalls(bound, runs, () => runner.write(bound, tensors));
  }

  /** Gives the memory back. Every later call throws "disposed". */
  dispose(): void {
    this.#engine = undefined;
    this.#viewed.clear();
  }

  /** `dispose`, for `using` declarations. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #runAtOnce(inputs: Readonly<Record<string, Tensor>>, options: RunOptions): Promise<Record<string, Tensor>> {
    return this.#execute("run", inputs, options);
  }

  #execute(method: string, inputs: Readonly<Record<string, Tensor>>, options: RunOptions): Record<string, Tensor> {
    checkObject(`options of ${method}`, options);
    checkOutputs(options.outputs, this.#outputNames);
    const bound = this.#prepare(inputs);
    for (const call of bound.calls) call();
    return this.#collect(bound, options.outputs);
  }

  #alive(): Engine {
    if (!this.#engine) throw new LanewiseError("disposed", "the model was disposed; load it again to use it");
    return this.#engine;
  }

  #checkIdle(method: string): void {
    if (this.#waiting > 0) throw new LanewiseError("input", `${method} was called while run() is under way; await that first`);
  }

  #prepare(inputs: Readonly<Record<string, Tensor>>): BoundPlan {
    const { plans } = this.#alive();
    const tensors = this.#tensors(inputs);
    if (plans >= MAX_PLANS && this.#viewed.size === 0) this.#engine = this.#makeEngine();
    const { runner } = this.#alive();
    const bound = runner.planFor(this.#viewed.size === 0 ? tensors : new Map<Value, TensorType>([...this.#viewed, ...tensors]));
    runner.write(bound, tensors);
    this.#viewed.clear();
    return bound;
  }

  /** The given inputs by value, all checked before the first is copied. */
  #tensors(inputs: Readonly<Record<string, Tensor>>): Map<Value, HostTensor> {
    if (typeof inputs !== "object" || inputs === null) throw new LanewiseError("input", `inputs must be { name: Tensor }, found ${inputs}`);
    for (const name of Object.keys(inputs)) findInput(this.#graph, name);
    const tensors = new Map<Value, HostTensor>();
    for (const value of this.#graph.inputs) {
      const tensor = Object.hasOwn(inputs, value.name) ? inputs[value.name] : undefined;
      if (tensor) {
        checkType(value.name, value, tensor);
        tensors.set(value, asTensor(value.name, tensor));
      } else if (!this.#viewed.has(value)) {
        throw new LanewiseError("input", `input "${value.name}" is missing: expected ${printPublicType(value.type!)}`);
      }
    }
    return tensors;
  }

  #collect(bound: BoundPlan, wanted: readonly string[] | undefined): Record<string, Tensor> {
    const tensors = this.#alive().runner.read(bound);
    const entries = tensors.map(({ dataType, shape, data }, i) => [this.#outputNames[i]!, new Tensor(dataType, shape, data)] as const);
    return Object.fromEntries(wanted ? entries.filter(([name]) => wanted.includes(name)) : entries);
  }
}

function makeEngine(graph: Graph, module: WebAssembly.Module, settings: ModelSettings): Engine {
  const memory = new ModelMemory();
  const weights = new WeightStore();
  const commit = (arenaBytes: number) => {
    engine.plans++;
    return memory.commit(weights, arenaBytes);
  };
  const tuned = new Map(Object.entries(settings.tuning ?? {}));
  const choose = ({ key, estimated }: Choice) => tuned.get(key) ?? estimated;
  const kernels = instantiateKernels(module, memory.wasm);
  const target = { quantized: undefined, ...settings, dot: kernels.x8_dot_kind(), weights, commit, choose };
  const runner = new GraphRunner(graph, { target, memory, kernels });
  const engine = { runner, memory, target, plans: 0 };
  return engine;
}

/** Lets go of the source's bytes after the last plan: the weights are packed, and nothing will read them again. */
function releaseConstants(graph: Graph, plan: Plan, weights: WeightStore): PlanDescription {
  const description = describePlan(plan, weights);
  plan.typing.forgetElements();
  for (const value of graph.nodes.flatMap(({ inputs }) => inputs)) {
    if (!value?.constant) continue;
    plan.typing.setType(value, value.type!);
    value.constant = undefined;
  }
  return description;
}

function describeValues(
  values: readonly Value[],
  names: readonly string[],
  typeOf: (value: Value) => TensorType | undefined = (value) => value.type,
): Record<string, TensorInfo> {
  const entries = values.map((value, i): [string, TensorInfo] => {
    const type = typeOf(value) ?? { dataType: "float32", shape: [] };
    return [names[i]!, Object.freeze({ dataType: type.dataType, shape: type.shape.map((dim) => (Number.isNaN(dim) ? null : dim)) })];
  });
  return Object.freeze(Object.fromEntries(entries));
}
