// Kernels chosen by timing. No test reads a real clock: what a kernel takes is told to the tuner.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { writeCompact } from "../../src/format/write.ts";
import { constantValue } from "../../src/graph/constant.ts";
import type { Graph, Value } from "../../src/graph/types.ts";
import { type LoadOptions, load, Tensor, type Tuning } from "../../src/index.ts";
import { ALL_OPS } from "../../src/ops/index.ts";
import { QUANTIZED_LOWERINGS } from "../../src/ops/quantized/lowerings.ts";
import { instantiateKernels } from "../../src/runtime/kernels.ts";
import { Model } from "../../src/runtime/model.ts";
import { type TuneOptions, tuneGraph } from "../../src/runtime/tune.ts";
import { expectClose, numbers } from "../support/close.ts";
import { TIERS } from "../support/kernels.ts";
import { input, kernelBytes, node, transposeGraph } from "../support/small-models.ts";

const SIZE = 12;

const floats = (name: string, shape: number[], seed: number): Value =>
  constantValue(
    name,
    "float32",
    shape,
    numbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ).map((value) => value / 8),
  );

/** 3×3 convolutions of 16 channels, two of them alike, a pointwise one and a depthwise one. */
function convolutions(batch = 1): Graph {
  const x = input("x", "float32", [batch, SIZE, SIZE, 16]);
  const [a, b, c, d]: Value[] = [{ name: "a" }, { name: "b" }, { name: "c" }, { name: "y" }];
  const around = { padding: [1, 1, 1, 1] };
  return {
    inputs: [x],
    outputs: [d!],
    nodes: [
      node("conv2d", [x, floats("w1", [16, 3, 3, 16], 1), floats("b1", [16], 2)], [a!], around),
      node("conv2d", [a!, floats("w2", [16, 3, 3, 16], 3)], [b!], around),
      node("conv2d", [b!, floats("w3", [16, 1, 1, 16], 4)], [c!]),
      node("conv2d", [c!, floats("w4", [16, 3, 3, 1], 5)], [d!], { ...around, groups: 16 }),
    ],
  };
}

/** A quantized 3×3 convolution of 16 channels. */
function quantized(): Graph {
  const quant = (scale: number) => ({ scale: [scale], zeroPoint: [0] });
  const x: Value = { ...input("x", "int8", [1, SIZE, SIZE, 16]), quant: quant(0.1) };
  const weights = Int8Array.from(numbers(16 * 9 * 16, 6), (value) => value * 30);
  const y: Value = { name: "y", quant: quant(0.9) };
  const constant = constantValue("w", "int8", [16, 3, 3, 16], weights, quant(0.01));
  return { inputs: [x], outputs: [y], nodes: [node("conv2d", [x, constant], [y], { padding: [1, 1, 1, 1] })] };
}

const settingsOf = (tier: "simd128" | "relaxed") => ({ tier, memory: "fast", ops: ALL_OPS, quantized: QUANTIZED_LOWERINGS }) as const;
const modules = new Map(
  TIERS.map((tier) => [tier, new WebAssembly.Module(readFileSync(new URL(`../../dist/${tier}.wasm`, import.meta.url)))]),
);
const modelOf = (graph: Graph, tuning: Tuning, tier = TIERS[0]!) => new Model(graph, modules.get(tier)!, { ...settingsOf(tier), tuning });
const instantiate = (memory: WebAssembly.Memory) => instantiateKernels(modules.get("simd128")!, memory);
const tune = (graph: Graph, options: TuneOptions) => tuneGraph({ graph, settings: settingsOf("simd128"), instantiate }, options);

/** Runs each once, and says that these kernels take half the time of others. */
const preferring =
  (...kernels: readonly string[]) =>
  (run: () => void, its: readonly string[]): number => {
    run();
    return its.every((kernel) => kernels.includes(kernel)) ? 1 : 2;
  };

const kernelsOf = (model: Model): string[] => model.plan().steps.map(({ kernel }) => kernel);

/** The kernels of every trial. */
async function trialsOf(graph: Graph): Promise<(readonly string[])[]> {
  const seen: (readonly string[])[] = [];
  await tune(graph, { now: () => 0, time: (_, kernels) => seen.push(kernels) });
  return seen;
}

/** Every candidate that a layer was tried with, by layer. */
async function candidatesOf(graph: Graph): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const kernels of await trialsOf(graph))
    for (const [layer, name] of Object.entries(await tune(graph, { now: () => 0, time: preferring(...kernels) })))
      found.set(layer, (found.get(layer) ?? new Set()).add(name));
  return found;
}

test("the kernel that was the fastest computes the layer, and a profile names it", async () => {
  const x = new Tensor("float32", [1, SIZE, SIZE, 16], numbers(SIZE * SIZE * 16));
  const kernels = new Set((await trialsOf(convolutions())).flat());
  expect(kernels.size).toBeGreaterThan(2);
  for (const kernel of kernels) {
    const model = modelOf(convolutions(), await tune(convolutions(), { now: () => 0, time: preferring(kernel) }));
    expect(kernelsOf(model)).toContain(kernel);
    expect(model.profile({ x }, { runs: 1 }).rows.flatMap((row) => row.kernels)).toEqual(kernelsOf(model));
  }
});

