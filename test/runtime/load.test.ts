import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { writeCompact } from "../../src/format/write.ts";
import { capabilities, type LanewiseError, type LoadOptions, load, type ModelSource, Tensor } from "../../src/index.ts";
import { input, kernelBytes, node, transposeModel } from "../support/small-models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "lanewise-"));
const file = path.join(folder, "model.safetensors");
const bytes = transposeModel();
writeFileSync(file, bytes);
afterAll(() => rmSync(folder, { recursive: true }));

const options: LoadOptions = { tier: "simd128", wasm: kernelBytes };
const response = (body: BodyInit = bytes as BodyInit, init?: ResponseInit) => new Response(body, init);
const fetchOf =
  (answer: () => Response | Promise<Response>): typeof fetch =>
  async () =>
    answer();

/** A stream that gives pieces of these lengths in turn. */
function inPieces(whole: Uint8Array, lengths: readonly number[]): ReadableStream<Uint8Array> {
  let at = 0;
  let turn = 0;
  return new ReadableStream({
    pull(controller) {
      const length = lengths[turn++ % lengths.length]!;
      controller.enqueue(whole.slice(at, at + length));
      at += length;
      if (at >= whole.length) controller.close();
    },
  });
}

const failure = async (source: ModelSource, extra: LoadOptions = {}): Promise<string> => {
  try {
    await load(source, { ...options, ...extra });
    return "loaded";
  } catch (error) {
    return `${(error as LanewiseError).code}: ${(error as Error).message}`;
  }
};

describe("a model loads from", () => {
  it.each<[string, () => ModelSource]>([
    ["bytes", () => bytes],
    ["bytes inside a larger buffer", () => new Uint8Array([...new Uint8Array(3), ...bytes]).subarray(3)],
    ["a Buffer", () => Buffer.from(bytes)],
    ["an ArrayBuffer", () => bytes.slice().buffer as ArrayBuffer],
    ["a path", () => file],
    ["a file URL", () => pathToFileURL(file)],
    ["a file URL as text", () => pathToFileURL(file).href],
    ["a Response", () => response()],
    ["a stream in odd pieces", () => inPieces(bytes, [1, 7, 64, 3, 0])],
    ["a stream in one piece", () => inPieces(bytes, [bytes.length])],
    ["a data URL", () => `data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`],
  ])("%s", async (_, source) => {
    using model = await load(source(), options);
    const { y } = await model.run({ x: new Tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6]) });
    expect([...(y!.data as Float32Array)]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it("a URL and a Request through a fetch of one's own", async () => {
    const seen: string[] = [];
    const own: typeof fetch = async (request) => {
      seen.push(request instanceof Request ? request.url : String(request));
      return response();
    };
    (await load("https://models.example/a", { ...options, fetch: own })).dispose();
    (await load(new Request("https://models.example/b"), { ...options, fetch: own })).dispose();
    expect(seen).toEqual(["https://models.example/a", "https://models.example/b"]);
  });
});

describe("progress", () => {
  it("comes with the length, where the server tells it", async () => {
    const seen: { loaded: number; total: number }[] = [];
    const source = new Response(inPieces(bytes, [100]), { headers: { "content-length": String(bytes.length) } });
    await load(source, { ...options, onProgress: (progress) => seen.push(progress) });
    expect(seen[0]).toEqual({ loaded: 100, total: bytes.length });
    expect(seen.at(-1)).toEqual({ loaded: bytes.length, total: bytes.length });
  });

  it("comes without it, where the length is unknown or counts compressed bytes", async () => {
    const totals = new Set<number>();
    const headers = { "content-length": "17", "content-encoding": "br" };
    const onProgress = ({ total }: { total: number }) => totals.add(total);
    await load(new Response(inPieces(bytes, [100]), { headers }), { ...options, onProgress });
    await load(inPieces(bytes, [100]), { ...options, onProgress });
    expect([...totals]).toEqual([0]);
  });

  it("does not depend on the announced length", async () => {
    for (const length of ["1", "1000000", "99999999999999", "-5", "what"]) {
      const source = new Response(inPieces(bytes, [100]), { headers: { "content-length": length } });
      (await load(source, options)).dispose();
    }
  });
});

describe("loading stops", () => {
  const aborted = (signal: AbortSignal, source: ModelSource) => failure(source, { signal });

  it("before it begins", async () => {
    expect(await aborted(AbortSignal.abort(), bytes)).toMatch(/^aborted: /);
  });

  it("between two pieces", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    expect(await failure(inPieces(bytes, [10]), { signal: controller.signal, onProgress })).toMatch(/^aborted: /);
  });

  it("while a stream stalls", async () => {
    const controller = new AbortController();
    const stalled = new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(bytes.slice(0, 10)) });
    setTimeout(() => controller.abort(), 10);
    expect(await aborted(controller.signal, stalled)).toMatch(/^aborted: /);
  });

  it("while a fetch waits", async () => {
    const controller = new AbortController();
    const waiting: typeof fetch = (_, init) =>
      new Promise((_, reject) => init!.signal!.addEventListener("abort", () => reject(init!.signal!.reason)));
    setTimeout(() => controller.abort(), 10);
    expect(await failure("https://models.example/a", { signal: controller.signal, fetch: waiting })).toMatch(/^aborted: /);
  });
});

