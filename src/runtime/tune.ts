// Times the kernels that can compute each layer, on this device, and keeps the fastest. Brought in only where it is
// asked for.
import { throwIfAborted } from "./calls.ts";
import { layersOf, type Trial, TrialBench, type TuneJob } from "./tune-bench.ts";
import type { Tuning } from "./tuning.ts";

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
const SAMPLE_STEPS = 25;
const ROUNDS = 12;
/** The first samples are taken before the engine has optimized the kernels. */
const LEAST_SAMPLES = 3;
/** A kernel has to be this much faster than the expected one: less is noise. */
const MARGIN = 0.95;
/** This many layers are timed in turns, until their share of the time is over. */
const GROUP = 8;

/** The names of the fastest kernels of a graph's layers. Open dimensions are taken for 1. Throws "aborted". */
export async function tuneGraph(job: TuneJob, options: TuneOptions): Promise<Tuning> {
  const { now = () => performance.now(), budgetMs = BUDGET_MS } = options;
  const time = options.time ?? timerOf(now);
  const deadline = now() + budgetMs;
  const rest = pauses(now, options.signal);
  await rest();
  const layers = layersOf(job);
  const tuning: Record<string, string> = {};
  for (let first = 0; first < layers.length && now() < deadline; first += GROUP) {
    const share = now() + (deadline - now()) / Math.ceil((layers.length - first) / GROUP);
    const bench = new TrialBench(job);
    const trials: Trial[] = [];
    for (const layer of layers.slice(first, first + GROUP)) {
      if (now() > deadline) break;
      trials.push(...bench.trialsOf(layer));
      await rest();
    }
    // The smallest first: what they warm up, the large ones use.
    trials.reverse();
    const isOver = (round: number) => now() > (round < LEAST_SAMPLES ? deadline : share);
    for (let round = 0; round < ROUNDS && !isOver(round); round++) {
      for (const trial of trials) {
        if (isOver(round)) break;
        trial.fastest = Math.min(trial.fastest, time(trial.prepare(), trial.kernels));
        trial.samples++;
        await rest();
      }
    }
    Object.assign(tuning, fastestOf(trials));
  }
  return tuning;
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
