// Times kernels alone on the shapes of real layers, beside the machine's limits measured in the same run.
// A case is { name, flops?, bytes?, run }; what a suite of cases shares is made by `suite(bench)`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Benchmark from "benchmark";

const MEMORY_BYTES = 256 << 20;
/** Before a case is timed: V8 optimizes a wasm function only after many calls, in the background. */
const WARM_UP = { calls: 40, milliseconds: 150 };

/** One tier's kernels on a memory of its own, with a bump allocator. */
export class KernelBench {
  #top = 65536;

  constructor(tier) {
    this.tier = tier;
    this.memory = new WebAssembly.Memory({ initial: MEMORY_BYTES / 65536 });
    const module = new WebAssembly.Module(readFileSync(new URL(`../../dist/${tier}.wasm`, import.meta.url)));
    this.kernels = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports;
    this.f32 = new Float32Array(this.memory.buffer);
    this.#fill(0, MEMORY_BYTES);
  }

  /** Reserves bytes, 64-aligned, with a gap that loads may reach into. */
  alloc(bytes) {
    const pointer = this.#top;
    this.#top = (pointer + bytes + 127) & ~63;
    if (this.#top > MEMORY_BYTES) throw new Error("the bench's memory is too small for this case");
    return pointer;
  }

  /** Reserves floats with numbers in [−1, 1) in them. */
  floats(length) {
    const pointer = this.alloc(length * 4);
    let state = 12345;
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      this.f32[(pointer >> 2) + i] = state / 2 ** 31 - 1;
    }
    return pointer;
  }

  /** Copies 32-bit words into the memory. */
  put(array) {
    const pointer = this.alloc(array.byteLength);
    new Uint8Array(this.memory.buffer).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), pointer);
    return pointer;
  }

  /** Frees everything. What one case leaves is not for the next: an int32 read as a scale is a denormal float, which multiplies slowly. */
  reset() {
    this.#fill(65536, this.#top);
    this.#top = 65536;
  }

  /** Numbers that are 0.5 … 1 as floats. Untouched memory is one page of zeros, and times on it are wrong by a third. */
  #fill(begin, end) {
    const words = new Uint32Array(this.memory.buffer, begin, (end - begin) >> 2);
    let state = 12345;
    for (let i = 0; i < words.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      words[i] = 0x3f000000 | (state >>> 9);
    }
  }
}

/** Seconds of the fastest sample of a function, by Benchmark.js. */
export function fastest(run, seconds = 0.25) {
  const end = performance.now() + WARM_UP.milliseconds;
  for (let i = 0; i < WARM_UP.calls || performance.now() < end; i++) run();
  // Short samples: the fastest of many is free of what else the machine does.
  const benchmark = new Benchmark(run, { maxTime: seconds, minTime: 0.001, minSamples: 40 });
  benchmark.run({ async: false });
  return Math.min(...benchmark.stats.sample);
}

/** The tiers that this engine compiles. */
export function tiersHere() {
  return ["relaxed", "simd128"].filter((tier) => WebAssembly.validate(readFileSync(new URL(`../../dist/${tier}.wasm`, import.meta.url))));
}

/** The loop of multiply-adds of a tier, which no model needs: it is compiled here. */
function limitLoop({ tier, memory }) {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const folder = mkdtempSync(path.join(tmpdir(), "lanewise-limits-"));
  const file = path.join(folder, "limits.wasm");
  const asc = ["node_modules/assemblyscript/bin/asc.js", "assembly/bench/limits.ts", "--config", "asconfig.json", "--target", tier];
  const { status } = spawnSync(process.execPath, [...asc, "--outFile", file], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`asc exited with ${status}`);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } });
  rmSync(folder, { recursive: true });
  return exports.f32_madd_loop;
}

/** Multiply-adds in GF/s, and a copy within the first- and second-level caches in GB/s. */
export function limitsOf(bench) {
  const loop = limitLoop(bench);
  bench.reset();
  const y = bench.alloc(16);
  for (let i = 0; i < 100000; i++) loop(y, 0.999, 0.001, 20);
  const bytes = new Uint8Array(bench.memory.buffer, bench.alloc(256 << 10), 256 << 10);
  return {
    gflops: (80 * 10000) / 1e9 / fastest(() => loop(y, 0.999, 0.001, 10000)),
    gbytes: (128 << 10) / 1e9 / fastest(() => bytes.copyWithin(128 << 10, 0, 128 << 10)),
  };
}

const column = (text, width) => String(text).padStart(width);

/** Runs suites and prints one line a case. `suites`: name → (bench) → cases. `only`: a regular expression on case names. */
export function runSuites(suites, only = /./) {
  for (const tier of tiersHere()) {
    const bench = new KernelBench(tier);
    const limits = limitsOf(bench);
    console.log(`\n${tier}: multiply-adds ${limits.gflops.toFixed(1)} GF/s, copy ${limits.gbytes.toFixed(1)} GB/s`);
    for (const [title, suite] of Object.entries(suites)) {
      for (const makeCase of suite) {
        bench.reset();
        const { name, flops = 0, bytes = 0, run, pick = "", isAbsent = false } = makeCase(bench);
        if (isAbsent || !only.test(`${title} ${name}`)) continue;
        const seconds = fastest(run);
        const rate = flops ? flops / 1e9 / seconds : bytes / 1e9 / seconds;
        const share = rate / (flops ? limits.gflops : limits.gbytes);
        const unit = flops ? "GF/s" : "GB/s";
        console.log(
          `${title.padEnd(16)} ${name.padEnd(34)} ${column((seconds * 1e6).toFixed(1), 9)} us ${column(rate.toFixed(1), 7)} ${unit} ${column((share * 100).toFixed(0), 4)} % ${pick}`,
        );
      }
    }
  }
}