describe("a warm-up", () => {
  it("changes no answer", async () => {
    using model = await load(bytes, { ...options, warmUp: true });
    const { y, z } = await model.run({ x: new Tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6]) });
    expect([...(y!.data as Float32Array)]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...(z!.data as Float32Array)]).toEqual([1, 2, 3, 7, 8, 4, 5, 6, 9, 10]);
  });

  it("gives the event loop turns, so that loading can be stopped", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 10);
    expect(await failure(bytes, { warmUp: true, signal: controller.signal })).toMatch(/^aborted: /);
  });

  it("leaves open shapes open", async () => {
    const [x, y] = [input("x", "float32", [Number.NaN, 3]), { name: "y" }];
    const open = writeCompact({ inputs: [x], outputs: [y], nodes: [node("transpose", [x], [y], { perm: [1, 0] })] });
    using model = await load(open, { ...options, warmUp: true });
    const { y: answer } = await model.run({ x: new Tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6]) });
    expect(answer!.shape).toEqual([3, 2]);
  });
});

describe("what cannot be loaded says why", () => {
  it.each<[string, () => ModelSource, LoadOptions, RegExp]>([
    ["a missing file", () => path.join(folder, "nothing"), {}, /^format: the model cannot be read from .*nothing: ENOENT/],
    [
      "a failing fetch",
      () => "https://models.example/a",
      { fetch: fetchOf(() => Promise.reject(new TypeError("no route"))) },
      /^format: .*example\/a: no route/,
    ],
    [
      "a page that is not there",
      () => "https://models.example/a",
      { fetch: fetchOf(() => response("gone", { status: 404 })) },
      /^format: .*status 404/,
    ],
    ["a web page", () => response("<!doctype html><title>Sign in</title>"), {}, /^format: .*found a web page/],
    ["no bytes", () => new Uint8Array(0), {}, /^format: .*found no bytes at all/],
    ["bytes that are cut off", () => bytes.slice(0, -1), {}, /^format: /],
    [
      "a stream of text",
      () => new ReadableStream({ start: (stream) => stream.enqueue("text" as never) }),
      {},
      /^input: the stream's chunks/,
    ],
    ["a stream that breaks", () => new ReadableStream({ pull: () => Promise.reject(new Error("torn")) }), {}, /^format: .*torn/],
    ["a used Response", () => usedResponse(), {}, /^format: the model cannot be read/],
    ["a number", () => 7 as unknown as ModelSource, {}, /^input: a model comes from .* found 7/],
    ["null", () => null as unknown as ModelSource, {}, /^input: a model comes from .* found null/],
    ["no threads", () => bytes, { threads: 0 }, /^input: threads must be/],
    ["another memory", () => bytes, { memory: "huge" as "fast" }, /^input: memory must be/],
    ["another tier", () => bytes, { tier: "avx" as "simd128" }, /^input: tier must be/],
    ["deterministic and relaxed", () => bytes, { deterministic: true, tier: "relaxed" }, /^input: deterministic needs/],
  ])("%s", async (_, source, extra, message) => {
    expect(await failure(source(), extra)).toMatch(message);
  });

  it("an operator that is not there", async () => {
    const x = input("x", "float32", [Number.NaN]);
    const y = { name: "y" };
    const graph = { inputs: [x], outputs: [y], nodes: [node("fly", [x], [y])] };
    expect(await failure(writeCompact(graph))).toBe('unsupported: node "fly_of_x": there is no operator "fly"');
  });

  it("shapes that do not fit", async () => {
    const x = input("x", "float32", [2, 3]);
    const y = { name: "y" };
    const graph = { inputs: [x], outputs: [y], nodes: [node("reshape", [x], [y], { shape: [4, 2] })] };
    expect(await failure(writeCompact(graph))).toMatch(/^shape: node "reshape_of_x" \(reshape\): .* Inputs: f32\[2,3\] \{shape=\[4,2\]\}/);
  });
});

function usedResponse(): Response {
  const used = response();
  void used.arrayBuffer();
  return used;
}

describe("a loaded model", () => {
  it("tells its inputs and outputs", async () => {
    using model = await load(bytes, options);
    expect(model.inputs).toEqual({ x: { dataType: "float32", shape: [2, 3] } });
    expect(model.outputs).toEqual({ y: { dataType: "float32", shape: [3, 2] }, z: { dataType: "float32", shape: [2, 5] } });
    expect(model.tier).toBe("simd128");
  });

  it("tells which dimensions are open", async () => {
    const x = input("x", "int8", [Number.NaN, 3]);
    const y = { name: "y" };
    using model = await load(writeCompact({ inputs: [x], outputs: [y], nodes: [node("transpose", [x], [y], { perm: [1, 0] })] }), options);
    expect(model.inputs).toEqual({ x: { dataType: "int8", shape: [null, 3] } });
    expect(model.outputs).toEqual({ y: { dataType: "int8", shape: [3, null] } });
  });

  it("runs on the same tier when it must be deterministic", async () => {
    using model = await load(bytes, { deterministic: true, wasm: { simd128: kernelBytes } });
    expect(model.tier).toBe("simd128");
  });

  it("is told what this engine can do", () => {
    const { simd, threads, reason } = capabilities();
    expect([simd, threads, typeof reason]).toEqual([true, true, "string"]);
  });
});

describe("a cache", () => {
  it("keeps what was fetched, and not what failed", async () => {
    const kept = new Map<string, Response>();
    const cache = {
      match: async (url: string) => kept.get(url)?.clone(),
      put: async (url: string, answer: Response) => void kept.set(url, answer),
    };
    vi.stubGlobal("caches", { open: async (name: string) => (name === "models" ? cache : Promise.reject(new Error(name))) });
    let fetched = 0;
    const own = fetchOf(() => (++fetched === 1 ? response("gone", { status: 404 }) : response()));
    const cached = { ...options, fetch: own, cache: "models" };
    expect(await failure("https://models.example/a", cached)).toMatch(/^format: .*status 404/);
    for (let i = 0; i < 3; i++) (await load("https://models.example/a", cached)).dispose();
    vi.unstubAllGlobals();
    expect(fetched).toBe(2);
  });
});