test("where all are as fast the expected kernels stay", async () => {
  const tuning = await tune(convolutions(), { now: () => 0, time: preferring() });
  expect(kernelsOf(modelOf(convolutions(), tuning))).toEqual(kernelsOf(modelOf(convolutions(), {})));
});

test.each(TIERS)("every candidate gives the same answer within 1e-4 (%s)", async (tier) => {
  const x = new Tensor("float32", [1, SIZE, SIZE, 16], numbers(SIZE * SIZE * 16));
  const expected = modelOf(convolutions(), {}, tier).runSync({ x }).y!.data as Float32Array;
  const absolute = 1e-4 * Math.max(...expected.map(Math.abs));
  const candidates = await candidatesOf(convolutions());
  expect([...candidates.values()].every((names) => names.size > 1)).toBe(true);
  for (const [layer, names] of candidates)
    for (const name of names) {
      const model = modelOf(convolutions(), { [layer.replace("simd128", tier)]: name }, tier);
      expectClose(model.runSync({ x }).y!.data as Float32Array, expected, { absolute });
    }
});

test("int8 answers are the same bits with every candidate", async () => {
  const x = new Tensor(
    "int8",
    [1, SIZE, SIZE, 16],
    Int8Array.from(numbers(SIZE * SIZE * 16), (value) => value * 31),
  );
  const expected = modelOf(quantized(), {}).runSync({ x }).y!.data;
  const candidates = [...(await candidatesOf(quantized()))].flatMap(([layer, names]) => [...names].map((name) => ({ [layer]: name })));
  expect(candidates.length).toBeGreaterThan(1);
  for (const tuning of candidates) expect(modelOf(quantized(), tuning).runSync({ x }).y!.data).toEqual(expected);
});

test("tuning ends when its time is over, and keeps only what was timed often enough", async () => {
  let [clock, samples] = [0, 0];
  const time = () => {
    clock += 30;
    return samples++;
  };
  expect(await tune(convolutions(), { now: () => clock, budgetMs: 100, time })).toEqual({});
  expect(samples).toBeLessThan(6);
  expect(await tune(convolutions(), { now: () => (clock += 100), budgetMs: 10 })).toEqual({});
});

test("tuning gives the event loop turns, so that loading can be stopped", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 0);
  let clock = 0;
  const time = () => (clock += 10);
  const result = tune(convolutions(), { now: () => clock, time, budgetMs: Number.POSITIVE_INFINITY, signal: controller.signal });
  await expect(result).rejects.toMatchObject({ code: "aborted" });
});

test("open dimensions are taken for 1, and layers without a choice are left alone", async () => {
  const tuning = await tune(convolutions(Number.NaN), { now: () => 0, time: preferring() });
  expect(tuning).toEqual(await tune(convolutions(), { now: () => 0, time: preferring() }));
  expect(tuning).not.toEqual({});
  expect(await tune(transposeGraph(), { now: () => 0, time: preferring() })).toEqual({});
});

const options: LoadOptions = { tier: "simd128", wasm: kernelBytes };

test("load tunes, and takes what was found again from JSON", async () => {
  const bytes = writeCompact(convolutions());
  using tuned = await load(bytes, { ...options, tune: true });
  using again = await load(bytes, { ...options, tune: JSON.parse(JSON.stringify(tuned.tuning)) });
  expect(again.tuning).toEqual(tuned.tuning);
  expect(kernelsOf(again)).toEqual(kernelsOf(tuned));
  using plain = await load(bytes, { ...options, tune: false });
  expect(plain.tuning).toEqual({});
});

test("layers and kernels that are unknown are passed over", async () => {
  const [layer] = Object.keys(await tune(convolutions(), { now: () => 0, time: preferring() }));
  const bytes = writeCompact(convolutions());
  const strange = JSON.parse(`{ ${JSON.stringify(layer)}: "abacus", "conv9d": "winograd", "__proto__": "gemm" }`);
  using model = await load(bytes, { ...options, tune: strange });
  using plain = await load(bytes, options);
  expect(kernelsOf(model)).toEqual(kernelsOf(plain));
  expect({}).not.toHaveProperty("gemm");
});

test.each<[unknown, RegExp]>([
  [[], /tune must be true, false or what model.tuning gave, found an array/],
  [null, /found null/],
  ["winograd", /found winograd/],
  [5n, /found 5/],
  [{ layer: 3 }, /tune must name a kernel for "layer", found number/],
  [{ layer: null }, /found null/],
])("a tuning that is none is refused: %s", async (given, message) => {
  const loading = load(writeCompact(convolutions()), { ...options, tune: given as never });
  await expect(loading).rejects.toMatchObject({ code: "input", message: expect.stringMatching(message) });
});

test("what must be deterministic is not tuned", async () => {
  const loading = load(writeCompact(convolutions()), { ...options, deterministic: true, tune: true });
  await expect(loading).rejects.toMatchObject({ code: "input" });
});
