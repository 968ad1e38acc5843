// What the first runs of a model cost, and what load's `warmUp` makes of them: each load is a process of its own, with
// and without in turns, and the table has medians over them in milliseconds.
//
//   node bench/warm-up.mjs [--rounds 5] [--node BIN] MODEL…
//
// A MODEL is a file, or a name of models/architectures.mjs.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ARCHITECTURES } from "../models/architectures.mjs";

const COLUMNS = ["load", "run 1", "run 2", "run 10", "run 200"];
const RUNS = 200;
const ARRAYS = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    node: { type: "string", default: process.execPath },
    child: { type: "string" },
  },
});

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** One load and its runs, a little apart as frames of a camera are; later columns are medians of the runs around them. */
async function measure(file, warmUp) {
  const { load, Tensor } = await import("../dist/index.js");
  const bytes = new Uint8Array(readFileSync(file));
  const started = performance.now();
  const model = await load(bytes, { warmUp });
  const loadMs = performance.now() - started;
  const inputs = {};
  for (const [name, { dataType, shape }] of Object.entries(model.inputs)) {
    const dims = shape.map((dim) => dim ?? 1);
    const data = new ARRAYS[dataType](dims.reduce((a, b) => a * b, 1));
    inputs[name] = new Tensor(
      dataType,
      dims,
      data.map(() => Math.random() * 2),
    );
  }
  const times = [];
  while (times.length < RUNS) {
    const start = performance.now();
    await model.run(inputs);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return [loadMs, times[0], times[1], median(times.slice(8, 11)), median(times.slice(-50))];
}

function spawnChild(file, kind) {
  const script = fileURLToPath(import.meta.url);
  const child = spawnSync(options.node, ["--no-warnings", script, "--child", kind, file], { encoding: "utf8" });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

function compare(model, folder) {
  const file = existsSync(model) ? model : path.join(folder, `${model}.onnx`);
  if (!existsSync(file)) writeFileSync(file, ARCHITECTURES[model]().bytes);
  const rows = { cold: [], warm: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const kind of Object.keys(rows)) rows[kind].push(spawnChild(file, kind));
  }
  const name = path.basename(file).startsWith("model.") ? path.basename(path.dirname(file)) : path.basename(file, ".onnx");
  for (const [kind, times] of Object.entries(rows)) {
    const cells = COLUMNS.map((_, i) => median(times.map((row) => row[i])).toPrecision(3));
    console.log(`| ${name} | ${kind === "warm" ? "yes" : "no"} | ${cells.join(" | ")} |`);
  }
}

if (options.child) {
  console.log(JSON.stringify(await measure(positionals[0], options.child === "warm")));
  process.exit(0);
}
const folder = mkdtempSync(path.join(tmpdir(), "lanewise-warm-up-"));
const version = spawnSync(options.node, ["--version"], { encoding: "utf8" }).stdout.trim();
console.log(`| Node ${version} | warmUp | ${COLUMNS.join(" | ")} |\n|---|---|${"---:|".repeat(COLUMNS.length)}`);
try {
  for (const model of positionals) compare(model, folder);
} finally {
  rmSync(folder, { recursive: true });
}
