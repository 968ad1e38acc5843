// The float32 kernels that compute on elements, rows and windows, on tensors of known networks. Bytes are those read and written once.
//   node bench/kernels/f32-pointwise.mjs [regular expression on "suite case"]
import { runSuites } from "./harness.mjs";

// By the numbers of src/ops/codes.ts.
const UNARY = {
  clamp: 1,
  leaky_relu: 2,
  sigmoid: 4,
  tanh: 5,
  hard_swish: 7,
  swish: 8,
  gelu: 9,
  gelu_tanh: 10,
  softplus: 13,
  mish: 15,
  exp: 16,
  log: 17,
  sqrt: 18,
  sin: 29,
};
const BINARY = { add: 0, mul: 2, div: 3, max: 4, prelu: 7, pow: 8 };
const REDUCE = { sum: 0, mean: 1, max: 2, log_sum_exp: 9 };

const unary = (name, size) => (bench) => {
  const [y, x] = [bench.alloc(size * 4), bench.floats(size)];
  return { name: `${name} ${size}`, bytes: size * 8, run: () => bench.kernels.f32_unary(y, x, UNARY[name], 0.5, 6, 0, size) };
};

const binary =
  (name, size, aStep = 1, bStep = 1) =>
  (bench) => {
    const [y, a, b] = [bench.alloc(size * 4), bench.floats(size), bench.floats(size)];
    const title = `${name} ${aStep ? size : 1}, ${bStep ? size : 1}`;
    const bytes = size * 4 * (1 + aStep + bStep);
    return { name: title, bytes, run: () => bench.kernels.f32_binary(y, a, b, BINARY[name], aStep, bStep, -Infinity, Infinity, 0, size) };
  };

/** [rows, cols] and one row. */
const rowwise = (name, rows, cols) => (bench) => {
  const [y, a, b] = [bench.alloc(rows * cols * 4), bench.floats(rows * cols), bench.floats(cols)];
  const table = bench.put(Int32Array.of(rows, cols * 4, 0));
  const run = () => bench.kernels.f32_binary_rows(y, a, b, BINARY[name], cols, 1, 1, table, 1, -Infinity, Infinity, 0, rows);
  return { name: `${name} ${rows}×${cols}, ${cols}`, bytes: rows * cols * 8, run };
};

const softmax = (rows, cols) => (bench) => {
  const [y, x] = [bench.alloc(rows * cols * 4), bench.floats(rows * cols)];
  return { name: `softmax ${rows}×${cols}`, bytes: rows * cols * 8, run: () => bench.kernels.f32_softmax(y, x, cols, 1, 0, 0, rows) };
};

const layerNorm = (rows, cols) => (bench) => {
  const [y, x, scale, bias] = [bench.alloc(rows * cols * 4), bench.floats(rows * cols), bench.floats(cols), bench.floats(cols)];
  const run = () => bench.kernels.f32_layer_norm(y, x, scale, bias, cols, 1e-5, 1, 0, rows);
  return { name: `layer_norm ${rows}×${cols}`, bytes: rows * cols * 8, run };
};

const instanceNorm = (pixels, channels) => (bench) => {
  const [y, x, scale, bias] = [
    bench.alloc(pixels * channels * 4),
    bench.floats(pixels * channels),
    bench.floats(channels),
    bench.floats(channels),
  ];
  const moments = bench.alloc(channels * 8);
  const { f32_channel_moments, f32_group_factors, f32_normalize_channels } = bench.kernels;
  const run = () => {
    f32_channel_moments(moments, x, pixels, channels, 0, Math.ceil(channels / 16));
    f32_group_factors(moments, scale, 1, channels, 1, 1e-5);
    f32_normalize_channels(y, x, moments, bias, pixels, channels, 0, pixels);
  };
  return { name: `instance_norm ${pixels}×${channels}`, bytes: pixels * channels * 8, run };
};

const lrn = (pixels, channels) => (bench) => {
  const [y, x] = [bench.alloc(pixels * channels * 4), bench.floats(pixels * channels)];
  const run = () => bench.kernels.f32_lrn(y, x, channels, 2, 2, 2e-5, 0.75, 1, 0, pixels);
  return { name: `lrn ${pixels}×${channels}`, bytes: pixels * channels * 8, run };
};

