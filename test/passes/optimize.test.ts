import fc from "fast-check";
import { expect, test } from "vitest";
import { type Graph, sizeOf, type Value } from "../../src/graph/types.ts";
import { STAGES } from "../../src/passes/index.ts";
import { Tensor } from "../../src/runtime/tensor.ts";
import { modelOf } from "../support/run-op.ts";
import { GraphUnderTest, runPasses } from "./support.ts";

const INPUTS = { x: [1, 3, 6, 5], y: [2, 4, 1, 5] };

/** Grows a graph of small float32 tensors, channels first, from a list of numbers. */
class RandomGraph extends GraphUnderTest {
  readonly #choices: readonly number[];
  readonly #values: { readonly value: Value; readonly shape: readonly number[] }[] = [];
  #at = 0;

  constructor(choices: readonly number[]) {
    super();
    this.#choices = choices;
    const isOpen = this.#choose(2) === 1;
    for (const [name, shape] of Object.entries(INPUTS)) {
      this.#push(this.input(name, isOpen ? [Number.NaN, shape[1]!, Number.NaN, Number.NaN] : shape), shape);
    }
  }

  grow(): Graph {
    while (this.#at < this.#choices.length) this.#step();
    const outputs = [this.#values.at(-1)!.value, this.#pick().value];
    return this.graph(...new Set(outputs));
  }

  #choose(count: number): number {
    return (this.#choices[this.#at++] ?? 0) % count;
  }
  #pick() {
    const last = Math.min(4, this.#values.length);
    return this.#values.at(-1 - this.#choose(last))!;
  }
  #push(value: Value, shape: readonly number[]): void {
    this.#values.push({ value, shape });
  }
  /** Small numbers of both signs, none of them 0. */
  #numbers(shape: readonly number[]): Value {
    const seed = this.#choose(97);
    return this.constant(
      `c${this.#at}`,
      shape,
      Array.from({ length: sizeOf(shape) }, (_, i) => (((i * 31 + seed) % 13) - 6.5) / 5),
    );
  }

  #step(): void {
    const { value, shape } = this.#pick();
    const [n, c, h, w] = shape as [number, number, number, number];
    const same = (op: string, inputs: Value[], attributes = {}) => this.#push(this.node(op, inputs, attributes), shape);
    const steps = [
      () => same(["clamp", "sigmoid", "tanh", "abs", "hard_swish", "square"][this.#choose(6)]!, [value], {}),
      () => same("clamp", [value], { min: -this.#choose(3), max: 1 + this.#choose(3) }),
      () => same(["add", "mul", "sub"][this.#choose(3)]!, [value, this.#numbers([[c, 1, 1], [1, c, 1, 1], [], [w]][this.#choose(4)]!)]),
      () => this.#combine(value, shape),
      () => this.#conv(value, shape),
      () => this.#conv(value, shape),
      () => this.#transpose(value, shape),
      () => this.#push(this.node("concat", [value, value], { axis: 1 }), [n, 2 * c, h, w]),
      () => this.#push(this.node("pad", [value], { pads: [0, 0, 1, 0, 0, 0, 0, 2] }), [n, c, h + 1, w + 2]),
      () => this.#push(this.node("reduce_mean", [value], { axes: [2, 3], keepDims: true }), [n, c, 1, 1]),
      () => same("softmax", [value], { axis: 1 + this.#choose(3) }),
      () => this.#push(this.node("reshape", [value], { shape: [n, 1, c, h * w] }), [n, 1, c, h * w]),
      () => this.#push(this.node("slice", [value], { starts: [0], ends: [Math.ceil(h / 2)], axes: [-2] }), [n, c, Math.ceil(h / 2), w]),
      () => same("mul", [value, this.node("sigmoid", [value])]),
    ];
    if (sizeOf(shape) < 4000) steps[this.#choose(steps.length)]!();
  }

  /** With another value of the same shape, or of one that broadcasts to it. */
  #combine(value: Value, shape: readonly number[]): void {
    const fits = this.#values.filter((other) => other.shape.every((dim, axis) => dim === shape[axis] || dim === 1));
    const other = fits[this.#choose(fits.length)]!;
    const pair = [value, other.value];
    this.#push(this.node(["add", "mul", "max"][this.#choose(3)]!, this.#choose(2) ? pair : pair.reverse()), shape);
  }

  /** A convolution as importers write it: transposes around a layer on channels last. */
  #conv(value: Value, [n, c, h, w]: readonly number[]): void {
    const isDepthwise = this.#choose(3) === 0;
    const outputs = isDepthwise ? c! : 1 + this.#choose(5);
    const size = 1 + 2 * this.#choose(2);
    const pad = (size - 1) / 2;
    const weight = this.#numbers([outputs, size, size, isDepthwise ? 1 : c!]);
    const image = this.node("transpose", [value], { perm: [0, 2, 3, 1] });
    const attributes = { padding: [pad, pad, pad, pad], groups: isDepthwise ? c! : 1 };
    const inputs = this.#choose(2) ? [image, weight, this.#numbers([outputs])] : [image, weight];
    const y = this.node("transpose", [this.node("conv2d", inputs, attributes)], { perm: [0, 3, 1, 2] });
    this.#push(this.node("tanh", [y]), [n!, outputs, h!, w!]);
    if (this.#choose(2)) this.#push(y, [n!, outputs, h!, w!]);
  }

  #transpose(value: Value, shape: readonly number[]): void {
    const perm = [
      [0, 2, 3, 1],
      [0, 3, 1, 2],
      [0, 1, 3, 2],
      [1, 0, 2, 3],
    ][this.#choose(4)]!;
    this.#push(
      this.node("transpose", [value], { perm }),
      perm.map((axis) => shape[axis]!),
    );
  }
}

function run(graph: Graph): Tensor[] {
  const elements = (shape: readonly number[]) => Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7));
  const feed = Object.fromEntries(Object.entries(INPUTS).map(([name, shape]) => [name, new Tensor("float32", shape, elements(shape))]));
  const model = modelOf(graph);
  const outputs = Object.values(model.runSync(feed)).map(({ shape, data }) => new Tensor("float32", shape, (data as Float32Array).slice()));
  model.dispose();
  return outputs;
}

/** The same numbers, but for rounding: relative to the largest. */
function expectClose(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  for (const [i, { data }] of expected.entries()) {
    const largest = (data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const distance = (data as Float32Array).reduce((most, value, k) => Math.max(most, Math.abs(value - Number(actual[i]!.data[k]))), 0);
    expect(distance / largest).toBeLessThan(1e-4);
  }
}

/** All passes, with the graph checked after each, and an error when a stage does not come to an end. */
const optimize = (graph: Graph) => STAGES.reduce((before, passes) => runPasses(before, ...passes), graph);

test("an optimized graph gives the answers of the graph", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 5, maxLength: 90 }), (choices) => {
      const graph = new RandomGraph(choices).grow();
      expectClose(run(optimize(graph)), run(graph));
    }),
    { numRuns: 200 },
  );
});

test("optimizing twice is optimizing once", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 }), (choices) => {
      const once = optimize(new RandomGraph(choices).grow());
      expect(optimize(once).nodes.length).toBeLessThanOrEqual(once.nodes.length);
    }),
    { numRuns: 50 },
  );
});
