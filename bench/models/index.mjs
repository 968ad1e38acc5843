// Models through this engine and its peers, taking turns in one run: each engine has a process (or a page) of its own
// for each model, and the ratio is the median of the rounds' pair-by-pair ratios.
//
//   node bench/models/index.mjs [--models REGEX] [--engines A,B] [--from DIR] [--rounds 5] [--ms 400]
//                               [--node BIN | --browser chromium] [--out NAME]
//
// Models: the architectures of models/architectures.mjs with random weights, and any folder DIR of models with a
// meta.json beside each. --out writes NAME.json, NAME.md and NAME.svg.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { jobsOf } from "./jobs.mjs";
import { processes } from "./process.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** Which models an engine can be given. tfjs has no reader for these files, but can be given the recipes. */
const TAKES = {
  lanewise: () => true,
  "onnxruntime-web": ({ format }) => format === "onnx",
  "onnxruntime-node": ({ format }) => format === "onnx",
  "tfjs-wasm": ({ isRecipe }) => isRecipe,
  litert: ({ format }) => format === "tflite",
};
const NODE_ONLY = ["onnxruntime-node"];

/** Outputs may differ by this, relative to the largest. */
const TOLERANCE = 1e-3;

const { values: options } = parseArgs({
  options: {
    models: { type: "string" },
    engines: { type: "string" },
    from: { type: "string" },
    rounds: { type: "string", default: "5" },
    ms: { type: "string", default: "400" },
    node: { type: "string", default: process.execPath },
    browser: { type: "string" },
    out: { type: "string" },
  },
});

/** Four minutes in a browser; --models gives others. */
const BROWSER_MODELS = "^(mobilenet_v1|mobilenet_v2|resnet18|squeezenet|dscnn|vww|autoencoder|encoder|int8_.*)$";

const engineNames = options.engines?.split(",") ?? Object.keys(TAKES).filter((name) => !options.browser || !NODE_ONLY.includes(name));

if (!existsSync(path.join(HERE, "node_modules"))) {
  const install = spawnSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: HERE, stdio: "inherit" });
  if (install.status !== 0) process.exit(1);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** What is wrong with an output beside ours; undefined when nothing is. */
function differenceOf(ours, output) {
  if (output.length !== ours.length) return `its output has ${output.length} elements, ours ${ours.length}`;
  const largest = Math.max(...ours.map(Math.abs));
  const difference = Math.max(...ours.map((value, i) => Math.abs(value - output[i])));
  return difference <= TOLERANCE * largest ? undefined : `its output differs by ${difference.toPrecision(2)} of ${largest.toPrecision(2)}`;
}

/** Starts an engine; its state says how that went, and whether its output is ours. */
async function start(host, name, job, ours) {
  const engine = host.start(name, job);
  const { output, ...state } = await engine.ready;
  const difference = !state.error && ours && job.isChecked ? differenceOf(ours, output) : undefined;
  return { name, engine, output, times: [], state: difference ? { error: difference } : state };
}

async function measure(host, job) {
  const row = { model: job.name, format: job.format, mmac: job.macs / 1e6, engines: {} };
  const started = [];
  for (const name of engineNames.filter((engine) => TAKES[engine](job))) {
    const ours = started.find((engine) => engine.name === "lanewise")?.output;
    started.push(await start(host, name, job, ours));
    row.engines[name] = started.at(-1).state;
  }
  const able = started.filter(({ state }) => !state.error);
  for (const { engine } of able) await engine.time(options.ms); // warm-up
  for (let round = 0; round < Number(options.rounds); round++)
    for (const { engine, times } of able) times.push((await engine.time(options.ms)).median);
  for (const { engine } of started) engine.close();
  const ours = able.find(({ name }) => name === "lanewise");
  for (const { name, times, state } of able) {
    state.ms = median(times);
    if (ours && name !== "lanewise") state.ratio = median(times.map((ms, i) => ms / ours.times[i]));
  }
  return row;
}

function printRow({ model, mmac, engines }) {
  const cells = Object.entries(engines).map(([name, { ms, ratio, error }]) => {
    if (error) return `${name} failed: ${error}`;
    return `${name} ${ms.toFixed(3)} ms${ratio ? ` (${ratio.toFixed(2)}×)` : ""}`;
  });
  console.log(`${model.padEnd(28)} ${mmac.toFixed(1).padStart(8)} MMAC  ${cells.join(" · ")}`);
}

async function openHost() {
  if (!options.browser) {
    const { stdout } = spawnSync(options.node, ["--version"], { encoding: "utf8" });
    return { ...processes(options.node), version: `Node ${stdout.trim()}` };
  }
  const { openBrowser } = await import("./browser.mjs");
  return openBrowser(options.browser);
}

const scratch = mkdtempSync(path.join(tmpdir(), "lanewise-bench-"));
const host = await openHost();
const wanted = new RegExp(options.models ?? (options.browser && !options.from ? BROWSER_MODELS : "."));
const rows = [];
for (const job of jobsOf({ wanted, from: options.from, scratch })) {
  const row = await measure(host, job);
  rows.push(row);
  printRow(row);
}
await host.close();
rmSync(scratch, { recursive: true });

const { meansOf, tableOf } = await import("./table.mjs");
const peers = engineNames.filter((name) => name !== "lanewise" && rows.some(({ engines }) => engines[name]));
for (const line of meansOf(rows, peers)) console.log(line);
if (options.out) {
  const { drawChart } = await import("./chart.mjs");
  const result = { machine: cpus()[0].model, version: host.version, date: new Date().toISOString().slice(0, 10), rows };
  writeFileSync(`${options.out}.json`, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(`${options.out}.md`, tableOf(result, peers));
  writeFileSync(`${options.out}.svg`, await drawChart(rows));
}
