// What a process or a page does with an engine: the same inputs for all, a first run, then runs against the clock.
const ARRAYS = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array, int64: BigInt64Array };

/** A sample lasts at least this many steps of the clock: a page's clock is coarse. */
const CLOCK_STEPS = 40;

function clockStep() {
  const steps = Array.from({ length: 5 }, () => {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    return now - start;
  });
  return Math.min(...steps);
}

/** The input as described: given bytes, or seeded numbers: uniform in [0, 1) for floats, the whole range for bytes. */
function inputOf({ name, dataType, shape, bytes }) {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = new ARRAYS[dataType](length);
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  if (bytes) data.set(new ARRAYS[dataType](bytes.slice(0, data.byteLength).buffer));
  else if (dataType !== "int64") for (let i = 0; i < length; i++) data[i] = dataType === "float32" ? random() : random() * 256 - 128;
  return { name, dataType, shape, data };
}

/** How many runs make a sample. */
async function repeatsOf(run, budget) {
  const start = performance.now();
  let [runs, elapsed] = [0, 0];
  for (; elapsed <= budget; runs++, elapsed = performance.now() - start) await run();
  return Math.max(1, Math.ceil((CLOCK_STEPS * clockStep() * runs) / elapsed));
}

/** Runs for `budget` milliseconds: the median, the fastest and the number of samples. */
async function time(run, budget) {
  const repeats = await repeatsOf(run, budget / 20);
  const times = [];
  for (const end = performance.now() + budget; performance.now() < end || times.length < 3; ) {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) await run();
    times.push((performance.now() - start) / repeats);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], fastest: times[0], runs: times.length };
}

/**
 * Loads a model with an engine (its `load(bytes, job)` gives `run(inputs)`, which resolves to the outputs' elements)
 * and runs it once. Returns what is to be told of that, and the way to time it.
 */
export async function startSession({ load }, job, bytes) {
  const started = performance.now();
  const model = await load(bytes, job);
  const loaded = performance.now();
  const inputs = job.inputs.map(inputOf);
  const run = () => model.run(inputs);
  const [first] = await run();
  const firstMs = performance.now() - loaded;
  const state = { ready: true, note: model.note, loadMs: loaded - started, firstMs, output: Array.from(first, Number) };
  return { state, time: (budget) => time(run, budget) };
}
