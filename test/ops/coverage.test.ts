// Every operator has cases of its own here (its name in quotes, as a key, or in a list that a test runs whole), and is
// described.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ALL_OPS } from "../../src/ops/index.ts";
import { UNARY_NAMES } from "../../src/ops/unary-functions.ts";

test("every operator is held to a reference", () => {
  const folder = import.meta.dirname;
  const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts") && file !== path.basename(import.meta.filename));
  const sources = files.map((file) => readFileSync(path.join(folder, file), "utf8")).join("\n");
  // pointwise.test.ts runs each of UNARY_NAMES against support/functions.ts
  const covered = new Set<string>(sources.includes("it.each(UNARY_NAMES)") ? UNARY_NAMES : []);
  for (const [, quoted, key] of sources.matchAll(/"([a-z]\w*)"|\b([a-z]\w*):/g)) covered.add((quoted ?? key)!);
  expect(Object.keys(ALL_OPS).filter((name) => !covered.has(name))).toEqual([]);
});

test("every operator has a row in docs/operators-ir.md", () => {
  const page = readFileSync(path.join(import.meta.dirname, "../../docs/operators-ir.md"), "utf8");
  const named = new Set([...page.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, names]) => names!.split(/[ ,/`]+/)));
  expect(Object.keys(ALL_OPS).filter((name) => !named.has(name))).toEqual([]);
});
