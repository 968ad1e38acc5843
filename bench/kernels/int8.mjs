// The int8 kernels on layers of known networks, in operations (a multiplication and an addition are two) beside the
// limit of float32 multiply-adds. Where several kernels can compute a layer, each is timed, and `← pick` marks the one
// that src/ops/quantized/layer.ts chooses.
//   node bench/kernels/int8.mjs [regular expression on "suite case"]
import * as esbuild from "esbuild";
import { depthwise as floatDepthwise } from "./f32-layers.mjs";
import { runSuites } from "./harness.mjs";

const SHAPES = ["conv-shape", "bytes-shape", "depthwise-shape", "winograd-shape", "strassen-shape", "binary-shape", "pool-shape"];
const bundle = await esbuild.build({
  stdin: {
    contents: SHAPES.map((name) => `export * from "./${name}.ts";`).join("\n"),
    resolveDir: new URL("../../src/ops/quantized", import.meta.url).pathname,
  },
  bundle: true,
  format: "esm",
  write: false,
});
const shapes = await import(`data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString("base64")}`);

const OUTPUT = { kind: "int8", xZero: -128, yZero: -5, lo: -128, hi: 127, rowScaleStep: 0 };
const STEPS = { a: { scale: 0.05, zero: 3 }, b: { scale: 0.03, zero: -7 }, y: { scale: 0.06, zero: 1 }, lo: -128, hi: 127 };

/** A square image with "same" padding. */
function convolution({ size, channels, filters = channels, kernel, stride = 1, groups = 1 }) {
  const out = Math.ceil(size / stride);
  const pad = Math.max((out - 1) * stride + kernel - size, 0) >> 1;
  const geometry = {
    ...{ inHeight: size, inWidth: size, inChannels: channels, outHeight: out, outWidth: out, outChannels: filters, groups },
    ...{ kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride },
    ...{ dilationHeight: 1, dilationWidth: 1, padTop: pad, padLeft: pad },
  };
  const name = `${size}×${size}×${channels}→${filters} ${kernel}×${kernel}${stride > 1 ? ` /${stride}` : ""}`;
  return { geometry, name, flops: (2 * out * out * filters * kernel * kernel * channels) / groups };
}

const product = (m, n, k) => ({ geometry: shapes.matrixGeometry(m, k, n), name: `${m}×${n}×${k}`, flops: 2 * m * n * k });

/** Output, input, and the words of a layer. */
function place(bench, g) {
  const output = { ...OUTPUT, ldy: g.outChannels };
  return { output, y: bench.alloc(g.outHeight * g.outWidth * g.outChannels), x: bench.alloc(g.inHeight * g.inWidth * g.inChannels) };
}

