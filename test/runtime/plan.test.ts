import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { Value } from "../../src/graph/types.ts";
import { type Model, Tensor } from "../../src/index.ts";
import { modelOf } from "../support/run-op.ts";
import { countingModel, input, node, transposeGraph } from "../support/small-models.ts";

const rows = (count: number) => new Tensor("float32", [count, 2], new Float32Array(2 * count).fill(count));

describe("open shapes", () => {
  it("are planned anew, each once", () => {
    const model = countingModel(3);
    for (const count of [1, 5, 2, 5000, 5, 1]) {
      const { y } = model.runSync({ x: rows(count) });
      expect(y!.shape).toEqual([count, 2]);
      expect((y!.data as Float32Array).every((value) => value === count + 3)).toBe(true);
    }
    const before = model.memoryBytes;
    for (const count of [1, 5, 2, 5000]) model.runSync({ x: rows(count) });
    expect(model.memoryBytes).toBe(before);
  });

  it("share one stretch of memory", () => {
    const model = countingModel(3);
    model.runSync({ x: rows(100_000) });
    const before = model.memoryBytes;
    for (let count = 1; count < 200; count++) model.runSync({ x: rows(count) });
    expect(model.memoryBytes).toBeLessThanOrEqual(before);
  });

  it("that grow step by step do not add up", () => {
    const model = countingModel(3);
    for (let count = 100; count <= 20_000; count += 100) model.runSync({ x: rows(count) });
    const once = countingModel(3);
    once.runSync({ x: rows(20_000) });
    expect(model.memoryBytes).toBeLessThan(4 * once.memoryBytes);
  });

  it("without end do not take memory without end", () => {
    const x = input("x", "float32", [Number.NaN, Number.NaN, 5]);
    const y = { name: "y" };
    const model = modelOf({ inputs: [x], outputs: [y], nodes: [node("transpose", [x], [y], { perm: [2, 0, 1] })] });
    const run = (n: number) =>
      model.runSync({
        x: new Tensor(
          "float32",
          [n, 3, 5],
          new Float32Array(15 * n).map((_, i) => i),
        ),
      }).y!;
    for (let n = 1; n <= 300; n++) run(n);
    const before = model.memoryBytes;
    for (let n = 300; n <= 2000; n++) run(300 - (n % 300));
    expect(model.memoryBytes).toBeLessThanOrEqual(2 * before);
    expect([...(run(2).data as Float32Array)].slice(0, 8)).toEqual([0, 5, 10, 15, 20, 25, 1, 6]);
  });

  it("may be empty", () => {
    expect(countingModel(3).runSync({ x: rows(0) }).y!.shape).toEqual([0, 2]);
  });
});

describe("plan()", () => {
  it("tells steps, sizes and lifetimes without touching the model", () => {
    const model = modelOf(transposeGraph());
    const before = model.memoryBytes;
    const plan = model.plan();
    expect(plan.nodes).toEqual(["%y:f32[3,2] = transpose(%x) {perm=[1,0]}", "%z:f32[2,5] = concat(%x, #tail) {axis=1}"]);
    expect(new Set(plan.steps.map(({ op }) => op))).toEqual(new Set(["transpose", "concat"]));
    expect(plan.steps[0]).toMatchObject({ node: "transpose_of_x", op: "transpose", flops: 0 });
    expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.arenaLowerBound);
    expect(plan.lifetimes.find(({ name }) => name === "x")).toMatchObject({ bytes: 24, first: 0, last: 1 });
    expect(plan.weightBytes).toBeGreaterThan(0);
    expect(plan.partial).toBe(false);
    expect(model.memoryBytes).toBe(before);
  });

  it("needs the shapes that are open, and checks them", () => {
    const model = countingModel(2);
    expect(() => model.plan()).toThrow('input "x" is float32[?,2]: give its shape');
    expect(() => model.plan({ x: [3, 3] })).toThrow('input "x": expected float32[?,2], got float32[3,3]');
    expect(() => model.plan({ x: [3, 2], z: [1] })).toThrow('there is no input "z"');
    for (const rows of [-1, 1.5, Number.POSITIVE_INFINITY]) {
      expect(() => model.plan({ x: [rows, 2] })).toThrow('input "x": expected float32[?,2], got float32[');
      expect(() => model.input("x", [rows, 2])).toThrow('input "x": expected float32[?,2], got float32[');
    }
    expect(() => model.input("x", [1e12, 2])).toThrow(expect.objectContaining({ code: "memory" }));
    const small = model.plan({ x: [10, 2] });
    expect(small.lifetimes.length).toBeGreaterThan(0);
    expect(model.plan({ x: [1000, 2] }).arenaBytes).toBeGreaterThan(small.arenaBytes);
  });
});

