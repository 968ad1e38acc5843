// Kernels that the caller brings.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { writeCompact } from "../../src/format/write.ts";
import { load, type WasmOption } from "../../src/index.ts";

const x = { name: "x", type: { dataType: "float32" as const, shape: [2] } };
const model = writeCompact({ inputs: [x], outputs: [x], nodes: [] });
const kernels = new Uint8Array(readFileSync(new URL("../../dist/simd128.wasm", import.meta.url)));
const EMPTY_MODULE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

test.each<[string, WasmOption]>([
  ["bytes", kernels],
  ["a buffer", kernels.buffer],
  ["a module", new WebAssembly.Module(kernels)],
  ["bytes by tier", { simd128: kernels }],
])("%s of kernels are used", async (_, wasm) => {
  (await load(model, { tier: "simd128", wasm })).dispose();
});

test.each<[string, unknown, RegExp]>([
  ["bytes of something else", Uint8Array.of(1, 2, 3), /holds no simd128 kernels: /],
  ["another module", EMPTY_MODULE, /holds a module that is not this version's lanewise\/kernels\/simd128/],
  ["an address", "simd128.wasm", /must hold the simd128 kernels, as a module or bytes/],
  ["an address by tier", { simd128: "simd128.wasm" }, /must hold the simd128 kernels, as a module or bytes/],
])("%s is refused", async (_, wasm, message) => {
  const loading = load(model, { tier: "simd128", wasm: wasm as WasmOption });
  await expect(loading).rejects.toMatchObject({ code: "input", message: expect.stringMatching(message) });
});
