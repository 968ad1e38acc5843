// LiteRT.js in plain Node. It is made for a browser's worker, so what it expects there is put in place, and its table of
// tensor types, which leaves int8 and int64 out, is completed.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";

const PACKAGES = fileURLToPath(new URL("../node_modules/", import.meta.url));
const WASM = path.join(PACKAGES, "@litertjs/core/wasm/");
// (func (result v128) (i8x16.relaxed_swizzle …))
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
];
const MORE_TYPES =
  '{dtype:"int8",typedArrayConstructor:Int8Array,elementType:ElementType.INT8},' +
  '{dtype:"int64",typedArrayConstructor:BigInt64Array,elementType:ElementType.INT64},' +
  '{dtype:"bool",typedArrayConstructor:Uint8Array,elementType:ElementType.BOOL},';

export const formats = ["tflite"];

function pretendToBeAWorker() {
  Object.assign(globalThis, { self: globalThis, require: createRequire(import.meta.url), __dirname: WASM });
  globalThis.navigator ??= { hardwareConcurrency: 1 };
  globalThis.importScripts = (url) => {
    const file = String(url).replace(/^file:\/\//, "");
    vm.runInThisContext(`${readFileSync(file, "utf8")}\n;globalThis.ModuleFactory=ModuleFactory;`, { filename: file });
    globalThis.Module = { wasmBinary: readFileSync(file.replace(/\.js$/, ".wasm")) };
  };
}

function replaceOnce(source, from, to) {
  if (!(from instanceof RegExp ? from.test(source) : source.includes(from))) throw new Error(`LiteRT.js has changed: ${from} is gone`);
  return source.replace(from, to);
}

async function importPatched() {
  let source = readFileSync(path.join(PACKAGES, "@litertjs/core/dist/index.js"), "utf8");
  source = replaceOnce(source, /(\{\s*dtype: "uint8")/, `${MORE_TYPES}$1`);
  source = replaceOnce(source, "getGlobalLiteRt().liteRtWasm.checkTensorBufferCompatible(", "((..._)=>{})(");
  source = replaceOnce(
    source,
    '"@litertjs/wasm-utils"',
    JSON.stringify(pathToFileURL(path.join(PACKAGES, "@litertjs/wasm-utils/dist/index.js")).href),
  );
  const file = path.join(mkdtempSync(path.join(tmpdir(), "litert-")), "index.mjs");
  writeFileSync(file, source);
  return import(pathToFileURL(file).href);
}

export async function load(bytes) {
  pretendToBeAWorker();
  console.warn = console.info = () => {};
  const litert = await importPatched();
  const relaxed = WebAssembly.validate(Uint8Array.from(RELAXED));
  await litert.loadLiteRt(`${WASM}${relaxed ? "litert_wasm_internal.js" : "litert_wasm_compat_internal.js"}`);
  const model = await litert.loadAndCompile(bytes, { accelerator: "wasm" });
  const details = model.getInputDetails();
  return {
    note: relaxed ? "relaxed" : "compat",
    async run(inputs) {
      const given = new Map(inputs.map((input) => [input.name, input]));
      const tensors = details.map((detail) => {
        const { data, shape } = given.get(detail.name) ?? inputs[0];
        return new litert.Tensor(data, shape);
      });
      const results = await model.run(tensors);
      const outputs = results.map((tensor) => tensor.toTypedArray().slice());
      for (const tensor of [...tensors, ...results]) tensor.delete();
      return outputs;
    },
  };
}
