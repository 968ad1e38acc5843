import { expect, it } from "vitest";
import { drawArena } from "../../src/cli/arena-svg.ts";
import type { PlanDescription } from "../../src/index.ts";

const planOf = (count: number, name = "layer"): PlanDescription => ({
  steps: [],
  nodes: Array.from({ length: count }, (_, i) => `%v${i}:f32[16] = conv2d(%v${i - 1})`),
  arenaBytes: 128,
  arenaLowerBound: 128,
  weightBytes: 0,
  transformedWeightBytes: 0,
  lifetimes: Array.from({ length: count }, (_, i) => ({ name: `${name}${i}`, bytes: 64, first: i, last: i + 1, offset: (i % 2) * 64 })),
  partial: false,
});
const boxes = (svg: string) => svg.match(/<g><title>/g)?.length ?? 0;

it.each([0, 1, 5, 300])("draws a box for each of %i tensors inside the picture", (count) => {
  const svg = drawArena(planOf(count), "model");
  expect(boxes(svg)).toBe(count);
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number) as [number, number, number];
  for (const [, x, y, w, h] of svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)) {
    expect(Number(x) + Number(w)).toBeLessThanOrEqual(width);
    expect(Number(y) + Number(h)).toBeLessThanOrEqual(height);
  }
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

it("labels boxes with names and bytes, and says more on pointing", () => {
  const svg = drawArena(planOf(5), "model");
  expect(svg).toContain(">layer3<");
  expect(svg).toContain(">64 B<");
  expect(svg).toContain("<title>layer3: 64 bytes at 64, nodes 3 to 4</title>");
});

it("keeps names out of the markup", () => {
  const svg = drawArena(planOf(2, '<script>"&'), "a < b & c");
  expect(svg).not.toContain("<script>");
  expect(svg).toContain("a &#60; b &#38; c");
});

it("keeps the end of long names", () => {
  expect(drawArena(planOf(60, "model/with/a/very/long/path/that/goes/on/and/on/"), "model")).toMatch(/>…[^<]*on\/\d+</);
});
