// `lanewise inspect`: what a model is made of, what a run will do, and how its memory is shared out.
import path from "node:path";
import type { Command } from "commander";
import colors from "picocolors";
import { importModel } from "../convert/index.ts";
import { messageOf } from "../errors.ts";
import { readCompact } from "../format/read.ts";
import { type ModelFormat, sniffFormat } from "../format/sniff.ts";
import { printGraph } from "../graph/print.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { PlanDescription } from "../index.ts";
import { ALL_OPS } from "../ops/index.ts";
import { inferGraph } from "../plan/infer.ts";
import { drawArena } from "./arena-svg.ts";
import { readFile, writeFile } from "./files.ts";
import { closedShapes, type ModelOptions, openModel, withModelOptions } from "./model-options.ts";
import { cut, formatBytes, formatShare, table } from "./text.ts";

interface InspectOptions extends ModelOptions {
  readonly plan?: boolean;
  readonly svg?: string;
}

export function addInspect(program: Command): void {
  const command = program
    .command("inspect")
    .description("print a model's graph, a line a node")
    .argument("<model>", "compact, ONNX or TFLite file")
    .option("--plan", "print the steps of a run and the place of every tensor")
    .option("--svg <FILE>", "draw the arena: time across, bytes up");
  withModelOptions(command).action(inspectModel);
}

async function inspectModel(file: string, options: InspectOptions): Promise<void> {
  if (options.plan || options.svg !== undefined) {
    const plan = await planOf(file, options);
    if (options.svg !== undefined) await writeFile(options.svg, drawArena(plan, path.basename(file)));
    if (options.json) console.log(JSON.stringify(plan));
    else if (options.plan) console.log(describePlan(plan));
    else console.log(`${options.svg}: ${plan.lifetimes.length} tensors, ${arenaSummary(plan)}`);
    return;
  }
  const bytes = await readFile(file);
  const format = sniffFormat(bytes);
  const graph = format === "compact" ? readCompact(bytes) : importModel(bytes);
  const note = inferTypes(graph);
  if (options.json) console.log(JSON.stringify(summaryOf(graph, format, bytes.length)));
  else console.log(`${printGraph(graph)}\n\n${describeGraph(graph, format, bytes.length)}${note && `\n${colors.yellow(note)}`}`);
}

async function planOf(file: string, options: InspectOptions): Promise<PlanDescription> {
  const model = await openModel(file, options);
  return model.plan(closedShapes(model, options));
}

/** Fills in the types of all values; returns why some are missing, or nothing. */
function inferTypes(graph: Graph): string {
  try {
    const typing = inferGraph(graph, ALL_OPS);
    for (const node of graph.nodes) for (const value of node.outputs) if (value) value.type ??= typing.type(value);
    return "";
  } catch (error) {
    return `types are incomplete: ${messageOf(error)}`;
  }
}

function summaryOf(graph: Graph, format: ModelFormat, fileBytes: number) {
  const constants = new Set(graph.nodes.flatMap((node) => node.inputs.filter((value): value is Value => value?.constant !== undefined)));
  const operators: Record<string, number> = {};
  for (const node of graph.nodes) operators[node.op] = (operators[node.op] ?? 0) + 1;
  const port = ({ name, type }: Value) => ({ name, dataType: type?.dataType, shape: type?.shape });
  return {
    format,
    fileBytes,
    constants: constants.size,
    constantBytes: [...constants].reduce((sum, value) => sum + value.constant!.bytes.length, 0),
    nodes: graph.nodes.length,
    operators,
    inputs: graph.inputs.map(port),
    outputs: graph.outputs.map((value, i) => ({ ...port(value), name: graph.outputNames?.[i] ?? value.name })),
  };
}

function describeGraph(graph: Graph, format: ModelFormat, fileBytes: number): string {
  const { nodes, operators, constants, constantBytes } = summaryOf(graph, format, fileBytes);
  const counts = Object.entries(operators).sort((a, b) => b[1] - a[1]);
  return [
    `${formatBytes(fileBytes)} ${format}, ${nodes} nodes, ${constants} constants of ${formatBytes(constantBytes)}`,
    counts.map(([op, count]) => `${op} ×${count}`).join("  "),
  ].join("\n");
}

const arenaSummary = ({ arenaBytes, arenaLowerBound, weightBytes }: PlanDescription): string =>
  `arena ${formatBytes(arenaBytes)} (lower bound ${formatBytes(arenaLowerBound)}, ${formatShare(arenaBytes / Math.max(1, arenaLowerBound))} of it), ` +
  `packed weights ${formatBytes(weightBytes)}`;

function describePlan(plan: PlanDescription): string {
  const steps = plan.steps.map(({ node, op, kernel, flops, outputOffsets }, i) => [
    `${i}`,
    cut(node, 48),
    op,
    kernel,
    outputOffsets.join(" "),
    flops > 0 ? (flops / 1e6).toFixed(3) : "",
  ]);
  const blocks = plan.lifetimes.map(({ name, offset, bytes, first, last }) => [
    cut(name, 60),
    `${offset}`,
    `${bytes}`,
    `${first}`,
    `${last}`,
  ]);
  return [
    colors.bold("nodes"),
    ...plan.nodes.map((line, i) => `${String(i).padStart(4)}  ${line}`),
    colors.bold("\nsteps"),
    table([" step", "node", "operator", "kernel", " writes at", " MFLOP"], steps),
    colors.bold("\narena"),
    table(["tensor", " offset", " bytes", " first", " last"], blocks),
    `\n${plan.nodes.length} nodes, ${plan.steps.length} steps, ${arenaSummary(plan)}`,
    ...(plan.partial ? [colors.yellow("the rest depends on data and is planned during the run")] : []),
  ].join("\n");
}
