// The smoke matrix: the built package in every runtime. Installs the runtimes first when they are not there.
// `node run.mjs [NAME…]` runs some of them. Exits 1 when one fails; says which could not run and why.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const bin = (name) => path.join(HERE, "node_modules/.bin", name);
const PLATFORMS = {
  node: [process.execPath, "local.mjs"],
  "node-relaxed": [process.execPath, ...(process.version.startsWith("v20.") ? ["--experimental-wasm-relaxed-simd"] : []), "local.mjs"],
  "node-24": [bin("node"), "local.mjs"],
  "node-24-int8": [bin("node"), "kernels.mjs"],
  deno: [bin("deno"), "run", "--quiet", "--allow-read", "--allow-env", "local.mjs"],
  bun: [bin("bun"), "local.mjs"],
  workerd: [process.execPath, "workerd.mjs"],
  chromium: [process.execPath, "browser.mjs"],
};

if (!existsSync(path.join(HERE, "node_modules"))) {
  const install = spawnSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: HERE, stdio: ["ignore", "ignore", "inherit"] });
  if (install.status !== 0) process.exit(1);
}
const wanted = process.argv.slice(2);
let failed = 0;
for (const [name, [command, ...args]] of Object.entries(PLATFORMS)) {
  if (wanted.length && !wanted.includes(name)) continue;
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: HERE, encoding: "utf8", timeout: 120_000 });
  const ok = status === 0;
  if (!ok) failed++;
  console.log(`${ok ? "ok  " : "FAIL"} ${name.padEnd(13)} ${(ok ? stdout : (error?.message ?? stderr)).trim()}`);
}
console.log(failed ? `${failed} platforms failed` : "every platform gives the goldens");
process.exit(failed ? 1 : 0);
