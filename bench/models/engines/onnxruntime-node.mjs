import { loaderOf } from "./onnxruntime.mjs";

export { formats } from "./onnxruntime.mjs";
export const load = loaderOf("onnxruntime-node");
