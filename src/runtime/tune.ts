// Times the kernels that can compute each layer, on this device, and keeps the fastest. A layer is timed apart from
// its model: the one node, its own weights, other elements. Brought in only where it is asked for.
import { LanewiseError } from "../errors.ts";
import { arrayOf, type Graph, sizeOf, type TensorType, type Value } from "../graph/types.ts";
import type { HostTensor } from "../ops/define.ts";
import type { Choice } from "../plan/lower.ts";
import { type Plan, planGraph } from "../plan/plan.ts";
import { WeightStore } from "../plan/weights.ts";
import { throwIfAborted } from "./calls.ts";
import type { KernelExports } from "./kernel-exports.d.ts";
import { ModelMemory } from "./memory.ts";
import type { ModelSettings } from "./model.ts";
import { GraphRunner, type RunnerContext } from "./runner.ts";
import type { Tuning } from "./tuning.ts";

/** What is tuned. */
export interface TuneJob {
  readonly graph: Graph;
  readonly settings: ModelSettings;
  /** Kernels on a memory of their own. */
  readonly instantiate: (memory: WebAssembly.Memory) => KernelExports;
}

/** How long tuning may take, and by which clock. */
export interface TuneOptions {
  readonly signal?: AbortSignal | undefined;
  readonly budgetMs?: number;
  readonly now?: () => number;
  /** Milliseconds that a run of these kernels takes. */
  readonly time?: (run: () => void, kernels: readonly string[]) => number;
}

const BUDGET_MS = 1000;
/** The event loop gets a turn this often, in milliseconds. */
const SLICE_MS = 8;
/** A sample is at least one run, and as many as this many milliseconds and steps of the clock take: a page's clock is coarse. */
const SAMPLE_MS = 1;
const SAMPLE_STEPS = 40;
const ROUNDS = 12;
/** The first samples are taken before the engine has optimized the kernels. */
const LEAST_SAMPLES = 3;
/** A kernel has to be this much faster than the expected one: less is noise. */
const MARGIN = 0.95;

/** A layer that was met while the model was planned. */
interface Layer extends Choice {
  readonly plan: Plan;
  readonly flops: number;
}

/** One kernel on one layer. */
interface Trial {
  readonly layer: Layer;
  readonly name: string;
  readonly kernels: readonly string[];
  /** Fills the inputs, and returns a run. */
  readonly prepare: () => () => void;
  fastest: number;
  samples: number;
}

/** The names of the fastest kernels of a graph's layers. Open dimensions are taken for 1. Throws "aborted". */
export async function tuneGraph(job: TuneJob, options: TuneOptions): Promise<Tuning> {
  const { now = () => performance.now(), budgetMs = BUDGET_MS } = options;
  const time = options.time ?? timerOf(now);
  const deadline = now() + budgetMs;
  const rest = pauses(now, options.signal);
  await rest();
  const bench = new Bench(job);
  const trials: Trial[] = [];
  for (const layer of layersOf(job)) {
    if (now() > deadline - budgetMs / 2) break;
    trials.push(...bench.trialsOf(layer));
    await rest();
  }
  // The smallest first: what they warm up, the large ones use.
  trials.reverse();
  for (let round = 0; round < ROUNDS; round++) {
    for (const trial of trials) {
      if (now() > deadline) return fastestOf(trials);
      trial.fastest = Math.min(trial.fastest, time(trial.prepare(), trial.kernels));
      trial.samples++;
      await rest();
    }
  }
  return fastestOf(trials);
}

/** Gives the event loop its turns. */
function pauses(now: () => number, signal: AbortSignal | undefined): () => Promise<void> {
  let pause = now();
  return async () => {
    if (now() < pause) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(signal);
    pause = now() + SLICE_MS;
  };
}

/** Times runs by a clock. */
function timerOf(now: () => number): (run: () => void) => number {
  const first = now();
  let step = 0;
  while (step === 0) step = now() - first;
  const enough = Math.max(SAMPLE_MS, SAMPLE_STEPS * step);
  return (run) => {
    const start = now();
    for (let runs = 1; ; runs++) {
      run();
      const elapsed = now() - start;
      if (elapsed >= enough) return elapsed / runs;
    }
  };
}

