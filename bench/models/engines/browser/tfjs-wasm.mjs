// TensorFlow.js with its WebAssembly backend, as its scripts for pages give it.
import { ARCHITECTURES } from "../../../../models/architectures.mjs";
import { loadRecipe } from "../tfjs-graph.mjs";

const PACKAGES = "/bench/models/node_modules/@tensorflow";

const addScript = (src) =>
  new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject }));
  });

export async function load(_bytes, { name }) {
  await addScript(`${PACKAGES}/tfjs/dist/tf.min.js`);
  await addScript(`${PACKAGES}/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);
  const { tf } = globalThis;
  return loadRecipe(tf, tf.wasm, `${PACKAGES}/tfjs-backend-wasm/dist/`, ARCHITECTURES[name]());
}
