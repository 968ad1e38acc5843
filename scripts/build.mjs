// Builds everything that the package ships, into dist/:
//   kernels   assembly/kernels/*.ts → {simd128,relaxed}[-threads].wasm and their types
//   runtime   src/index.ts          → index.js        (no dependency is left to install)
//   converter src/convert/index.ts  → convert.js
//   cli       src/cli/main.ts       → cli.js           (uses index.js and convert.js)
//   types     src/**                → types/
// `node scripts/build.mjs kernels` builds that part alone.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const TIERS = ["simd128", "relaxed", "simd128-threads", "relaxed-threads"];
/** Numbers that kernels and operators share: AssemblyScript imports them from there. */
const CODES = "src/ops/codes.ts";
const KERNEL_TYPES = "src/runtime/kernel-exports.d.ts";
/** How asc's bindings name the type of a pointer to fields; it is a number like any other. */
const RECORD = /__Record\d+<\w+>/g;

const run = (script, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: "inherit" });
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${script} ${args.join(" ")} exited with ${code}`))));
  });

const entries = readdirSync(path.join(root, "assembly/kernels"))
  .filter((file) => file.endsWith(".ts"))
  .sort()
  .map((file) => `assembly/kernels/${file}`);

/** The wasm files are up to date when no source is newer than they are. */
function kernelsAreFresh() {
  const newest = (folder) =>
    Math.max(...readdirSync(path.join(root, folder)).map((file) => statSync(path.join(root, folder, file)).mtimeMs));
  const files = ["asconfig.json", CODES].map((file) => statSync(path.join(root, file)).mtimeMs);
  const source = Math.max(newest("assembly/kernels"), newest("assembly/lib"), ...files);
  const outputs = [...TIERS.map((tier) => `dist/${tier}.wasm`), KERNEL_TYPES];
  return outputs.every((file) => existsSync(path.join(root, file)) && statSync(path.join(root, file)).mtimeMs > source);
}

async function buildKernels(tiers = TIERS) {
  if (kernelsAreFresh()) return;
  const asc = "node_modules/assemblyscript/bin/asc.js";
  const bindings = (tier) => (tier === "simd128" ? ["--bindings", "raw"] : []);
  const compile = (tier) => run(asc, [...entries, "--config", "asconfig.json", "--target", tier, ...bindings(tier)]);
  const queue = [...tiers];
  const lane = async () => {
    for (let tier = queue.shift(); tier; tier = queue.shift()) await compile(tier);
  };
  await Promise.all([lane(), lane()]);
  writeKernelTypes();
}

/** Turns asc's raw bindings into one interface that `emit` is typed by. */
function writeKernelTypes() {
  const raw = readFileSync(path.join(root, "dist/simd128.d.ts"), "utf8");
  for (const file of ["dist/simd128.d.ts", "dist/simd128.js"]) rmSync(path.join(root, file));
  const functions = [...raw.matchAll(/export function (\w+)\(([^)]*)\): (\w+);/g)].map(
    ([, name, parameters, result]) => `  ${name}(${parameters.replaceAll(RECORD, "number")}): ${result};`,
  );
  if (functions.length === 0) throw new Error("asc wrote no bindings that can be read");
  writeFileSync(
    path.join(root, KERNEL_TYPES),
    `// Written by scripts/build.mjs from the exports of assembly/kernels. Not edited, not committed.\nexport interface KernelExports {\n${functions.join("\n")}\n}\nexport type KernelName = keyof KernelExports;\n`,
  );
}

async function buildBundles() {
  const entryPoints = {};
  for (const [name, file] of [
    ["index", "src/index.ts"],
    ["convert", "src/convert/index.ts"],
  ])
    if (existsSync(path.join(root, file))) entryPoints[name] = path.join(root, file);
  await esbuild.build({
    entryPoints,
    outdir: path.join(root, "dist"),
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: false,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    external: ["node:*"],
    chunkNames: "chunks/[name]-[hash]",
    logLevel: "warning",
  });
}

/** The command uses the built library beside it; what it needs besides is bundled, CommonJS modules that want `require` too. */
async function buildCli() {
  const library = new Map(
    [
      ["src/index.ts", "./index.js"],
      ["src/convert/index.ts", "./convert.js"],
    ].map(([file, built]) => [path.join(root, file), built]),
  );
  await esbuild.build({
    entryPoints: [path.join(root, "src/cli/main.ts")],
    outfile: path.join(root, "dist/cli.js"),
    bundle: true,
    minify: true,
    format: "esm",
    target: "node20",
    platform: "node",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    plugins: [
      {
        name: "library",
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/index\.ts$/ }, ({ path: file, resolveDir }) => {
            const built = library.get(path.join(resolveDir, file));
            return built && { path: built, external: true };
          }),
      },
    ],
    logLevel: "warning",
  });
}

const part = process.argv[2];
mkdirSync(path.join(root, "dist"), { recursive: true });
if (!part || part === "kernels") await buildKernels();
if (!part || part === "bundles") {
  rmSync(path.join(root, "dist/chunks"), { recursive: true, force: true });
  await buildBundles();
  await buildCli();
}
if (!part || part === "types") {
  await run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
  // tsc copies no declarations, and those that it writes import these
  copyFileSync(path.join(root, KERNEL_TYPES), path.join(root, KERNEL_TYPES.replace("src/", "dist/types/")));
}
