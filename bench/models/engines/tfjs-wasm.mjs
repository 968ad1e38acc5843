// TensorFlow.js with its WebAssembly backend. It has a format of its own, so it is given the recipes that the other
// engines' files are written from.
import { createRequire } from "node:module";
import path from "node:path";
import { ARCHITECTURES } from "../../../models/architectures.mjs";
import { loadRecipe } from "./tfjs-graph.mjs";

const require = createRequire(import.meta.url);

export async function load(_bytes, { name }) {
  const [tf, wasm] = [require("@tensorflow/tfjs"), require("@tensorflow/tfjs-backend-wasm")];
  return loadRecipe(tf, wasm, `${path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`, ARCHITECTURES[name]());
}