/** The layers with a choice, those with the most work first. None where the model cannot be planned for these shapes. */
function layersOf({ graph, settings }: TuneJob): Layer[] {
  const choices = new Map<string, Choice>();
  const choose = (choice: Choice): string => {
    if (choice.candidates.length > 1 && !choices.has(choice.key)) choices.set(choice.key, choice);
    return choice.estimated;
  };
  const weights = new WeightStore();
  const commit = () => {
    weights.commit(0, undefined);
    return 0;
  };
  const types = new Map(graph.inputs.map((value) => [value, closed(value.type!)]));
  try {
    const plan = planGraph(graph, { quantized: undefined, ...settings, weights, commit, choose }, types);
    const flopsOf = (choice: Choice) =>
      plan.steps.reduce((sum, { index, cost }) => sum + (plan.nodes[index] === choice.node ? (cost.flops ?? 0) : 0), 0);
    return [...choices.values()].map((choice) => ({ ...choice, plan, flops: flopsOf(choice) })).sort((a, b) => b.flops - a.flops);
  } catch (error) {
    if (error instanceof LanewiseError) return [];
    throw error;
  }
}

const closed = ({ dataType, shape }: TensorType): TensorType => ({
  dataType,
  shape: shape.map((dim) => (Number.isNaN(dim) ? 1 : dim)),
});

/** Memory and kernels for all trials. */
class Bench {
  readonly #settings: ModelSettings;
  readonly #context: Omit<RunnerContext, "target">;
  readonly #weights = new WeightStore();

  constructor({ settings, instantiate }: TuneJob) {
    const memory = new ModelMemory();
    this.#settings = settings;
    this.#context = { memory, kernels: instantiate(memory.wasm) };
  }

  /** Its candidates; none where one of them finds no memory. */
  trialsOf(layer: Layer): Trial[] {
    try {
      return layer.candidates.map((name) => this.#trialOf(layer, name));
    } catch (error) {
      if (error instanceof LanewiseError) return [];
      throw error;
    }
  }

  #trialOf(layer: Layer, name: string): Trial {
    const { node, plan, key } = layer;
    const { memory, kernels } = this.#context;
    const given = new Set(node.inputs.filter((value): value is Value => value !== null && !value.constant));
    const outputs = node.outputs.filter((value) => value !== null);
    const types = new Map([...given].map((value) => [value, plan.typing.staticType(value)]));
    const seeds = new Map(
      [...given].flatMap((value): [Value, HostTensor][] => {
        const known = plan.typing.known(value);
        return known ? [[value, known]] : [];
      }),
    );
    const choose = (choice: Choice): string => (choice.key === key ? name : choice.estimated);
    const commit = (bytes: number) => memory.commit(this.#weights, bytes);
    const target = { quantized: undefined, ...this.#settings, weights: this.#weights, commit, choose };
    const runner = new GraphRunner({ inputs: [...given], outputs, nodes: [node] }, { memory, kernels, target });
    const elements = new Map([...types].map(([value, type]) => [value, seeds.get(value) ?? filled(type)]));
    const prepare = () => {
      const bound = runner.planFor(types, seeds);
      runner.write(bound, elements);
      return () => {
        for (const call of bound.calls) call();
      };
    };
    const { steps } = runner.planFor(types, seeds).plan;
    return { layer, name, kernels: steps.map((step) => step.kernel ?? "host"), prepare, fastest: Number.POSITIVE_INFINITY, samples: 0 };
  }
}

/** Elements in [−1, 1), or any bytes. Zeros would be faster than what models hold. */
function filled({ dataType, shape }: TensorType): HostTensor {
  const data = arrayOf(dataType, sizeOf(shape));
  if (dataType === "float32") for (let i = 0; i < data.length; i++) data[i] = 2 * Math.random() - 1;
  if (dataType === "int8") for (let i = 0; i < data.length; i++) data[i] = 256 * Math.random() - 128;
  return { dataType, shape, data };
}

/** The fastest of each layer all of whose candidates were timed often enough. */
function fastestOf(trials: readonly Trial[]): Tuning {
  const layers = new Set(trials.filter(({ samples }) => samples > 0).map(({ layer }) => layer));
  const tuning: Record<string, string> = {};
  for (const layer of layers) {
    const its = trials.filter((trial) => trial.layer === layer);
    if (!its.every(({ samples }) => samples >= LEAST_SAMPLES)) continue;
    const best = its.reduce((a, b) => (b.fastest < a.fastest ? b : a));
    const expected = its.find(({ name }) => name === layer.estimated)!;
    tuning[layer.key] = best.fastest < MARGIN * expected.fastest ? best.name : expected.name;
  }
  return tuning;
}
