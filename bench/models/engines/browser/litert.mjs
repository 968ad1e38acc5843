// LiteRT.js in a page.
import { loadModel, patchLiteRt } from "../litert-model.mjs";

const PACKAGES = new URL("/bench/models/node_modules/@litertjs/", location.href).href;

export async function load(bytes) {
  const source = await (await fetch(`${PACKAGES}core/dist/index.js`)).text();
  const patched = patchLiteRt(source, `${PACKAGES}wasm-utils/dist/index.js`);
  const litert = await import(URL.createObjectURL(new Blob([patched], { type: "text/javascript" })));
  return loadModel(litert, `${PACKAGES}core/wasm/`, bytes);
}