/** Packed weights of a layer whose outputs fill their range: kernels round in fewer steps where sums cannot be large. */
function weights(bench, g, bytes, pack) {
  const at = bench.alloc(bytes);
  const { buffer } = bench.memory;
  const views = {
    f32: new Float32Array(buffer, at),
    i32: new Int32Array(buffer, at),
    i16: new Int16Array(buffer, at),
    i8: new Int8Array(buffer, at),
  };
  const window = (g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups;
  const weight = Int8Array.from({ length: window * g.outChannels }, (_, i) => Math.imul(i + 1, 2654435761) >> 24);
  const scales = new Float32Array(g.outChannels).fill(1 / (74 * Math.sqrt(window)));
  pack(views, { weight, zeros: [0], bias: new Int32Array(g.outChannels).fill(100), scales });
  return at;
}

const panelsOf = (bench, g, weightBytes) =>
  weights(bench, g, shapes.panelsBytesOf(g, "int8", weightBytes), (views, source) =>
    shapes.packPanels(views, g, "int8", weightBytes, source),
  );

const direct = (layer, weightBytes) => (bench) => {
  const { geometry: g, name, flops } = layer;
  const pick = weightBytes === 2 ? pickOf(bench, layer, "int16") : "";
  const { output, y, x } = place(bench, g);
  const [w, scratch] = [panelsOf(bench, g, weightBytes), bench.alloc(shapes.scratchBytesOf(g))];
  const table = bench.put(shapes.convShapeWords(g, output, weightBytes));
  const kernel = weightBytes === 2 ? bench.kernels.qs8_conv_4x8 : bench.kernels.qs8_conv_4x8_small;
  return { name, flops, pick, run: () => kernel(y, x, w, 0, scratch, table, 0, g.outHeight * g.outWidth) };
};

/** What the engine's dot product of bytes computes, and what activations are changed by for it. */
function dotOf({ kernels }) {
  const kind = kernels.x8_dot_kind();
  return { kind, flip: kind === 1 ? 128 : 0 };
}

/** On dot products of bytes, where this engine's are exact. */
const bytes = (layer) => (bench) => {
  const { geometry: g, name, flops } = layer;
  const pick = pickOf(bench, layer, "bytes");
  const { kind, flip } = dotOf(bench);
  const { output, y, x } = place(bench, g);
  const w = weights(bench, g, shapes.bytePanelsBytes(g, "int8"), (views, source) => shapes.packBytePanels(views, g, "int8", source));
  const [scratch, table] = [bench.alloc(shapes.byteScratchBytes(g)), bench.put(shapes.byteShapeWords(g, output, flip))];
  const run = () => bench.kernels.qs8_conv_6x8c4(y, x, w, 0, scratch, table, 0, g.outHeight * g.outWidth);
  return { name, flops, pick, run, isAbsent: kind === 0 };
};

const oneRow = (n, k) => (bench) => {
  const { geometry: g, name, flops } = product(1, n, k);
  const { output, y, x } = place(bench, g);
  const [w, table] = [panelsOf(bench, g, 1), bench.put(shapes.convShapeWords(g, output, 1))];
  return { name, flops, run: () => bench.kernels.qs8_gemv(y, x, w, 0, table, 0, Math.ceil(n / 8)) };
};

/** A row of floats and int8 weights, beside the same with float32 weights. */
const floatRow = (n, k, isNarrow) => (bench) => {
  const { geometry: g, name, flops } = product(1, n, k);
  const [y, x, scratch] = [bench.alloc(n * 4), bench.floats(k), bench.alloc(16 + k * 4)];
  const epilogue = bench.put(new Float32Array([-Infinity, Infinity, 0, 0, 0]));
  const panelBytes = isNarrow ? shapes.panelBytesOf(g, "float32", 1) : 0;
  const w = isNarrow ? bench.floats((panelBytes * n) / 32) : bench.floats(n * (k + 1));
  const { f32_gemv, f32_qc8w_gemv } = bench.kernels;
  const panels = Math.ceil(n / 8);
  const run = isNarrow
    ? () => f32_qc8w_gemv(y, x, w, 0, epilogue, scratch, 1, n, k, n, k, n, panelBytes, 0, panels)
    : () => f32_gemv(y, x, w, 0, epilogue, 1, n, k, n, k, n, 0, panels);
  return { name: `${name} ${isNarrow ? "int8" : "float32"}`, flops, run };
};

const winograd = (layer) => (bench) => {
  const { geometry: g, name, flops } = layer;
  const pick = pickOf(bench, layer, "winograd");
  const { output, y, x } = place(bench, g);
  const w = weights(bench, g, shapes.winogradBytes(g), (views, source) => shapes.packWinograd(views, g, source));
  const scratch = bench.alloc(shapes.winogradScratchBytes(g, 1, 1));
  const table = bench.put(shapes.winogradShapeWords(g, output, 1, 1));
  return { name, flops, pick, run: () => bench.kernels.qs8_winograd_4x4(y, x, w, scratch, table, 0, shapes.tilesOf(g)) };
};

const strassen = (layer, levels) => (bench) => {
  const { geometry: g, name, flops } = layer;
  const pick = pickOf(bench, layer, `strassen${levels}`);
  const { output, y, x } = place(bench, g);
  const w = weights(bench, g, shapes.strassenBytes(g, levels), (views, source) => shapes.packStrassen(views, g, source, levels));
  const scratch = bench.alloc(shapes.strassenScratchBytes(g, levels));
  const table = bench.put(shapes.strassenShapeWords(g, output, levels));
  return { name, flops, pick, run: () => bench.kernels.qs8_gemm_strassen(y, x, w, scratch, table, 0, shapes.strassenBands(g)) };
};

const depthwise = (layer, rows) => (bench) => {
  const { geometry: g, name, flops } = convolution({ ...layer, groups: layer.channels });
  const { output, y, x } = place(bench, g);
  const { kind, flip } = dotOf(bench);
  const w = weights(bench, g, shapes.depthwisePanelsBytes(g, rows), (views, source) =>
    shapes.packDepthwise(views, g, source, OUTPUT.xZero, rows, flip),
  );
  const scratch = bench.alloc(shapes.depthwiseScratchBytes(g, rows));
  const table = bench.put(shapes.depthwiseShapeWords(g, output, rows, flip));
  const kernel = rows === 4 ? bench.kernels.qs8_dwconv_8c4 : bench.kernels.qs8_dwconv;
  return { name, flops, run: () => kernel(y, x, w, scratch, table, 0, g.outHeight), isAbsent: rows === 4 && kind === 0 };
};

const elementwise = (name, words) => (bench) => {
  const size = 56 * 56 * 64;
  const [y, a, b, shape] = [bench.alloc(size), bench.alloc(size), bench.alloc(size), bench.put(words)];
  return { name: `${name} 56×56×64`, bytes: 3 * size, run: () => bench.kernels.qs8_binary(y, a, b, shape, 0, 1, 1, 0, size) };
};

const table = (bench) => {
  const size = 56 * 56 * 64;
  const [y, x, lut] = [bench.alloc(size), bench.alloc(size), bench.alloc(256)];
  return { name: "56×56×64", bytes: 2 * size, run: () => bench.kernels.x8_lut(y, x, lut, size, size, size, 0, 1) };
};

const SQUARES = [
  { size: 56, channels: 64, kernel: 3 },
  { size: 28, channels: 128, kernel: 3 },
  { size: 14, channels: 256, kernel: 3 },
  { size: 7, channels: 512, kernel: 3 },
  { size: 32, channels: 16, kernel: 3 },
];
const PRODUCTS = [
  [480, 480, 480],
  [12544, 64, 32],
  [12544, 96, 16],
  [3136, 128, 128],
  [196, 512, 512],
  [49, 1024, 1024],
];
const ROWS = [
  [1, 1000, 1024],
  [1, 128, 640],
  [1, 4096, 1024],
];
/** Costs of the kernels that take a layer. */
function costsOf(g, kind) {
  const strassen = (levels) => (shapes.isStrassen(g, levels) ? shapes.strassenCost(g, levels) : Number.POSITIVE_INFINITY);
  return {
    int16: shapes.directCost(g, 1),
    bytes: kind === 0 ? Number.POSITIVE_INFINITY : shapes.byteCost(g, 1),
    strassen1: strassen(1),
    strassen2: strassen(2),
    winograd: shapes.isWinograd(g) ? shapes.winogradCost(g, 1) : Number.POSITIVE_INFINITY,
  };
}
/** Marks the kernel that is expected to be the fastest. */
function pickOf(bench, { geometry }, kernel) {
  const costs = costsOf(geometry, dotOf(bench).kind);
  return Math.min(...Object.values(costs)) === costs[kernel] ? "← pick" : "";
}
const STRIDED = [
  { size: 96, channels: 3, filters: 8, kernel: 3, stride: 2 },
  { size: 224, channels: 3, filters: 32, kernel: 3, stride: 2 },
  { size: 224, channels: 3, filters: 64, kernel: 7, stride: 2 },
  { size: 56, channels: 64, filters: 128, kernel: 3, stride: 2 },
];
const DEPTHWISE = [
  { size: 112, channels: 32, kernel: 3 },
  { size: 56, channels: 128, kernel: 3 },
  { size: 28, channels: 256, kernel: 3 },
  { size: 14, channels: 512, kernel: 3 },
  { size: 7, channels: 1024, kernel: 3 },
  { size: 7, channels: 960, kernel: 3 },
  { size: 112, channels: 64, kernel: 3, stride: 2 },
  { size: 28, channels: 192, kernel: 3, stride: 2 },
  { size: 28, channels: 120, kernel: 5 },
  { size: 56, channels: 72, kernel: 5, stride: 2 },
];

runSuites(
  {
    qs8_conv_4x8: [...PRODUCTS.map((sizes) => direct(product(...sizes), 2)), ...STRIDED.map((layer) => direct(convolution(layer), 2))],
    "…_4x8_small": PRODUCTS.map((sizes) => direct(product(...sizes), 1)),
    qs8_conv_6x8c4: [
      ...[...PRODUCTS, ...ROWS].map((sizes) => bytes(product(...sizes))),
      ...[...STRIDED, ...SQUARES].map((layer) => bytes(convolution(layer))),
    ],
    qs8_gemm_strassen: PRODUCTS.map((sizes) => strassen(product(...sizes), 1)),
    "… two levels": PRODUCTS.map((sizes) => strassen(product(...sizes), 2)),
    "3×3 direct": SQUARES.map((layer) => direct(convolution(layer), 2)),
    "3×3 winograd": SQUARES.map((layer) => winograd(convolution(layer))),
    qs8_gemv: ROWS.map(([, n, k]) => oneRow(n, k)),
    "one row, floats": [
      ...[true, false].map((isNarrow) => floatRow(1024, 1024, isNarrow)),
      ...[true, false].map((isNarrow) => floatRow(4096, 4096, isNarrow)),
    ],
    qs8_dwconv: DEPTHWISE.map((layer) => depthwise(layer, 2)),
    qs8_dwconv_8c4: DEPTHWISE.map((layer) => depthwise(layer, 4)),
    "… in float32": DEPTHWISE.map((layer) => floatDepthwise("f32_dwconv_square", layer)),
    qs8_binary: [
      elementwise("add, half up", shapes.sumShape(STEPS, 1)),
      elementwise("add, half even", shapes.floatSumShape(STEPS, 1)),
      elementwise("mul", shapes.productShape(STEPS)),
    ],
    x8_lut: [table],
  },
  process.argv[2] && new RegExp(process.argv[2]),
);
