// LiteRT.js, in Node and in pages. As it is published it refuses int8 and int64 inputs: its table of tensor types leaves
// them out.
const MORE_TYPES =
  '{dtype:"int8",typedArrayConstructor:Int8Array,elementType:ElementType.INT8},' +
  '{dtype:"int64",typedArrayConstructor:BigInt64Array,elementType:ElementType.INT64},' +
  '{dtype:"bool",typedArrayConstructor:Uint8Array,elementType:ElementType.BOOL},';

function replaceOnce(source, from, to) {
  if (!(from instanceof RegExp ? from.test(source) : source.includes(from))) throw new Error(`LiteRT.js has changed: ${from} is gone`);
  return source.replace(from, to);
}

/** The source of its index.js with the table completed, its helper package imported from `utils`. */
export function patchLiteRt(source, utils) {
  const typed = replaceOnce(source, /(\{\s*dtype: "uint8")/, `${MORE_TYPES}$1`);
  const unchecked = replaceOnce(typed, "getGlobalLiteRt().liteRtWasm.checkTensorBufferCompatible(", "((..._)=>{})(");
  return replaceOnce(unchecked, '"@litertjs/wasm-utils"', JSON.stringify(utils));
}

// (func (result v128) (i8x16.relaxed_swizzle …))
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
];

/** A model in the build that fits this engine; the builds lie in `folder`. */
export async function loadModel(litert, folder, bytes) {
  const relaxed = WebAssembly.validate(Uint8Array.from(RELAXED));
  await litert.loadLiteRt(`${folder}${relaxed ? "litert_wasm_internal.js" : "litert_wasm_compat_internal.js"}`);
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
