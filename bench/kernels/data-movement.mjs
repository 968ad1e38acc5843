// Copies, transpositions, gathers and conversions on the shapes of real layers; bytes count what is read and what is
// written, the limit beside them counts what a copy writes.
//   node bench/kernels/data-movement.mjs [regular expression on "suite case"]
import { runSuites } from "./harness.mjs";

const IMAGE = 224 * 224 * 3;

/** y[rows][cols] from x[cols][rows], of elements of 4 bytes or 1. */
const transpose = (name, rows, cols, elementBytes) => (bench) => {
  const size = rows * cols * elementBytes;
  const [y, x] = [bench.alloc(size), bench.alloc(size)];
  const kernel = elementBytes === 4 ? bench.kernels.x32_transpose : bench.kernels.x8_transpose;
  return { name, bytes: 2 * size, run: () => kernel(y, x, 0, 0, rows, cols, cols * elementBytes, rows * elementBytes, 0, rows) };
};

const transposes = (elementBytes) => [
  transpose("image to NHWC 224×224×3", 224 * 224, 3, elementBytes),
  transpose("image to NCHW 224×224×3", 3, 224 * 224, elementBytes),
  transpose("56×56×64 to NCHW", 64, 56 * 56, elementBytes),
  transpose("7×7×512 to NCHW", 512, 49, elementBytes),
  transpose("attention keys 128×64", 64, 128, elementBytes),
  transpose("matrix 512×512", 512, 512, elementBytes),
  transpose("matrix 1000×1000", 1000, 1000, elementBytes),
];

const copyRows = (name, rows, rowBytes) => (bench) => {
  const [y, x] = [bench.alloc(rows * rowBytes * 2), bench.alloc(rows * rowBytes)];
  return { name, bytes: 2 * rows * rowBytes, run: () => bench.kernels.x8_copy_rows(y, x, rowBytes, rowBytes * 2, rowBytes, 0, rows) };
};

const gather = (bench) => {
  const [tokens, rows, rowBytes] = [128, 1000, 1536];
  const indices = bench.put(Int32Array.from({ length: tokens }, (_, i) => (i * 37) % rows));
  const [dims, y, x] = [bench.put(Int32Array.of(rows, rowBytes)), bench.alloc(tokens * rowBytes), bench.alloc(rows * rowBytes)];
  const run = () => bench.kernels.x8_gather(y, x, indices, 0, dims, 1, tokens, rowBytes, 0, 0, 0, tokens);
  return { name: "128 tokens of 384 floats", bytes: 2 * tokens * rowBytes, run };
};

const everySecond = (bench) => {
  const [y, x] = [bench.alloc(IMAGE * 2), bench.alloc(IMAGE * 4)];
  const run = () => bench.kernels.x32_copy_strided(y, x, 0, 0, 1, IMAGE / 2, 0, 0, 4, 8, 0, 1);
  return { name: "every second float", bytes: IMAGE * 6, run };
};

/** A kernel of (y, x, begin, end) over an image, with the bytes of an element on either side. */
const convert = (kernel, yBytes, xBytes) => (bench) => {
  const [y, x] = [bench.alloc(IMAGE * yBytes), bench.alloc(IMAGE * xBytes)];
  return { name: kernel, bytes: IMAGE * (yBytes + xBytes), run: () => bench.kernels[kernel](y, x, 0, IMAGE) };
};

runSuites(
  {
    x32_transpose: transposes(4),
    x8_transpose: transposes(1),
    x8_copy_rows: [
      copyRows("concat 56×56×64", 56 * 56, 256),
      copyRows("concat int8 28×28×16", 28 * 28, 16),
      copyRows("pad 112×112×32", 112, 14336),
    ],
    x8_gather: [gather],
    x32_copy_strided: [everySecond],
    conversions: [convert("f16_to_f32", 4, 2), convert("f32_to_f16", 2, 4), convert("f32_from_u8", 4, 1), convert("i64_from_i32", 8, 4)],
  },
  new RegExp(process.argv[2] ?? "."),
);
