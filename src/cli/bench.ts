// `lanewise bench`: how fast a model is here, from loading to the steady state.
import type { Command } from "commander";
import { type ModelOptions, measuredInputs, openModel, positive, withInputOptions, withModelOptions } from "./model-options.ts";
import { Progress } from "./progress.ts";
import { formatBytes, formatMs, table } from "./text.ts";

interface BenchOptions extends ModelOptions {
  readonly time: number;
}

export function addBench(program: Command): void {
  const command = program
    .command("bench")
    .description("time loading, the first run and many runs")
    .argument("<model>")
    .option("--time <seconds>", "how long to run", positive, 3);
  withModelOptions(withInputOptions(command)).action(benchModel);
}

async function benchModel(modelPath: string, options: BenchOptions): Promise<void> {
  const start = performance.now();
  const model = await openModel(modelPath, options);
  const loadMs = performance.now() - start;
  const inputs = await measuredInputs(model, options);
  const firstStart = performance.now();
  model.runSync(inputs);
  const firstMs = performance.now() - firstStart;
  const times = await timeRuns(() => model.runSync(inputs), options.time * 1000);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
  const result = {
    tier: model.tier,
    runs: times.length,
    medianMs: at(0.5),
    minMs: times[0]!,
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    loadMs,
    firstMs,
    memoryBytes: model.memoryBytes,
    processBytes: process.memoryUsage().rss,
  };
  if (options.json) console.log(JSON.stringify(result));
  else console.log(describe(result));
}

/** Milliseconds of each run, sorted; the first fifth of the time warms up and is not counted. */
async function timeRuns(run: () => void, budgetMs: number): Promise<number[]> {
  const progress = new Progress("running");
  const start = performance.now();
  const times: number[] = [];
  for (let now = start; now - start < budgetMs || times.length === 0; ) {
    run();
    const end = performance.now();
    if (end - start > budgetMs / 5 || end - now > budgetMs / 5) times.push(end - now);
    now = end;
    progress.update(Math.min(now - start, budgetMs), budgetMs);
  }
  progress.stop();
  return times.sort((a, b) => a - b);
}

function describe(
  result: Record<"medianMs" | "minMs" | "p90Ms" | "p99Ms" | "loadMs" | "firstMs" | "memoryBytes" | "processBytes" | "runs", number> & {
    tier: string;
  },
): string {
  const rows = [
    ["median", formatMs(result.medianMs)],
    ["fastest", formatMs(result.minMs)],
    ["90 of 100 within", formatMs(result.p90Ms)],
    ["99 of 100 within", formatMs(result.p99Ms)],
    ["loading", formatMs(result.loadMs)],
    ["first run", formatMs(result.firstMs)],
    ["model memory", formatBytes(result.memoryBytes)],
    ["process memory", formatBytes(result.processBytes)],
  ];
  return table([`${result.runs} runs`, ` tier ${result.tier}`], rows);
}
