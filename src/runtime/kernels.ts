// Which of the four kernel binaries this engine can run, where its bytes come from, and one instance a model.
import { instantiateSync } from "@assemblyscript/loader";
import { LanewiseError, messageOf } from "../errors.ts";
import type { KernelExports } from "./kernel-exports.d.ts";
import { isNode, readLocalFile } from "./platform.ts";

/** The kernels' instruction set: `simd128` gives the same bits in every engine, `relaxed` is faster (fused multiply-add). */
export type Tier = "simd128" | "relaxed";

/** What this engine can do. */
export interface Capabilities {
  /** Fixed-width 128-bit SIMD; nothing runs without it. */
  readonly simd: boolean;
  /** Relaxed SIMD with its fused multiply-add: the faster tier. */
  readonly relaxedSimd: boolean;
  /** Shared memory between threads. */
  readonly threads: boolean;
  /** Why something is missing, in a sentence; empty when nothing is. */
  readonly reason: string;
}

const header = [0, 97, 115, 109, 1, 0, 0, 0];
// (func (result v128) (i8x16.splat (i32.const 0)))
const SIMD = [...header, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];
// (func (result v128) (i8x16.relaxed_swizzle (i8x16.splat (i32.const 1)) (i8x16.splat (i32.const 2))))
const RELAXED = [...header, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11];

const validates = (bytes: readonly number[]): boolean => typeof WebAssembly === "object" && WebAssembly.validate(Uint8Array.from(bytes));

/** Probes this engine. Costs microseconds; never throws. */
export function capabilities(): Capabilities {
  const simd = validates(SIMD);
  const relaxedSimd = simd && validates(RELAXED);
  const threads = typeof SharedArrayBuffer === "function";
  const reasons = [
    !simd && "WebAssembly SIMD is missing: Lanewise needs Chrome 91, Firefox 89, Safari 16.4, Node 16.4 or later",
    simd && !relaxedSimd && "relaxed SIMD is missing, so the simd128 tier runs",
    !threads && "SharedArrayBuffer is missing (in a browser the page must be cross-origin isolated), so one thread runs",
  ];
  return { simd, relaxedSimd, threads, reason: reasons.filter(Boolean).join("; ") };
}

/** The tier to use. Throws `unsupported` when this engine lacks it. */
export function chooseTier(wanted: Tier | undefined): Tier {
  const able = capabilities();
  if (!able.simd || (wanted === "relaxed" && !able.relaxedSimd)) {
    throw new LanewiseError("unsupported", `tier "${wanted ?? "simd128"}" cannot run here: ${able.reason}`);
  }
  if (wanted !== undefined && wanted !== "simd128" && wanted !== "relaxed") {
    throw new LanewiseError("input", `tier must be "simd128" or "relaxed", found ${JSON.stringify(wanted)}`);
  }
  return wanted ?? (able.relaxedSimd ? "relaxed" : "simd128");
}

/** Kernel bytes that callers bring where files cannot be fetched: a module, its bytes, or one of them a tier. */
export type WasmSource = WebAssembly.Module | Uint8Array | ArrayBuffer;
/** Kernels for whichever tier runs, or for each tier. */
export type WasmOption = WasmSource | { readonly [T in Tier]?: WasmSource } | undefined;

const modules = new Map<Tier, Promise<WebAssembly.Module>>();

/** The compiled kernels of a tier; compiled once. Throws `format` when the file cannot be had, `input` for a `wasm` that is none. */
export function kernelModule(tier: Tier, wasm: WasmOption): Promise<WebAssembly.Module> {
  const given = isSource(wasm) ? wasm : wasm?.[tier];
  if (given !== undefined || (wasm && typeof wasm !== "object")) return givenModule(tier, given);
  let module = modules.get(tier);
  if (!module) {
    module = fetchModule(tier);
    modules.set(tier, module);
    module.catch(() => modules.delete(tier));
  }
  return module;
}

const isSource = (wasm: unknown): wasm is WasmSource =>
  wasm instanceof WebAssembly.Module || wasm instanceof Uint8Array || wasm instanceof ArrayBuffer;

async function givenModule(tier: Tier, given: unknown): Promise<WebAssembly.Module> {
  if (!isSource(given)) throw new LanewiseError("input", `the option wasm must hold the ${tier} kernels, as a module or bytes`);
  const module = await compileGiven(tier, given);
  const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const isKernels = exported.has("f32_gemm") && exported.has("x8_dot_kind");
  if (!isKernels) throw new LanewiseError("input", `the option wasm holds a module that is not this version's lanewise/kernels/${tier}`);
  return module;
}

async function compileGiven(tier: Tier, given: WasmSource): Promise<WebAssembly.Module> {
  if (given instanceof WebAssembly.Module) return given;
  try {
    return await WebAssembly.compile(given as BufferSource);
  } catch (cause) {
    throw new LanewiseError("input", `the option wasm holds no ${tier} kernels: ${messageOf(cause)}`, { cause });
  }
}

async function fetchModule(tier: Tier): Promise<WebAssembly.Module> {
  const url = new URL(`./${tier}.wasm`, import.meta.url);
  try {
    if (url.protocol === "file:" && isNode()) return await WebAssembly.compile((await readLocalFile(url)) as BufferSource);
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    const help = "Serve the package's .wasm files beside its index.js, or pass them as load(model, { wasm })";
    throw new LanewiseError("format", `the kernels cannot be read from ${url}: ${messageOf(cause)}. ${help}`, { cause });
  }
}

/** The kernels on a memory of their own. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  return instantiateSync(module, { env: { memory } }).exports as unknown as KernelExports;
}
