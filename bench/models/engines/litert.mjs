// LiteRT.js in plain Node. It is made for a browser's worker, so what it expects there is put in place.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";
import { loadModel, patchLiteRt } from "./litert-model.mjs";

const PACKAGES = fileURLToPath(new URL("../node_modules/", import.meta.url));
const WASM = path.join(PACKAGES, "@litertjs/core/wasm/");

function pretendToBeAWorker() {
  Object.assign(globalThis, { self: globalThis, require: createRequire(import.meta.url), __dirname: WASM });
  globalThis.navigator ??= { hardwareConcurrency: 1 };
  globalThis.importScripts = (url) => {
    const file = String(url).replace(/^file:\/\//, "");
    vm.runInThisContext(`${readFileSync(file, "utf8")}\n;globalThis.ModuleFactory=ModuleFactory;`, { filename: file });
    globalThis.Module = { wasmBinary: readFileSync(file.replace(/\.js$/, ".wasm")) };
  };
}

async function importPatched() {
  const source = readFileSync(path.join(PACKAGES, "@litertjs/core/dist/index.js"), "utf8");
  const utils = pathToFileURL(path.join(PACKAGES, "@litertjs/wasm-utils/dist/index.js")).href;
  const file = path.join(mkdtempSync(path.join(tmpdir(), "litert-")), "index.mjs");
  writeFileSync(file, patchLiteRt(source, utils));
  return import(pathToFileURL(file).href);
}

export async function load(bytes) {
  pretendToBeAWorker();
  console.warn = console.info = () => {};
  return loadModel(await importPatched(), WASM, bytes);
}
