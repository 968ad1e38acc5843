// onnxruntime-web (WebAssembly) and onnxruntime-node (native), one thread each.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export const formats = ["onnx"];

/** The loader of one of the two packages. */
export const loaderOf = (name) => async (bytes) => {
  const ort = require(name);
  ort.env.logLevel = "error";
  if (name === "onnxruntime-web") ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [name === "onnxruntime-web" ? "wasm" : "cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  return {
    run: (inputs) =>
      session.run(
        Object.fromEntries(inputs.map(({ name: input, dataType, shape, data }) => [input, new ort.Tensor(dataType, data, shape)])),
      ),
  };
};
