// The float32 matrix kernels on layers of known networks. Where several kernels can compute a layer, each is timed, and
// `← pick` marks the one that src/ops/conv.ts chooses.
//   node bench/kernels/f32-matrix.mjs [regular expression on "suite case"]
import { convolution, depthwise, epilogue, PANEL, panelFloats } from "./f32-layers.mjs";
import { runSuites } from "./harness.mjs";

const gemm =
  (m, n, k, kernel = "f32_gemm") =>
  (bench) => {
    const [y, a, b, finish] = [bench.alloc(m * n * 4), bench.floats(m * k), bench.floats(panelFloats(n, k)), epilogue(bench)];
    const { f32_gemm, f32_gemv } = bench.kernels;
    const run =
      kernel === "f32_gemm"
        ? () => f32_gemm(y, a, b, 0, finish, n, k, n, k, 0, 0, m)
        : () => f32_gemv(y, a, b, 0, finish, m, n, k, n, k, 0, 0, Math.ceil(n / PANEL));
    return { name: `${m}×${n}×${k}`, flops: 2 * m * n * k, run };
  };

/** Quarters of `left` columns and k / 2 rows, bands of at most 200 rows: what src/ops/strassen-weights.ts says. */
const strassen = (m, n, k, pick) => (bench) => {
  const [left, bands] = [Math.ceil(n / (2 * PANEL)) * PANEL, Math.ceil(m / 200)];
  const rows = Math.ceil(Math.ceil(m / bands) / 2);
  const [y, a, w] = [bench.alloc(m * n * 4), bench.floats(m * k), bench.floats(7 * panelFloats(left, k / 2))];
  const [scratch, finish] = [bench.alloc(16 * rows * (k / 2 + left + 32)), epilogue(bench)];
  const run = () => bench.kernels.f32_gemm_strassen(y, a, w, 0, finish, scratch, m, n, k, n, k, 0, bands, 0, bands);
  return { name: `${m}×${n}×${k}`, flops: 2 * m * n * k, pick, run };
};

const windows = (layer, pick) => (bench) => {
  const { out, words, flops, name, k } = convolution(layer);
  const filters = layer.filters ?? layer.channels;
  const rows = Math.min(Math.max(Math.floor((128 << 10) / (k * 120)), 1) * 30, out * out);
  const [y, x] = [bench.alloc(out * out * filters * 4), bench.floats(layer.size ** 2 * layer.channels)];
  const [w, shape, scratch, finish] = [
    bench.floats(panelFloats(filters, k)),
    bench.put(words(rows)),
    bench.alloc(rows * k * 4),
    epilogue(bench),
  ];
  return { name, flops, pick, run: () => bench.kernels.f32_conv(y, x, w, 0, finish, shape, scratch, 0, out * out) };
};

const direct = (layer, pick) => (bench) => {
  const { out, words, flops, name, k } = convolution(layer);
  const { size, channels, filters = channels, kernel, stride = 1 } = layer;
  const width = ((out - 1) * stride + kernel) * channels;
  const rows = Math.min(Math.max(Math.floor(((128 << 10) / (width * 4) - kernel) / stride) + 1, 1), out);
  const [y, x, w] = [bench.alloc(out * out * filters * 4), bench.floats(size ** 2 * channels), bench.floats(panelFloats(filters, k))];
  const [shape, scratch, finish] = [bench.put(words(rows)), bench.alloc(((rows - 1) * stride + kernel) * width * 4), epilogue(bench)];
  return { name, flops, pick, run: () => bench.kernels.f32_conv_direct(y, x, w, 0, finish, shape, scratch, 0, out) };
};

const winograd =
  (layer, pick, pixels = 4) =>
  (bench) => {
    const { out, words, flops, name } = convolution(layer);
    const { channels, filters = channels, stride = 1 } = layer;
    const weights = (pixels + 2) ** 2;
    const [elements, tiles] = [stride === 1 ? weights : 81, Math.ceil(out / pixels) ** 2];
    const rowsOfTile = bench.tier === "relaxed" ? 6 : 4;
    const fitting = Math.floor((560 << 10) / (elements * 4 * (channels + filters)) / rowsOfTile) * rowsOfTile;
    const least = weights * channels * filters > 2 ** 22 ? 2 : 1;
    const band = Math.min(Math.max(fitting, least * rowsOfTile), tiles, 5 * rowsOfTile);
    const [y, x] = [bench.alloc(out * out * filters * 4), bench.floats(layer.size ** 2 * channels)];
    const w = bench.floats(weights * panelFloats(filters, channels));
    const scratch = bench.alloc(81 * 16 + elements * (band * (channels + filters + 3) + 32 + channels) * 4);
    const [shape, finish] = [bench.put(words(band)), epilogue(bench)];
    const kernel = bench.kernels[`f32_winograd_${pixels}x${pixels}`];
    return { name, flops, pick, run: () => kernel(y, x, w, 0, finish, shape, scratch, 0, tiles) };
  };

