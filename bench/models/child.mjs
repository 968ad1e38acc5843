// One engine with one model, in a process of its own. Told "time N" on its input, it runs for N milliseconds and
// answers with a line of JSON: the median, the fastest and the number of runs.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const ARRAYS = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array, int64: BigInt64Array };
const { engine, file, inputs: described } = JSON.parse(process.argv[2]);
const say = (message) => process.stdout.write(`\n\u0001${JSON.stringify(message)}\n`);

/** Uniform in [0, 1) for floats, the whole range for bytes. */
function randomInput({ name, dataType, shape, data }) {
  const length = shape.reduce((a, b) => a * b, 1);
  const filled = new ARRAYS[dataType](length);
  if (data) filled.set(new ARRAYS[dataType](readFileSync(data).buffer.slice(0, filled.byteLength)));
  else if (dataType !== "int64")
    for (let i = 0; i < length; i++) filled[i] = dataType === "float32" ? Math.random() : Math.random() * 256 - 128;
  return { name, dataType, shape, data: filled };
}

async function time(model, inputs, budget) {
  const times = [];
  for (const end = performance.now() + budget; performance.now() < end || times.length < 3; ) {
    const start = performance.now();
    await model.run(inputs);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], fastest: times[0], runs: times.length };
}

try {
  const started = performance.now();
  const { load } = await import(`./engines/${engine}.mjs`);
  const model = await load(new Uint8Array(readFileSync(file)));
  const loaded = performance.now();
  const inputs = described.map(randomInput);
  await model.run(inputs);
  say({
    ready: true,
    note: model.note,
    loadMs: loaded - started,
    firstMs: performance.now() - loaded,
    memoryMib: process.memoryUsage().rss / 2 ** 20,
  });
  for await (const line of createInterface({ input: process.stdin })) say(await time(model, inputs, Number(line)));
} catch (error) {
  say({ error: String(error?.message ?? error).slice(0, 200) });
}
process.exit(0);
