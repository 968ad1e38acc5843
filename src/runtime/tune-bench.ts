// The layers of a model for which several kernels can be chosen, and each as a trial: its node alone, with its own
// weights, on a memory apart from the model's.
import { LanewiseError } from "../errors.ts";
import { arrayOf, type Graph, sizeOf, type TensorType, type Value } from "../graph/types.ts";
import type { HostTensor } from "../ops/define.ts";
import type { Typing } from "../plan/infer.ts";
import type { Choice } from "../plan/lower.ts";
import { draftGraph, type Step } from "../plan/plan.ts";
import { WeightStore } from "../plan/weights.ts";
import { bindStep } from "./calls.ts";
import type { KernelExports } from "./kernel-exports.d.ts";
import { ModelMemory } from "./memory.ts";
import type { ModelSettings } from "./model-options.ts";
import { GraphRunner, type RunnerContext } from "./runner.ts";

/** What is tuned. */
export interface TuneJob {
  readonly graph: Graph;
  readonly settings: ModelSettings;
  /** Kernels on a memory of their own. */
  readonly instantiate: (memory: WebAssembly.Memory) => KernelExports;
}

/** A layer that was met while the model was planned. */
export interface TunedLayer extends Choice {
  readonly typing: Typing;
  readonly flops: number;
}

/** One kernel on one layer. */
export interface Trial {
  readonly layer: TunedLayer;
  readonly name: string;
  readonly kernels: readonly string[];
  /** Fills the inputs, and returns a run. */
  readonly prepare: () => () => void;
  fastest: number;
  samples: number;
}

/** Of a large layer only a part is run: this many operations, but no fewer output rows, so that weights weigh no more than they do. */
const TRIAL_FLOPS = 40e6;
const LEAST_ROWS = 256;

/** The layers with a choice, those with the most work first. None where the model cannot be planned for these shapes. */
export function layersOf({ graph, settings, instantiate }: TuneJob): TunedLayer[] {
  const choices = new Map<string, Choice>();
  const choose = (choice: Choice): string => {
    if (choice.candidates.length > 1 && !choices.has(choice.key)) choices.set(choice.key, choice);
    return choice.estimated;
  };
  const types = new Map(graph.inputs.map((value) => [value, closed(value.type!)]));
  try {
    const dot = instantiate(new ModelMemory().wasm).x8_dot_kind();
    const target = { quantized: undefined, ...settings, dot, weights: new WeightStore(), choose };
    const { steps, typing } = draftGraph(graph, target, types);
    const flopsOf = (choice: Choice) => steps.reduce((sum, { node, cost }) => sum + (node === choice.node ? (cost.flops ?? 0) : 0), 0);
    return [...choices.values()].map((choice) => ({ ...choice, typing, flops: flopsOf(choice) })).sort((a, b) => b.flops - a.flops);
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
export class TrialBench {
  readonly #settings: ModelSettings;
  readonly #context: Omit<RunnerContext, "target">;
  readonly #weights = new WeightStore();

  constructor({ settings, instantiate }: TuneJob) {
    const memory = new ModelMemory();
    this.#settings = settings;
    this.#context = { memory, kernels: instantiate(memory.wasm) };
  }

  /** Its candidates; none where one of them finds no memory. */
  trialsOf(layer: TunedLayer): Trial[] {
    try {
      return layer.candidates.map((name) => this.#trialOf(layer, name));
    } catch (error) {
      if (error instanceof LanewiseError) return [];
      throw error;
    }
  }

  #trialOf(layer: TunedLayer, name: string): Trial {
    const { node, typing, key } = layer;
    const { memory, kernels } = this.#context;
    const given = new Set(node.inputs.filter((value): value is Value => value !== null && !value.constant));
    const outputs = node.outputs.filter((value) => value !== null);
    const types = new Map([...given].map((value) => [value, typing.staticType(value)]));
    const seeds = new Map(
      [...given].flatMap((value): [Value, HostTensor][] => {
        const known = typing.known(value);
        return known ? [[value, known]] : [];
      }),
    );
    const choose = (choice: Choice): string => (choice.key === key ? name : choice.estimated);
    const commit = (bytes: number) => memory.commit(this.#weights, bytes);
    const target = { quantized: undefined, ...this.#settings, dot: kernels.x8_dot_kind(), weights: this.#weights, commit, choose };
    const runner = new GraphRunner({ inputs: [...given], outputs, nodes: [node] }, { memory, kernels, target });
    const elements = new Map([...types].map(([value, type]) => [value, seeds.get(value) ?? filled(type)]));
    const steps = runner.planFor(types, seeds).plan.steps.map((step) => shortened(step, partOf(layer)));
    const prepare = () => {
      runner.write(runner.planFor(types, seeds), elements);
      const calls = steps.map((step) => bindStep(step, kernels, memory.buffer));
      return () => {
        for (const call of calls) call();
      };
    };
    return { layer, name, kernels: steps.map((step) => step.kernel ?? "host"), prepare, fastest: Number.POSITIVE_INFINITY, samples: 0 };
  }
}

function partOf({ typing, node, flops }: TunedLayer): number {
  const { shape } = typing.staticType(node.outputs[0]!);
  const rows = sizeOf(shape) / (shape.at(-1) ?? 1);
  return Math.min(1, Math.max(TRIAL_FLOPS / flops, LEAST_ROWS / rows));
}

/** A step over the first part of its units, which its last argument ends. */
function shortened(step: Step, part: number): Step {
  return step.units === undefined ? step : { ...step, args: [...step.args.slice(0, -1), Math.ceil(step.units * part)] };
}

/** Elements of every size in [−1, 1), or any bytes. Untouched memory would be one page of zeros, which the caches keep. */
function filled({ dataType, shape }: TensorType): HostTensor {
  const data = arrayOf(dataType, sizeOf(shape));
  if (dataType === "float32") for (let i = 0; i < data.length; i++) data[i] = ((i * 37) % 128) / 64 - 1;
  if (dataType === "int8") for (let i = 0; i < data.length; i++) data[i] = (i * 37) % 256;
  return { dataType, shape, data };
}