/** A convolution of `kernel` taps along one axis, with as many output pixels as input pixels. */
const winogradLine =
  ({ size, channels, filters = channels, kernel }, pick) =>
  (bench) => {
    const [n, rowsOfTile] = [9 - kernel, bench.tier === "relaxed" ? 6 : 4];
    const tiles = Math.ceil(size / n);
    const fitting = Math.floor((640 << 10) / (32 * (channels + filters)) / rowsOfTile) * rowsOfTile;
    const band = Math.min(Math.max(fitting, 5 * rowsOfTile), tiles);
    const [y, x, w] = [bench.alloc(size * filters * 4), bench.floats(size * channels), bench.floats(8 * panelFloats(filters, channels))];
    const scratch = bench.alloc(32 * (band * (channels + filters + 3) + 36 + channels));
    const shape = bench.put(Int32Array.of(size, size, 1, channels, filters, kernel, kernel >> 1, filters, filters, band));
    const finish = epilogue(bench);
    const run = () => bench.kernels.f32_winograd_line(y, x, w, 0, finish, shape, scratch, 0, tiles);
    return { name: `${size}×${channels}→${filters} ${kernel}`, flops: 2 * size * filters * kernel * channels, pick, run };
  };

/** Convolutions one after another, or as a chain; `before` and `after`: channels on each side, 0 where there is no 1 × 1 convolution. */
const chain =
  (isChain, { before, after, bandRows, ...layer }, pick) =>
  (bench) => {
    const { channels, size, stride = 1 } = layer;
    const { out, words, flops } = convolution({ ...layer, kernel: 3, groups: channels });
    const { f32_conv_chain, f32_dwconv_square, f32_gemm } = bench.kernels;
    const [k, n, inPixels, outPixels] = [before || channels, after || channels, size * size, out * out];
    const [y, x, finish] = [bench.alloc(outPixels * n * 4), bench.floats(inPixels * k), bench.put(new Float32Array(15))];
    bench.f32.set([-Infinity, Infinity, 0, 0, 0, -Infinity, Infinity, 0, 0, 0, -Infinity, Infinity, 0, 0, 0], finish >> 2);
    const [shape, expand, project] = [
      bench.put(words(bandRows)),
      bench.floats(panelFloats(channels, k)),
      bench.floats(panelFloats(n, channels)),
    ];
    const w = bench.floats(channels * 10);
    const [expanded, middle] = [bench.floats(inPixels * channels), bench.floats(outPixels * channels)];
    const together = () => f32_conv_chain(y, x, before && expand, w, after && project, 0, finish, shape, k, n, n, expanded, 0, out);
    const apart = () => {
      if (before) f32_gemm(expanded, x, expand, 0, finish, channels, k, channels, k, 0, 0, inPixels);
      f32_dwconv_square(after ? middle : y, before ? expanded : x, w, 0, finish, shape, 0, out);
      if (after) f32_gemm(y, middle, project, 0, finish, n, channels, n, channels, 0, 0, outPixels);
    };
    const all = flops + 2 * channels * (before * inPixels + after * outPixels);
    const name = `${size}×${size}, ${[before, channels, after].filter(Boolean).join("→")}${stride > 1 ? ` /${stride}` : ""}`;
    return { name, flops: all, pick, run: isChain ? together : apart };
  };

