import { describe, expect, it } from "vitest";
import type { Attributes } from "../../src/graph/types.ts";
import { TIERS } from "../support/kernels.ts";
import { runOp, type TestInput } from "../support/run-op.ts";

const waves = (shape: readonly number[], seed: number, scale = 0.5): TestInput => ({
  dataType: "float32",
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7 + seed) * scale),
});

const GATES = { rnn: 1, gru: 3, lstm: 4 };

/** x, w, r, bias, no lengths, and the initial states. */
function inputsOf(
  kind: keyof typeof GATES,
  steps: number,
  batch: number,
  width: number,
  hidden: number,
  directions: number,
  constant: boolean,
) {
  const rows = GATES[kind] * hidden;
  const weights = [waves([directions, rows, width], 1), waves([directions, rows, hidden], 2), waves([directions, 2 * rows], 3)];
  const state = waves([directions, batch, hidden], 4);
  const cell = kind === "lstm" ? [waves([directions, batch, hidden], 5)] : [];
  return [waves([steps, batch, width], 6, 2), ...weights.map((w) => ({ ...w, constant })), null, state, ...cell];
}

describe.each(TIERS)("recurrent layers, %s", (tier) => {
  const sizes: [number, number, number, number][] = [
    [1, 1, 1, 1],
    [3, 1, 5, 7],
    [4, 2, 9, 16],
    [2, 5, 17, 33],
  ];
  const kinds: [keyof typeof GATES, Attributes][] = [
    ["rnn", {}],
    ["gru", {}],
    ["gru", { linearBeforeReset: true }],
    ["lstm", {}],
  ];

  it.each(kinds)("%s %o by kernels agrees with TypeScript", (kind, attributes) => {
    for (const direction of ["forward", "reverse", "bidirectional"])
      for (const [steps, batch, width, hidden] of sizes) {
        const directions = direction === "bidirectional" ? 2 : 1;
        const outputs = kind === "lstm" ? [{}, {}, {}] : [{}, {}];
        const run = (constant: boolean) =>
          runOp(kind, { ...attributes, direction }, inputsOf(kind, steps, batch, width, hidden, directions, constant), { tier, outputs });
        const [kernels, reference] = [run(true), run(false)];
        for (const [i, y] of kernels.entries()) {
          expect(y.shape).toEqual(reference[i]!.shape);
          const worst = Math.max(...Array.from(y.data as Float32Array, (v, at) => Math.abs(v - Number(reference[i]!.data[at]))));
          expect(worst).toBeLessThan(2e-6);
        }
      }
  });
});

describe("recurrent layers in TypeScript", () => {
  it("stop at each sequence's length", () => {
    const inputs = inputsOf("gru", 4, 2, 3, 2, 1, false);
    const lengths: TestInput = { dataType: "int32", shape: [2], data: [4, 2] };
    const [all] = runOp("gru", {}, inputs, { outputs: [{}, {}] });
    const [some, last] = runOp("gru", {}, inputs.with(4, lengths), { outputs: [{}, {}] });
    const at = (data: ArrayLike<number | bigint>, step: number) =>
      Array.from({ length: 2 }, (_, i) => Number(data[(step * 2 + 1) * 2 + i]));
    expect(at(some!.data, 1)).toEqual(at(all!.data, 1));
    expect(at(some!.data, 2)).toEqual([0, 0]);
    expect(Array.from(last!.data as Float32Array).slice(2)).toEqual(at(all!.data, 1));
  });

  it("refuse weights that do not fit", () => {
    expect(() => runOp("lstm", {}, [waves([2, 1, 3], 0), waves([1, 8, 4], 1), waves([1, 8, 2], 2)], { outputs: [{}] })).toThrow(
      "do not fit 4 gates of 2 units",
    );
  });
});
