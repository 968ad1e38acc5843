// Turns the trained weights into what the project ships: the network as ONNX in float32 and in int8 (QDQ, calibrated
// on training digits), both through Lanewise's converter, with goldens from onnxruntime-web, their accuracy on held-out
// digits, and a page of held-out digits as a picture.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { encode } from "fast-png";
import { convert } from "../../../dist/convert.js";
import { OnnxGraph } from "../../onnx-writer.mjs";
import { loadDigits, SIZE } from "./data.mjs";

const ort = createRequire(import.meta.url)("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const FOLDER = new URL("../", import.meta.url);
const CALIBRATION = 500;
const GOLDENS = 8;
const PAGE = { columns: 10, rows: 5 };
const PADS = [
  [1, 1, 2, 2],
  [0, 0, 1, 1],
  [1, 1, 1, 1],
];

const layers = JSON.parse(readFileSync(new URL("weights.json", import.meta.url)));
const { training, heldOut } = loadDigits();

/** OHWI to ONNX's OIHW. */
function toOihw({ shape: [_o, h, w, i], weights }) {
  const moved = new Float32Array(weights.length);
  for (let at = 0; at < moved.length; at++) {
    const [kx, ky, c, f] = [at % w, Math.floor(at / w) % h, Math.floor(at / (w * h)) % i, Math.floor(at / (w * h * i))];
    moved[at] = weights[((f * h + ky) * w + kx) * i + c];
  }
  return moved;
}

/** The network as ONNX. `style` says how activations, weights and biases enter: as they are, or quantized. */
function buildOnnx(style, outputs = []) {
  const graph = new OnnxGraph();
  const shapeOf = (dims) => graph.tensor("int64", [dims.length], BigInt64Array.from(dims.map(BigInt)));
  let x = graph.node("Reshape", ["image", shapeOf([-1, 1, SIZE, SIZE])]);
  x = style.activation(graph, x, 0);
  for (const [i, pads] of PADS.entries()) {
    const { shape } = layers[i];
    const [filters, kernel] = shape;
    const weights = style.weights(graph, layers[i], [filters, shape[3], kernel, kernel], toOihw(layers[i]), i);
    const strides = i < 2 ? [2, 2] : [1, 1];
    x = graph.node("Relu", [graph.node("Conv", [x, ...weights], { kernel_shape: [kernel, kernel], strides, pads })]);
    outputs.push(x);
    x = style.activation(graph, x, i + 1);
  }
  x = graph.node("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  x = style.activation(graph, x, 3);
  x = graph.node("Reshape", [graph.node("Transpose", [x], { perm: [0, 2, 3, 1] }), shapeOf([-1, 216])]);
  const dense = layers[3];
  x = graph.node("Gemm", [x, ...style.weights(graph, dense, [10, 216], Float32Array.from(dense.weights), 3)], { transB: 1 });
  outputs.push(x);
  x = style.activation(graph, x, 4);
  graph.node("Identity", [x], {}, "scores");
  return graph;
}

const FLOAT = {
  activation: (_graph, x) => x,
  weights: (graph, layer, shape, data) => [
    graph.tensor("float32", shape, data),
    graph.tensor("float32", [shape[0]], Float32Array.from(layer.bias)),
  ],
};

/** int8 with asymmetric activations, symmetric weights per output channel, int32 biases. */
function quantizedStyle(ranges) {
  const params = ranges.map(([low, high]) => {
    const scale = Math.fround((Math.max(high, 0) - Math.min(low, 0)) / 255);
    return { scale, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - Math.min(low, 0) / scale))) };
  });
  const scalars = (graph, { scale, zeroPoint }) => [
    graph.tensor("float32", [], Float32Array.of(scale)),
    graph.tensor("int8", [], Int8Array.of(zeroPoint)),
  ];
  return {
    activation(graph, x, index) {
      const scale = scalars(graph, params[index]);
      return graph.node("DequantizeLinear", [graph.node("QuantizeLinear", [x, ...scale]), ...scale]);
    },
    weights(graph, layer, shape, data, index) {
      const filters = shape[0];
      const per = data.length / filters;
      const scales = Float32Array.from({ length: filters }, (_, f) =>
        Math.max(1e-6, data.subarray(f * per, (f + 1) * per).reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127),
      );
      const biasScales = scales.map((scale) => scale * params[index].scale);
      const quantized = Int8Array.from(data, (x, i) => Math.round(x / scales[Math.floor(i / per)]));
      const bias = Int32Array.from(layer.bias, (x, f) => Math.round(x / biasScales[f]));
      const perChannel = (dataType, dims, values, channelScales, zeros) =>
        graph.node(
          "DequantizeLinear",
          [
            graph.tensor(dataType, dims, values),
            graph.tensor("float32", [filters], channelScales),
            graph.tensor(dataType, [filters], zeros),
          ],
          { axis: 0 },
        );
      return [
        perChannel("int8", shape, quantized, scales, new Int8Array(filters)),
        perChannel("int32", [filters], bias, biasScales, new Int32Array(filters)),
      ];
    },
  };
}

