// An edge worker: no files, no compilation from bytes; the kernels come as modules.

import digits from "digits.safetensors";
import digitsInt8 from "digits-int8.safetensors";
import goldens from "goldens.json";
import * as lanewise from "lanewise";
import relaxed from "relaxed.wasm";
import simd128 from "simd128.wasm";
import { smoke } from "smoke.mjs";

export default {
  async fetch() {
    try {
      const models = { digits: new Uint8Array(digits), "digits-int8": new Uint8Array(digitsInt8) };
      return new Response(await smoke(lanewise, { models, goldens, wasm: { simd128, relaxed } }));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
