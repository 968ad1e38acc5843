// onnxruntime-web (WebAssembly) and onnxruntime-node (native), one thread each.

/** A model in either package; `provider` is "wasm" or "cpu". */
export async function loadSession(ort, provider, bytes) {
  ort.env.logLevel = "error";
  if (provider === "wasm") ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [provider],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  return {
    async run(inputs) {
      const tensors = inputs.map(({ name, dataType, shape, data }) => [name, new ort.Tensor(dataType, data, shape)]);
      const outputs = await session.run(Object.fromEntries(tensors));
      return session.outputNames.map((name) => outputs[name].data);
    },
  };
}