const INPUT = { name: "image", shape: [1, SIZE, SIZE, 1] };
const OUTPUT = { name: "scores", shape: [1, 10] };

async function scoresOf(session, { pixels }) {
  const { scores } = await session.run({ image: new ort.Tensor("float32", pixels, INPUT.shape) });
  return scores.data;
}

/** Smallest and largest value over some training digits: of the image, the three convolutions and the scores. */
async function calibrate() {
  const ranges = [[0, 1]];
  for (let index = 0; index < 4; index++) {
    const names = [];
    const graph = buildOnnx(FLOAT, names);
    const session = await ort.InferenceSession.create(graph.bytes(INPUT, { name: names[index] }), { graphOptimizationLevel: "disabled" });
    const range = [0, 0];
    for (const { pixels } of training.slice(0, CALIBRATION)) {
      const values = (await session.run({ image: new ort.Tensor("float32", pixels, INPUT.shape) }))[names[index]].data;
      for (const value of values) {
        range[0] = Math.min(range[0], value);
        range[1] = Math.max(range[1], value);
      }
    }
    ranges.push(range);
  }
  return ranges;
}

const argMax = (values) => values.indexOf(Math.max(...values));

async function accuracyOf(session) {
  let right = 0;
  for (const digit of heldOut) if (argMax(await scoresOf(session, digit)) === digit.digit) right++;
  return right / heldOut.length;
}

function writePage(digits) {
  const { columns, rows } = PAGE;
  const data = new Uint8Array(columns * rows * SIZE * SIZE);
  for (const [i, { pixels }] of digits.entries())
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++) {
        const at = ((Math.floor(i / columns) * SIZE + y) * columns + (i % columns)) * SIZE + x;
        data[at] = Math.round(pixels[y * SIZE + x] * 255);
      }
  writeFileSync(new URL("page.png", FOLDER), encode({ width: columns * SIZE, height: rows * SIZE, data, channels: 1, depth: 8 }));
}

const page = heldOut.slice(0, PAGE.columns * PAGE.rows);
writePage(page);
const manifest = { heldOut: heldOut.length, page: { ...PAGE, digits: page.map(({ digit }) => digit) }, models: {} };
const goldens = { images: page.slice(0, GOLDENS).map(({ pixels }) => Array.from(pixels, (x) => Math.round(x * 255))), scores: {} };
for (const [name, style] of [
  ["digits", FLOAT],
  ["digits-int8", quantizedStyle(await calibrate())],
]) {
  const onnx = buildOnnx(style).bytes(INPUT, OUTPUT);
  const session = await ort.InferenceSession.create(onnx, { graphOptimizationLevel: name === "digits" ? "disabled" : "all" });
  const compact = await convert(onnx);
  writeFileSync(new URL(`${name}.safetensors`, FOLDER), compact);
  manifest.models[name] = { bytes: compact.length, accuracy: await accuracyOf(session) };
  goldens.scores[name] = [];
  for (const pixels of goldens.images) {
    goldens.scores[name].push(Array.from(await scoresOf(session, { pixels: Float32Array.from(pixels, (x) => x / 255) })));
  }
  console.log(
    `${name}: ${onnx.length} bytes of ONNX, ${compact.length} compact, ${(manifest.models[name].accuracy * 100).toFixed(2)} % of held-out digits`,
  );
}
writeFileSync(new URL("digits.json", FOLDER), `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync(new URL("goldens.json", FOLDER), `${JSON.stringify(goldens)}\n`);
