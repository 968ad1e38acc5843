// Models through this engine and its peers, taking turns in one run: each engine has a process of its own for each
// model, and the ratio is the median of the rounds' pair-by-pair ratios.
//
//   node bench/models/index.mjs [--models REGEX] [--engines A,B] [--from DIR] [--rounds 5] [--ms 400] [--node BIN] [--out NAME]
//
// Models: the architectures of models/architectures.mjs with random weights, and any folder DIR of models with a
// meta.json beside each. --out writes NAME.json, NAME.md and NAME.svg.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ARCHITECTURES } from "../../models/architectures.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const FORMATS = { lanewise: ["onnx", "tflite"], "onnxruntime-web": ["onnx"], "onnxruntime-node": ["onnx"], litert: ["tflite"] };
const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "." },
    engines: { type: "string", default: Object.keys(FORMATS).join(",") },
    from: { type: "string" },
    rounds: { type: "string", default: "5" },
    ms: { type: "string", default: "400" },
    node: { type: "string", default: process.execPath },
    out: { type: "string" },
  },
});

if (!existsSync(path.join(HERE, "node_modules"))) {
  const install = spawnSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: HERE, stdio: "inherit" });
  if (install.status !== 0) process.exit(1);
}

function* jobs(folder) {
  const wanted = new RegExp(options.models);
  for (const [name, build] of Object.entries(ARCHITECTURES)) {
    if (!wanted.test(name)) continue;
    const { bytes, macs, input } = build();
    const file = path.join(folder, `${name}.onnx`);
    writeFileSync(file, bytes);
    yield { name, format: "onnx", macs, file, inputs: [{ ...input, dataType: "float32" }] };
  }
  for (const name of options.from ? readdirSync(options.from).sort() : []) {
    const described = path.join(options.from, name, "meta.json");
    if (!wanted.test(name) || !existsSync(described)) continue;
    const { format, file, macs = 0, cases } = JSON.parse(readFileSync(described, "utf8"));
    if (cases[0].steps) continue;
    const inputs = cases[0].inputs.map((input) => ({
      name: input.name,
      dataType: input.dtype,
      shape: input.shape,
      data: path.resolve(options.from, name, input.file),
    }));
    yield { name, format, macs, file: path.resolve(options.from, name, file), inputs };
  }
}

/** An engine's process; `ask` sends a line and waits for the answer. */
class Engine {
  times = [];
  #waiting = () => {};

  constructor(name, job) {
    this.name = name;
    const argument = JSON.stringify({ engine: name, file: job.file, inputs: job.inputs });
    this.process = spawn(options.node, ["--no-warnings", path.join(HERE, "child.mjs"), argument], { stdio: ["pipe", "pipe", "ignore"] });
    this.ready = this.#next();
    let text = "";
    this.process.stdout.on("data", (data) => {
      text += data;
      const lines = text.split("\n");
      text = lines.pop();
      for (const line of lines) if (line.startsWith("\u0001")) this.#waiting(JSON.parse(line.slice(1)));
    });
    this.process.on("exit", () => this.#waiting({ error: "its process ended" }));
  }

  #next() {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  ask(milliseconds) {
    const answer = this.#next();
    this.process.stdin.write(`${milliseconds}\n`);
    return answer;
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function measure(job) {
  const row = { model: job.name, format: job.format, mmac: job.macs / 1e6, engines: {} };
  const engines = [];
  for (const name of options.engines.split(",").filter((engine) => FORMATS[engine].includes(job.format))) {
    const engine = new Engine(name, job);
    const state = await engine.ready;
    row.engines[name] = state;
    if (!state.error) engines.push(engine);
  }
  for (const engine of engines) await engine.ask(options.ms); // warm-up
  for (let round = 0; round < Number(options.rounds); round++)
    for (const engine of engines) engine.times.push((await engine.ask(options.ms)).median);
  for (const engine of engines) {
    engine.process.stdin.end();
    row.engines[engine.name].ms = median(engine.times);
  }
  const ours = engines.find((engine) => engine.name === "lanewise");
  for (const engine of engines)
    if (ours && engine !== ours) row.engines[engine.name].ratio = median(engine.times.map((ms, i) => ms / ours.times[i]));
  return row;
}

function printRow({ model, mmac, engines }) {
  const cells = Object.entries(engines).map(([name, { ms, ratio, error }]) => {
    if (error) return `${name} failed: ${error}`;
    return `${name} ${ms.toFixed(3)} ms${ratio ? ` (${ratio.toFixed(2)}×)` : ""}`;
  });
  console.log(`${model.padEnd(28)} ${mmac.toFixed(1).padStart(8)} MMAC  ${cells.join(" · ")}`);
}

const folder = mkdtempSync(path.join(tmpdir(), "lanewise-bench-"));
const rows = [];
for (const job of jobs(folder)) {
  const row = await measure(job);
  rows.push(row);
  printRow(row);
}
rmSync(folder, { recursive: true });
for (const peer of Object.keys(FORMATS).slice(1)) {
  const ratios = rows.map((row) => row.engines[peer]?.ratio).filter(Boolean);
  if (ratios.length === 0) continue;
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`${peer}: ${mean.toFixed(2)}× its speed (geometric mean of ${ratios.length}), at least ${Math.min(...ratios).toFixed(2)}×`);
}
if (options.out) {
  const { drawChart } = await import("./chart.mjs");
  const { tableOf } = await import("./table.mjs");
  const version = spawnSync(options.node, ["--version"], { encoding: "utf8" }).stdout.trim();
  const result = { machine: cpus()[0].model, node: version, date: new Date().toISOString().slice(0, 10), rows };
  const peers = options.engines.split(",").filter((engine) => engine !== "lanewise");
  writeFileSync(`${options.out}.json`, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(`${options.out}.md`, tableOf(result, peers));
  writeFileSync(`${options.out}.svg`, await drawChart(rows));
}
