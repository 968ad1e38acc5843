// What a page fetches before its first model: the runtime entry with all that it imports statically, and one tier's
// kernels. Operators come a family at a time, as models name them.
import { readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";

const DIST = new URL("../../dist/", import.meta.url);

/** An entry and the chunks that it imports statically, however far. */
function staticFiles(file: URL, found = new Map<string, number>()): Map<string, number> {
  if (found.has(file.href)) return found;
  const source = readFileSync(file, "utf8");
  found.set(file.href, source.length);
  for (const [, target] of source.matchAll(/(?:from|import)"(\.[^"]+)"/g)) staticFiles(new URL(target!, file), found);
  return found;
}

test("the runtime entry stays below 80 KB", () => {
  const files = staticFiles(new URL("index.js", DIST));
  expect(files.size).toBeGreaterThan(1);
  expect([...files.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(80_000);
});

test.each(["simd128", "relaxed", "simd128-threads", "relaxed-threads"])("the kernels of %s stay below 120 KB", (tier) => {
  expect(statSync(new URL(`${tier}.wasm`, DIST)).size).toBeLessThan(120_000);
});

test("the runtime entry imports nothing of Node statically", () => {
  for (const file of staticFiles(new URL("index.js", DIST)).keys()) {
    expect(readFileSync(new URL(file), "utf8")).not.toMatch(/(?:from|import)"node:/);
  }
});
