// From whatever a caller holds to a model that can run: reads the bytes, tells the format, picks the kernels.
import { LanewiseError } from "../errors.ts";
import { readCompact } from "../format/read.ts";
import { sniffFormat } from "../format/sniff.ts";
import type { Graph } from "../graph/types.ts";
import { operatorsFor } from "../ops/demand.ts";
import { throwIfAborted } from "./calls.ts";
import { checkObject } from "./checks.ts";
import { chooseTier, instantiateKernels, kernelModule, type Tier, type WasmOption } from "./kernels.ts";
import { Model } from "./model.ts";
import type { ModelSettings } from "./model-options.ts";
import { type ModelSource, readSource, type SourceOptions } from "./source.ts";
import { readTuning, type Tuning } from "./tuning.ts";
import { warmUp } from "./warm-up.ts";

/** How a model is loaded and run. */
export interface LoadOptions extends SourceOptions {
  /** The kernels' tier; absent: the fastest that this engine runs. `simd128` gives the same bits in every engine. */
  readonly tier?: Tier;
  /** Threads to use, at least 1. More than one is not used yet. */
  readonly threads?: number;
  /** The same bits in every engine: forces the simd128 tier. */
  readonly deterministic?: boolean;
  /** "small" does without packings that make the weights larger. */
  readonly memory?: "fast" | "small";
  /** Kernels where the package's .wasm files cannot be fetched: a module or bytes, or one of them a tier. */
  readonly wasm?: WasmOption;
  /** Runs the model on zeros for about 100 ms, so that the first real run is fast. Open dimensions are taken for 1. */
  readonly warmUp?: boolean;
  /**
   * `true` times the kernels that can compute each layer on this device, for about a second at most, and takes the
   * fastest: `model.tuning` says which. Given that again, `load` takes the same without timing. Open dimensions are
   * taken for 1. Answers may differ in their last digits from those of other kernels.
   */
  readonly tune?: boolean | Tuning;
}

/**
 * Loads a model: the compact format, ONNX or TFLite (told by its bytes; the converter is imported when it is needed).
 *
 * Throws `LanewiseError`: "format" for bytes that are no model or a broken one, "unsupported" for operators that are
 * not there, "shape" for an inconsistent model, "memory", "aborted", "input" for bad options.
 */
export async function load(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  checkObject("options of load", options);
  checkOptions(options);
  const tier = chooseTier(options.deterministic ? "simd128" : options.tier);
  const module = kernelModule(tier, options.wasm);
  module.catch(() => {}); // reported below, after the source's own errors
  const bytes = await readSource(source, options);
  throwIfAborted(options.signal);
  const graph = await readGraph(bytes);
  const operators = await operatorsFor(graph);
  const settings = { tier, memory: options.memory ?? "fast", ...operators, ownsGraph: true };
  const tuning = options.tune === true ? await tune(graph, await module, settings, options.signal) : readTuning(options.tune || {});
  const model = new Model(graph, await module, { ...settings, tuning });
  if (options.warmUp) await warmUp(model, options.signal);
  return model;
}

async function readGraph(bytes: Uint8Array): Promise<Graph> {
  const format = sniffFormat(bytes);
  if (format === "compact") return readCompact(bytes);
  const { importModel } = await import("../convert/index.ts");
  return importModel(bytes);
}

async function tune(graph: Graph, module: WebAssembly.Module, settings: ModelSettings, signal: AbortSignal | undefined): Promise<Tuning> {
  const { tuneGraph } = await import("./tune.ts");
  // The kernels' address is told from index.js, so the module that knows it must not be shared with another file.
  return tuneGraph({ graph, settings, instantiate: (memory) => instantiateKernels(module, memory) }, { signal });
}

function checkOptions({ threads, memory, deterministic, tier, tune }: LoadOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new LanewiseError("input", `threads must be a whole number from 1, found ${threads}`);
  }
  if (memory !== undefined && memory !== "fast" && memory !== "small") {
    throw new LanewiseError("input", `memory must be "fast" or "small", found ${JSON.stringify(memory)}`);
  }
  if (tune !== undefined && typeof tune !== "boolean") readTuning(tune);
  if (deterministic && tune) throw new LanewiseError("input", "deterministic cannot be tuned: other kernels give other last bits");
  if (deterministic && tier === "relaxed") throw new LanewiseError("input", 'deterministic needs tier "simd128", found tier "relaxed"');
}
