import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/index.ts";
import { modelOf } from "../support/run-op.ts";
import { countingModel, transposeGraph } from "../support/small-models.ts";

const x = new Tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6]);
const pair = (a: number, b: number) => new Tensor("float32", [1, 2], [a, b]);
const values = (tensor: Tensor | undefined): number[] => Array.from(tensor!.data as Float32Array);
const transposeModel = () => modelOf(transposeGraph());

describe("a run", () => {
  it("gives all outputs, or those asked for", async () => {
    const model = transposeModel();
    const all = await model.run({ x });
    expect(Object.keys(all)).toEqual(["y", "z"]);
    expect(all.y).toBeInstanceOf(Tensor);
    expect(values(all.z)).toEqual([1, 2, 3, 7, 8, 4, 5, 6, 9, 10]);
    expect(Object.keys(await model.run({ x }, { outputs: ["z"] }))).toEqual(["z"]);
    expect(Object.keys(model.runSync({ x }, { outputs: [] }))).toEqual([]);
  });

  it("keeps its hands off inputs, and its outputs are the caller's", async () => {
    const model = transposeModel();
    const before = values(x);
    const first = await model.run({ x });
    (first.y!.data as Float32Array).fill(-1);
    expect(values((await model.run({ x })).y)).toEqual([1, 4, 2, 5, 3, 6]);
    expect(values(x)).toEqual(before);
  });

  it("takes plain objects with a tensor's properties", async () => {
    const plain = { dataType: "float32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as unknown as Tensor;
    expect(values((await transposeModel().run({ x: plain })).y)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it("waits for the one before, and answers in order", async () => {
    const model = countingModel(3);
    const order: number[] = [];
    const runs = [0, 1, 2, 3].map(async (n) => {
      const { y } = await model.run({ x: pair(n, 0) }, n % 2 ? { signal: new AbortController().signal } : {});
      order.push(n);
      return values(y);
    });
    expect(await Promise.all(runs)).toEqual([
      [3, 3],
      [4, 3],
      [5, 3],
      [6, 3],
    ]);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it("goes on after one before it was refused", async () => {
    const model = countingModel(2);
    const refused = model.run({ wrong: pair(0, 0) });
    const next = model.run({ x: pair(1, 2) });
    await expect(refused).rejects.toMatchObject({ code: "input" });
    expect(values((await next).y)).toEqual([3, 4]);
  });

  it("cannot be mixed with runSync, input and profile", async () => {
    const model = countingModel(4, 5, 1);
    const running = model.run({ x: pair(0, 0) }, { signal: new AbortController().signal });
    for (const call of [() => model.runSync({ x: pair(0, 0) }), () => model.input("x"), () => model.profile({ x: pair(0, 0) })]) {
      expect(call).toThrow(/was called while run\(\) is under way/);
    }
    await running;
    expect(values(model.runSync({ x: pair(0, 0) }).y)).toEqual([4, 4]);
  });

  it("stops where it is when its signal is aborted, and the model stays usable", async () => {
    const model = countingModel(100, 4);
    const controller = new AbortController();
    const running = model.run({ x: pair(0, 0) }, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await expect(running).rejects.toMatchObject({ code: "aborted", cause: new Error("enough") });
    await expect(model.run({ x: pair(0, 0) }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(values((await countingModel(3).run({ x: pair(1, 1) })).y)).toEqual([4, 4]);
    const quick = model.run({ x: pair(1, 1) });
    expect(values((await quick).y)).toEqual([101, 101]);
  });

  it("ends when the model is disposed meanwhile", async () => {
    const model = countingModel(100, 4);
    const running = model.run({ x: pair(0, 0) }, { signal: new AbortController().signal });
    const queued = model.run({ x: pair(0, 0) });
    await wait(10);
    model.dispose();
    await expect(running).rejects.toMatchObject({ code: "disposed" });
    await expect(queued).rejects.toMatchObject({ code: "disposed" });
  });
});

/** A tensor whose buffer was transferred after it was made. */
function sentAway(): Tensor {
  const data = new Float32Array(6);
  const tensor = new Tensor("float32", [2, 3], data);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  return tensor;
}

describe("a refused run", () => {
  const wrong = (value: unknown) => ({ x: value as Tensor });
  it.each<[string, Record<string, Tensor>, string]>([
    ["no input", {}, 'input "x" is missing: expected float32[2,3]'],
    ["an unknown name", { x, y: x }, 'there is no input "y"; the model has "x"'],
    ["another shape", { x: new Tensor("float32", [3, 2], [1, 2, 3, 4, 5, 6]) }, 'input "x": expected float32[2,3], got float32[3,2]'],
    ["another rank", { x: new Tensor("float32", [6], [1, 2, 3, 4, 5, 6]) }, 'input "x": expected float32[2,3], got float32[6]'],
    ["another type", { x: new Tensor("int32", [2, 3], [1, 2, 3, 4, 5, 6]) }, 'input "x": expected float32[2,3], got int32[2,3]'],
    ["a bare array", wrong(new Float32Array(6)), 'input "x": expected a Tensor of float32[2,3]'],
    [
      "too little data",
      wrong({ dataType: "float32", shape: [2, 3], data: new Float32Array(5) }),
      'input "x": a float32[2,3] has 6 elements, the data has 5',
    ],
    [
      "data of another type",
      wrong({ dataType: "float32", shape: [2, 3], data: new Float64Array(6) }),
      'input "x": data of a float32 tensor must be a Float32Array',
    ],
    ["nothing for inputs", null as unknown as Record<string, Tensor>, "inputs must be { name: Tensor }, found null"],
    ["a tensor whose buffer went elsewhere", { x: sentAway() }, 'input "x": a float32[2,3] has 6 elements, the data has 0'],
    ["a name from Object.prototype", { x, toString: x } as unknown as Record<string, Tensor>, 'there is no input "toString"'],
  ])("says what is wrong: %s", async (_, inputs, message) => {
    const model = transposeModel();
    await expect(model.run(inputs)).rejects.toMatchObject({ code: "input", message: expect.stringContaining(message) });
    expect(() => model.runSync(inputs)).toThrow(message);
    expect(values((await model.run({ x })).y)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it("says so when an output is unknown, before it runs", async () => {
    const model = transposeModel();
    const message = 'there is no output "scores"; the model has "y", "z"';
    await expect(model.run({ x }, { outputs: ["scores"] })).rejects.toMatchObject({ code: "input", message });
    expect(() => model.runSync({ x }, { outputs: ["scores"] })).toThrow(message);
    expect(() => model.runSync({ x }, { outputs: "y" as never })).toThrow("outputs must be a list of names, found y");
  });

  it("is every use after dispose", async () => {
    const model = transposeModel();
    model.dispose();
    model.dispose();
    await expect(model.run({ x })).rejects.toMatchObject({ code: "disposed" });
    for (const call of [() => model.runSync({ x }), () => model.input("x"), () => model.plan(), () => model.profile({ x })]) {
      expect(call).toThrow("the model was disposed; load it again to use it");
    }
    expect(model.memoryBytes).toBe(0);
  });
});

describe("an input's view", () => {
  it("is filled in place and left out of the run", async () => {
    const model = transposeModel();
    const view = model.input("x");
    (view.data as Float32Array).set([1, 2, 3, 4, 5, 6]);
    expect(values((await model.run()).y)).toEqual([1, 4, 2, 5, 3, 6]);
    await expect(model.run()).rejects.toMatchObject({ code: "input", message: expect.stringContaining('input "x" is missing') });
  });

  it("has the shape that it is asked for", () => {
    const model = countingModel(2);
    expect(() => model.input("x")).toThrow('input "x" is float32[?,2]: say its shape');
    (model.input("x", [3, 2]).data as Float32Array).fill(5);
    expect(values(model.runSync().y)).toEqual([7, 7, 7, 7, 7, 7]);
    expect(() => model.input("x", [3, 3])).toThrow('input "x": expected float32[?,2], got float32[3,3]');
    expect(() => model.input("y")).toThrow('there is no input "y"');
  });
});