const PICK = "← pick";
const STILL = [
  { size: 56, channels: 64, kernel: 3 },
  { size: 28, channels: 128, kernel: 3 },
  { size: 14, channels: 256, kernel: 3 },
  { size: 7, channels: 512, kernel: 3 },
  { size: 32, channels: 16, kernel: 3 },
  { size: 55, channels: 16, filters: 64, kernel: 3 },
];
const MOVING = [
  { size: 224, channels: 3, filters: 32, kernel: 3, stride: 2 },
  { size: 224, channels: 3, filters: 64, kernel: 7, stride: 2 },
  { size: 56, channels: 64, filters: 128, kernel: 1, stride: 2 },
  { size: 28, channels: 32, filters: 32, kernel: 5 },
  { size: 28, channels: 1, filters: 8, kernel: 5 },
  { size: 14, channels: 8, filters: 16, kernel: 5 },
];
const STRIDED = [
  { size: 56, channels: 64, filters: 128, kernel: 3, stride: 2 },
  { size: 56, channels: 128, kernel: 3, stride: 2 },
  { size: 28, channels: 256, kernel: 3, stride: 2 },
];
const LINES = [
  { size: 512, channels: 256, filters: 512, kernel: 5 },
  { size: 1500, channels: 128, kernel: 3 },
  { size: 200, channels: 64, kernel: 3 },
];
const TINY = [
  { size: 10, channels: 256, kernel: 3 },
  { size: 6, channels: 512, kernel: 3 },
  { size: 5, channels: 256, kernel: 3 },
  { size: 2, channels: 256, kernel: 3 },
];
const WEIGHTY = [{ size: 14, channels: 256, filters: 512, kernel: 3, stride: 2 }];
const DEPTHWISE = [
  { size: 112, channels: 32, kernel: 3 },
  { size: 112, channels: 64, kernel: 3, stride: 2 },
  { size: 56, channels: 144, kernel: 3 },
  { size: 28, channels: 192, kernel: 3, stride: 2 },
  { size: 28, channels: 256, kernel: 3 },
  { size: 14, channels: 512, kernel: 3 },
  { size: 14, channels: 384, kernel: 3 },
  { size: 7, channels: 1024, kernel: 3 },
  { size: 7, channels: 960, kernel: 3 },
  { size: 25, width: 5, channels: 64, kernel: 3 },
  { size: 28, channels: 120, kernel: 5 },
  { size: 56, channels: 72, kernel: 5, stride: 2 },
];
const CHAINS = [
  { size: 112, before: 16, channels: 96, after: 24, stride: 2, bandRows: 2 },
  { size: 112, before: 32, channels: 64, after: 0, stride: 2, bandRows: 4 },
  { size: 56, before: 24, channels: 144, after: 24, bandRows: 6 },
  { size: 56, before: 64, channels: 128, after: 128, bandRows: 7 },
];

const SUITES = {
  gemm: [
    gemm(480, 480, 480),
    gemm(960, 960, 960),
    gemm(3136, 64, 64),
    gemm(12544, 64, 32),
    gemm(3136, 24, 144),
    gemm(196, 512, 512),
    gemm(49, 1024, 1024),
    gemm(128, 1536, 384),
    gemm(4, 512, 512),
  ],
  strassen: [
    strassen(480, 480, 480, PICK),
    strassen(960, 960, 960, PICK),
    strassen(196, 512, 512, PICK),
    strassen(49, 1024, 1024),
    strassen(128, 1536, 384, PICK),
  ],
  gemv: [gemm(1, 1000, 1024, "f32_gemv"), gemm(1, 128, 640, "f32_gemv"), gemm(4, 512, 512, "f32_gemv"), gemm(1, 4096, 9216, "f32_gemv")],
  winograd: [...STILL, ...STRIDED]
    .map((layer) => winograd(layer, PICK))
    .concat(TINY.map((layer) => winograd(layer, layer.size > 6 ? PICK : ""))),
  "winograd 2×2": STILL.map((layer) => winograd(layer, "", 2)).concat(TINY.map((layer) => winograd(layer, layer.size > 6 ? "" : PICK, 2))),
  "winograd line": LINES.map((layer) => winogradLine(layer, PICK)),
  windows: [...STILL, ...STRIDED, ...MOVING].map((layer) => windows(layer)).concat(WEIGHTY.map((layer) => windows(layer, PICK))),
  direct: [...MOVING.map((layer) => direct(layer, PICK)), ...[...STILL, ...STRIDED, ...WEIGHTY].map((layer) => direct(layer))],
  "depthwise square": DEPTHWISE.map((layer) => depthwise("f32_dwconv_square", layer, PICK)),
  depthwise: [
    ...DEPTHWISE.map((layer) => depthwise("f32_dwconv", layer)),
    depthwise("f32_dwconv", { size: 14, channels: 240, kernel: 7 }, PICK),
  ],
  chain: CHAINS.map((layer) => chain(true, layer, PICK)),
  apart: CHAINS.map((layer) => chain(false, layer)),
};

runSuites(SUITES, new RegExp(process.argv[2] ?? "."));
