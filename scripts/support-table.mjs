// Writes docs/operators.md from the import tables and the operators themselves, so that the table says what the code
// does. With the result file of an ONNX conformance run as argument, the counts are written anew; without, they stay.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const FILE = path.join(root, "docs/operators.md");
const COUNTS = /<!-- counts -->\n.*?<!-- end -->/s;

const bundle = path.join(root, "dist/support-table.mjs");
await esbuild.build({
  stdin: {
    contents: `export { IMPORT_TABLES } from "./convert/onnx/operators/index.ts";
      export { BUILTIN_IMPORTS, CUSTOM_IMPORTS } from "./convert/tflite/operators/index.ts";
      export { FAMILIES } from "./ops/index.ts";`,
    resolveDir: path.join(root, "src"),
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["import"],
  outfile: bundle,
  logLevel: "warning",
});
const { IMPORT_TABLES, BUILTIN_IMPORTS, CUSTOM_IMPORTS, FAMILIES } = await import(pathToFileURL(bundle).href);

const ops = Object.values(FAMILIES).flatMap(({ OPS }) => OPS);
const declared = (format) => ops.flatMap((op) => Object.keys(op[format] ?? {}));
const list = (names) => [...new Set(names)].sort().join(", ");

function counts(file) {
  const { summary } = JSON.parse(readFileSync(file, "utf8"));
  const rows = Object.entries(summary.byTier).sort();
  const total = summary.overall.all;
  const line = (name, { pass, total: all, fail, crash, timeout, unsupported }) =>
    `| ${name} | ${pass} of ${all} | ${unsupported} | ${fail + crash + timeout} |`;
  return [
    "| cases of ONNX's own backend tests | pass | unsupported | fail, crash or time out |",
    "|---|---|---|---|",
    ...rows.map(([tier, row]) => line(tier.replace("tier", "tier "), row)),
    line("all", total),
  ].join("\n");
}

const result = process.argv[2];
const before = existsSync(FILE) ? readFileSync(FILE, "utf8").match(COUNTS)?.[0] : undefined;
const conformance = result ? `<!-- counts -->\n${counts(result)}\n<!-- end -->` : (before ?? "<!-- counts -->\n<!-- end -->");

writeFileSync(
  FILE,
  `# What is supported

Written by \`node scripts/support-table.mjs\` from the code. What an operator of the engine takes is in [operators-ir.md](operators-ir.md).
A model with anything else is refused at load with one \`LanewiseError\` ("unsupported") that names every such node.

## ONNX, opset 7 to the newest

${conformance}

Tier 1 is what models on devices use daily, tier 2 what they use often, tier 3 the rest.

**ai.onnx** (${new Set([...Object.keys(IMPORT_TABLES[""]), ...declared("onnx")]).size}): ${list([...Object.keys(IMPORT_TABLES[""]), ...declared("onnx")])}

${Object.entries(IMPORT_TABLES)
  .filter(([domain]) => domain)
  .map(([domain, table]) => `**${domain}** (${Object.keys(table).length}): ${list(Object.keys(table))}`)
  .join("\n\n")}

## TFLite

**Builtin** (${new Set([...Object.keys(BUILTIN_IMPORTS), ...declared("tflite")]).size}): ${list([...Object.keys(BUILTIN_IMPORTS), ...declared("tflite")])}

**Custom**: ${list(Object.keys(CUSTOM_IMPORTS))}

## Operators of the engine

| family | operators |
|---|---|
${Object.entries(FAMILIES)
  .map(([family, { OPS }]) => `| ${family} | ${OPS.map((op) => (op.lower || op.view ? op.name : `${op.name}°`)).join(", ")} |`)
  .join("\n")}

° runs in TypeScript. Operators with kernels do so too for data types that no kernel takes.
`,
);