describe("profile()", () => {
  it("times every node, and makes a trace that Chrome reads", () => {
    const model = modelOf(transposeGraph());
    const { rows: nodes, totalMs, trace } = model.profile({ x: new Tensor("float32", [2, 3], new Float32Array(6)) }, { runs: 3 });
    expect(nodes.map(({ op }) => op)).toEqual(["transpose", "concat"]);
    for (const row of nodes) {
      expect(row.kernels.length).toBeGreaterThan(0);
      expect(row.ms).toBeGreaterThanOrEqual(0);
      expect(row.share).toBeGreaterThanOrEqual(0);
    }
    expect(totalMs).toBeCloseTo(
      nodes.reduce((sum, { ms }) => sum + ms, 0),
      9,
    );
    for (const event of trace.traceEvents)
      expect(event).toMatchObject({ ph: "X", pid: 1, name: expect.any(String), ts: expect.any(Number), dur: expect.any(Number) });
    JSON.stringify(trace);
  });

  it("takes inputs that were filled in place", () => {
    const model = countingModel(2, 0, 1);
    (model.input("x").data as Float32Array).fill(1);
    expect(model.profile({}, { runs: 2 }).rows.length).toBe(2);
  });
});

describe("a thousand runs", () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const matrix = (rows: number, cols: number) => new Tensor("float32", [rows, cols], new Float32Array(rows * cols).fill(1));

  async function expectFlat(model: Model, inputOf: (run: number) => Tensor, warmUps: number): Promise<void> {
    for (let i = 0; i < warmUps; i++) await model.run({ x: inputOf(i) });
    const [wasmBytes, heapBytes] = [model.memoryBytes, heap()];
    for (let i = warmUps; i < warmUps + 1024; i++) await model.run({ x: inputOf(i) });
    expect(model.memoryBytes).toBeLessThanOrEqual(wasmBytes);
    // V8's own tables come and go by hundreds of kilobytes; a plan that is kept by each run takes megabytes
    expect(heap() - heapBytes).toBeLessThan(1_000_000);
  }

  const openModel = () => {
    const [x, y] = [input("x", "float32", [Number.NaN, Number.NaN]), { name: "y" }];
    return modelOf({ inputs: [x], outputs: [y], nodes: [node("transpose", [x], [y], { perm: [1, 0] })] });
  };

  it("take no more memory than one", async () => {
    await expectFlat(modelOf(transposeGraph()), () => matrix(2, 3), 200);
  });

  it("of shapes that come again take no more memory than one of each", async () => {
    await expectFlat(openModel(), (run) => matrix(1 + (run % 8), 64), 200);
  });

  // Plans are thrown away by 128: memory is compared where as many are kept.
  it("of shapes that are all new take no more memory than 256 of them", async () => {
    await expectFlat(openModel(), (run) => matrix(1 + (run % 40), 1 + Math.floor(run / 40)), 256);
  });

  it("of results whose sizes depend on the data take no more memory than one of each", async () => {
    const x = input("x", "float32", [Number.NaN, Number.NaN]);
    const [found, y]: Value[] = [{ name: "found" }, { name: "y" }];
    const nodes = [node("non_zero", [x], [found!]), node("transpose", [found!], [y!], { perm: [1, 0] })];
    const nonZeros = (run: number) => matrix(1 + (run % 2), 1 + (run % 4));
    await expectFlat(modelOf({ inputs: [x], outputs: [y!], nodes }), nonZeros, 200);
  });
});
