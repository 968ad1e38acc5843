// `lanewise profile`: where the time of a run goes.
import type { Command } from "commander";
import colors from "picocolors";
import type { ProfileRow } from "../index.ts";
import { writeFile } from "./files.ts";
import { type ModelOptions, measuredInputs, openModel, positive, withInputOptions, withModelOptions } from "./model-options.ts";
import { cut, formatMs, formatShare, table } from "./text.ts";

interface ProfileOptions extends ModelOptions {
  readonly runs: number;
  readonly trace?: string;
  readonly all?: boolean;
}

/** Nodes that are listed one by one unless all are asked for. */
const TOP = 15;

export function addProfile(program: Command): void {
  const command = program
    .command("profile")
    .description("time every operator of a model")
    .argument("<model>")
    .option("--runs <n>", "runs to take medians over", positive, 20)
    .option("--all", "list every node, not the slowest alone")
    .option("--trace <FILE>", "write a trace for chrome://tracing or Perfetto");
  withModelOptions(withInputOptions(command)).action(profileModel);
}

async function profileModel(modelPath: string, options: ProfileOptions): Promise<void> {
  const model = await openModel(modelPath, options);
  const inputs = await measuredInputs(model, options);
  model.profile(inputs, { runs: Math.ceil(options.runs / 2) }); // so that the engine's optimizing tier is reached
  const profile = model.profile(inputs, { runs: Math.ceil(options.runs) });
  if (options.trace !== undefined) await writeFile(options.trace, JSON.stringify(profile.trace));
  if (options.json) {
    console.log(JSON.stringify({ tier: model.tier, totalMs: profile.totalMs, rows: profile.rows }));
    return;
  }
  const slowest = profile.rows.toSorted((a, b) => b.ms - a.ms).slice(0, TOP);
  const listed = options.all ? profile.rows : slowest;
  console.log(colors.bold("by operator"));
  console.log(operatorTable(profile.rows, profile.totalMs));
  console.log(colors.bold(options.all ? "\nby node" : `\nslowest ${listed.length} of ${profile.rows.length} nodes`));
  console.log(nodeTable(listed));
  console.log(`\n${formatMs(profile.totalMs)} in all, medians of ${Math.ceil(options.runs)} runs, tier ${model.tier}`);
}

/** GFLOP/s where there is arithmetic to speak of, else the bytes moved. */
const rate = (flops: number, bytes: number, ms: number): string =>
  flops > 0 ? `${(flops / ms / 1e6).toFixed(1)} GFLOP/s` : `${(bytes / ms / 1e6).toFixed(1)} GB/s`;

function operatorTable(rows: readonly ProfileRow[], totalMs: number): string {
  const sums = [...new Set(rows.map((row) => row.op))].map((op) => {
    const members = rows.filter((row) => row.op === op);
    const sum = (amount: (row: ProfileRow) => number) => members.reduce((total, row) => total + amount(row), 0);
    return {
      op,
      count: members.length,
      ms: sum((row) => row.ms),
      flops: sum((row) => row.gflops * row.ms * 1e6),
      bytes: sum((row) => row.gbps * row.ms * 1e6),
    };
  });
  const cells = sums
    .sort((a, b) => b.ms - a.ms)
    .map(({ op, count, ms, flops, bytes }) => [
      op,
      `${count}`,
      ms.toFixed(4),
      formatShare(totalMs > 0 ? ms / totalMs : 0),
      rate(flops, bytes, ms),
    ]);
  return table(["operator", " nodes", " ms", " share", " rate"], cells);
}

function nodeTable(rows: readonly ProfileRow[]): string {
  const cells = rows.map((row) => [
    cut(row.node, 48),
    row.op,
    cut([...new Set(row.kernels)].join(" "), 40),
    row.ms.toFixed(4),
    formatShare(row.share),
    rate(row.gflops, row.gbps * row.ms * 1e6, row.gflops > 0 ? 1e-6 : row.ms),
  ]);
  return table(["node", "operator", "kernels", " ms", " share", " rate"], cells);
}
