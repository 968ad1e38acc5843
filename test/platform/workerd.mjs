// The worker under workerd, Cloudflare's runtime.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, "../..");
const PORT = 8700 + (process.pid % 200);

const chunks = readdirSync(path.join(ROOT, "dist/chunks")).map((file) => [`chunks/${file}`, "esModule", `dist/chunks/${file}`]);
const modules = [
  ["worker.mjs", "esModule", "test/platform/worker.mjs"],
  ["smoke.mjs", "esModule", "test/platform/smoke.mjs"],
  ["lanewise", "esModule", "dist/index.js"],
  ...chunks,
  ["simd128.wasm", "wasm", "dist/simd128.wasm"],
  ["relaxed.wasm", "wasm", "dist/relaxed.wasm"],
  ["digits.safetensors", "data", "models/digits/digits.safetensors"],
  ["digits-int8.safetensors", "data", "models/digits/digits-int8.safetensors"],
  ["goldens.json", "json", "models/digits/goldens.json"],
];
const folder = mkdtempSync(path.join(tmpdir(), "lanewise-workerd-"));
const lines = modules.map(([name, kind, file]) => `(name = "${name}", ${kind} = embed "${path.relative(folder, path.join(ROOT, file))}")`);
writeFileSync(
  path.join(folder, "config.capnp"),
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${lines.join(",\n")}], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${PORT}", http = (), service = "main")],
);`,
);
const child = spawn(path.join(HERE, "node_modules/.bin/workerd"), ["serve", "config.capnp"], { cwd: folder, stdio: "inherit" });
try {
  let response;
  for (let attempt = 0; !response && attempt < 100; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    response = await fetch(`http://127.0.0.1:${PORT}/`).catch(() => undefined);
  }
  if (!response) throw new Error("workerd did not answer within ten seconds");
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  console.log(text);
} finally {
  child.kill();
  rmSync(folder, { recursive: true });
}