/** [outer, axis, inner] → [outer, inner] */
const reduce = (name, outer, axis, inner) => (bench) => {
  const [y, x] = [bench.alloc(outer * inner * 4), bench.floats(outer * axis * inner)];
  const run = () => bench.kernels.f32_reduce(y, x, REDUCE[name], axis, inner, 0, outer * inner);
  return { name: `${name} ${outer}×${axis}×${inner}`, bytes: outer * axis * inner * 4, run };
};

const argMax = (outer, axis) => (bench) => {
  const [y, x] = [bench.alloc(outer * 4), bench.floats(outer * axis)];
  return {
    name: `arg_max ${outer}×${axis}`,
    bytes: outer * axis * 4,
    run: () => bench.kernels.f32_arg_max(y, x, axis, 1, 1, 0, 0, 0, outer),
  };
};

const pool =
  (kind, size, channels, kernel, stride, pad = 0) =>
  (bench) => {
    const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
    const [y, x] = [bench.alloc(out * out * channels * 4), bench.floats(size * size * channels)];
    const axis = bench.put(Int32Array.of(size, out, kernel, stride, 1, pad, 0, size));
    const run = () => bench.kernels[`f32_${kind}_pool`](y, x, axis, axis, channels, -Infinity, Infinity, 0, out);
    return {
      name: `${kind}_pool ${size}×${size}×${channels} ${kernel}×${kernel} /${stride}`,
      bytes: (size * size + out * out) * channels * 4,
      run,
    };
  };

const resize = (kind, size, channels, out) => (bench) => {
  const [y, x] = [bench.alloc(out * out * channels * 4), bench.floats(size * size * channels)];
  const near = bench.put(Int32Array.from({ length: out }, (_, i) => Math.floor((i * size) / out)));
  const pairs = bench.put(
    Int32Array.from({ length: out * 2 }, (_, i) => Math.min(Math.floor(((i >> 1) * size) / out) + (i & 1), size - 1)),
  );
  const [weights, between] = [bench.floats(out * 2), bench.alloc(out * size * channels * 4)];
  const { x8_resize_nearest, f32_resample } = bench.kernels;
  const run =
    kind === "nearest"
      ? () => x8_resize_nearest(y, x, near, near, size, size, out, out, channels * 4, 0, out)
      : () => {
          f32_resample(between, x, pairs, weights, 2, size, out, size * channels, 0, out);
          f32_resample(y, between, pairs, weights, 2, size, out, channels, 0, out * out);
        };
  return { name: `${kind} ${size}×${size}×${channels} → ${out}×${out}`, bytes: (size * size + out * out) * channels * 4, run };
};

const SUITES = {
  unary: Object.keys(UNARY).map((name) => unary(name, 16384)),
  binary: [
    ...Object.keys(BINARY).map((name) => binary(name, 16384)),
    binary("add", 16384, 1, 0),
    binary("div", 16384, 0, 1),
    rowwise("add", 784, 128),
    rowwise("mul", 12544, 24),
  ],
  rows: [
    softmax(768, 128),
    softmax(1, 1000),
    softmax(1000, 21),
    layerNorm(128, 384),
    layerNorm(197, 768),
    instanceNorm(16384, 32),
    lrn(3136, 192),
  ],
  reduce: [
    reduce("mean", 1, 49, 1280),
    reduce("mean", 1, 3136, 64),
    reduce("sum", 128, 384, 1),
    reduce("max", 128, 384, 1),
    reduce("max", 1, 49, 1280),
    reduce("log_sum_exp", 128, 384, 1),
    argMax(4096, 21),
    argMax(1, 1000),
  ],
  pool: [
    pool("max", 112, 64, 3, 2, 1),
    pool("max", 55, 96, 3, 2),
    pool("max", 24, 32, 2, 2),
    pool("average", 35, 192, 3, 1, 1),
    pool("average", 25, 24, 2, 2),
  ],
  resize: [
    resize("nearest", 40, 128, 80),
    resize("nearest", 128, 3, 256),
    resize("linear", 40, 64, 80),
    resize("linear", 64, 1, 256),
    resize("linear", 128, 3, 256),
  ],
};

runSuites(SUITES, new RegExp(process.argv[2] ?? "."));
