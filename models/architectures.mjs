// Well-known architectures with seeded random weights, as ONNX: for benches and tests, where the geometry matters and
// the answers do not. Each is a function that returns { bytes, macs, input, output, graph }: the file, and what was
// written into it. `quantized` gives QDQ int8 with uint8 activations and per-channel weights.
import { OnnxGraph } from "./onnx-writer.mjs";

/** Seeded numbers in [−1, 1) (xorshift32). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}

const ACTIVATION_SCALE = 0.02;
const WEIGHT_SCALE = 0.002;

/** Builds image networks layer by layer; a tensor is { name, channels, size }. */
class NetworkBuilder {
  macs = 0;
  graph = new OnnxGraph();
  #random = randomNumbers(42);
  #quantized;

  constructor(shape, quantized = false) {
    this.input = { name: "x", shape };
    this.#quantized = quantized;
  }

  start() {
    const [, channels, size] = this.input.shape;
    return { name: this.requantize("x"), channels, size };
  }

  floats(shape, scale) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => this.#random() * scale);
    return this.graph.tensor("float32", shape, data);
  }

  scalar(value) {
    return this.graph.tensor("float32", [], Float32Array.of(value));
  }

  /** Through uint8 and back, in a quantized network. */
  requantize(name) {
    if (!this.#quantized) return name;
    const params = [this.scalar(ACTIVATION_SCALE), this.graph.tensor("uint8", [], Uint8Array.of(0))];
    return this.graph.node("DequantizeLinear", [this.graph.node("QuantizeLinear", [name, ...params]), ...params]);
  }

  /** Weights and bias whose outputs stay in range. */
  weights(shape) {
    const [filters, ...rest] = shape;
    const fanIn = rest.reduce((a, b) => a * b, 1);
    if (!this.#quantized) return [this.floats(shape, Math.sqrt(3 / fanIn)), this.floats([filters], 0.1)];
    return [
      this.#perChannel("int8", shape, (length) => Int8Array.from({ length }, () => this.#random() * 127), WEIGHT_SCALE, Int8Array),
      this.#perChannel(
        "int32",
        [filters],
        (length) => Int32Array.from({ length }, () => this.#random() * 1000),
        WEIGHT_SCALE * ACTIVATION_SCALE,
        Int32Array,
      ),
    ];
  }

  #perChannel(dataType, shape, make, scale, Zeros) {
    const filters = shape[0];
    const scales = this.graph.tensor("float32", [filters], new Float32Array(filters).fill(scale));
    const values = this.graph.tensor(dataType, shape, make(shape.reduce((a, b) => a * b, 1)));
    return this.graph.node("DequantizeLinear", [values, scales, this.graph.tensor(dataType, [filters], new Zeros(filters))], { axis: 0 });
  }

  /** A square convolution; `activation` is "relu", "relu6" or none. */
  conv(x, filters, kernel, { stride = 1, groups = 1, activation = "relu", pad = kernel >> 1 } = {}) {
    const size = Math.floor((x.size + 2 * pad - kernel) / stride) + 1;
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], group: groups };
    let name = this.graph.node("Conv", [x.name, ...this.weights([filters, x.channels / groups, kernel, kernel])], attributes);
    this.macs += filters * size * size * (x.channels / groups) * kernel * kernel;
    if (activation)
      name =
        activation === "relu6" && !this.#quantized
          ? this.graph.node("Clip", [name, this.scalar(0), this.scalar(6)])
          : this.graph.node("Relu", [name]);
    return { name: this.requantize(name), channels: filters, size };
  }

  add(a, b, relu) {
    const sum = this.graph.node("Add", [a.name, b.name]);
    return { ...a, name: this.requantize(relu ? this.graph.node("Relu", [sum]) : sum) };
  }

  maxPool(x, { pad = 0, ceil = false } = {}) {
    const span = (x.size + 2 * pad - 3) / 2;
    const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [pad, pad, pad, pad], ceil_mode: ceil ? 1 : 0 };
    return {
      ...x,
      name: this.requantize(this.graph.node("MaxPool", [x.name], attributes)),
      size: (ceil ? Math.ceil(span) : Math.floor(span)) + 1,
    };
  }

  /** Global average and, in float networks, a dense layer with softmax. */
  finish(x, classes = 1000) {
    const pooled = this.requantize(this.graph.node("GlobalAveragePool", [x.name]));
    const flat = this.graph.node("Flatten", [pooled], { axis: 1 }, this.#quantized ? "out" : undefined);
    if (this.#quantized) return this.bytes([1, x.channels]);
    const dense = this.graph.node("Gemm", [flat, ...this.weights([classes, x.channels])], { transB: 1 });
    this.macs += classes * x.channels;
    this.graph.node("Softmax", [dense], {}, "out");
    return this.bytes([1, classes]);
  }

  bytes(outputShape) {
    const output = { name: "out", shape: outputShape };
    return { bytes: this.graph.bytes(this.input, output), macs: this.macs, input: this.input, output, graph: this.graph };
  }
}

/** Howard et al. 2017. `width` scales the channels. */
export function mobilenetV1({ size = 224, width = 1, quantized = false } = {}) {
  const net = new NetworkBuilder([1, 3, size, size], quantized);
  const channels = (count) => Math.max(8, Math.round(count * width));
  let x = net.conv(net.start(), channels(32), 3, { stride: 2, activation: "relu6" });
  const blocks = [[64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2], ...Array(5).fill([512, 1]), [1024, 2], [1024, 1]];
  for (const [filters, stride] of blocks) {
    x = net.conv(x, x.channels, 3, { stride, groups: x.channels, activation: "relu6" });
    x = net.conv(x, channels(filters), 1, { activation: "relu6" });
  }
  return net.finish(x);
}

/** Sandler et al. 2018. */
export function mobilenetV2({ size = 224, quantized = false } = {}) {
  const net = new NetworkBuilder([1, 3, size, size], quantized);
  let x = net.conv(net.start(), 32, 3, { stride: 2, activation: "relu6" });
  const stages = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expansion, filters, repeats, firstStride] of stages)
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1;
      let y = expansion > 1 ? net.conv(x, x.channels * expansion, 1, { activation: "relu6" }) : x;
      y = net.conv(y, y.channels, 3, { stride, groups: y.channels, activation: "relu6" });
      y = net.conv(y, filters, 1, { activation: null });
      x = stride === 1 && filters === x.channels ? net.add(y, x, false) : y;
    }
  return net.finish(net.conv(x, 1280, 1, { activation: "relu6" }));
}

/** He et al. 2015; `bottleneck` gives ResNet-50, otherwise ResNet-18. */
export function resnet({ size = 224, bottleneck = false, quantized = false } = {}) {
  const net = new NetworkBuilder([1, 3, size, size], quantized);
  let x = net.maxPool(net.conv(net.start(), 64, 7, { stride: 2, pad: 3 }), { pad: 1 });
  const repeats = bottleneck ? [3, 4, 6, 3] : [2, 2, 2, 2];
  for (const [stage, count] of repeats.entries())
    for (let i = 0; i < count; i++) {
      const filters = 64 << stage;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      let y = bottleneck ? net.conv(x, filters, 1) : x;
      y = net.conv(y, filters, 3, { stride });
      y = bottleneck ? net.conv(y, filters * 4, 1, { activation: null }) : net.conv(y, filters, 3, { activation: null });
      const same = stride === 1 && x.channels === y.channels;
      x = net.add(y, same ? x : net.conv(x, y.channels, 1, { stride, activation: null, pad: 0 }), true);
    }
  return net.finish(x);
}

/** Iandola et al. 2016, version 1.1. */
export function squeezenet({ size = 224 } = {}) {
  const net = new NetworkBuilder([1, 3, size, size]);
  const fire = (x, squeeze, expand) => {
    const narrow = net.conv(x, squeeze, 1);
    const halves = [net.conv(narrow, expand, 1), net.conv(narrow, expand, 3)];
    return {
      ...narrow,
      name: net.graph.node(
        "Concat",
        halves.map((half) => half.name),
        { axis: 1 },
      ),
      channels: 2 * expand,
    };
  };
  let x = net.maxPool(net.conv(net.start(), 64, 3, { stride: 2, pad: 0 }), { ceil: true });
  x = net.maxPool(fire(fire(x, 16, 64), 16, 64), { ceil: true });
  x = net.maxPool(fire(fire(x, 32, 128), 32, 128), { ceil: true });
  for (const [squeeze, expand] of [
    [48, 192],
    [48, 192],
    [64, 256],
    [64, 256],
  ])
    x = fire(x, squeeze, expand);
  x = net.conv(x, 1000, 1);
  const flat = net.graph.node("Flatten", [net.graph.node("GlobalAveragePool", [x.name])], { axis: 1 });
  net.graph.node("Softmax", [flat], {}, "out");
  return net.bytes([1, 1000]);
}

/** Zhang et al. 2017, "Hello Edge": the keyword spotting network of MLPerf Tiny. */
export function dscnn() {
  const net = new NetworkBuilder([1, 1, 49, 10]);
  const first = [net.floats([64, 1, 10, 4], 0.2), net.floats([64], 0.1)];
  const name = net.graph.node("Conv", ["x", ...first], { kernel_shape: [10, 4], strides: [2, 2], pads: [4, 1, 5, 2] });
  net.macs += 64 * 125 * 40;
  let x = { name: net.graph.node("Relu", [name]), channels: 64 };
  const layer = (input, shape, groups, kernel) => {
    const pad = kernel >> 1;
    net.macs += 125 * shape.reduce((a, b) => a * b, 1);
    const attributes = { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], group: groups };
    return { name: net.graph.node("Relu", [net.graph.node("Conv", [input.name, ...net.weights(shape)], attributes)]), channels: 64 };
  };
  for (let i = 0; i < 4; i++) x = layer(layer(x, [64, 1, 3, 3], 64, 3), [64, 64, 1, 1], 1, 1);
  return net.finish(x, 12);
}

/** The dense autoencoder of MLPerf Tiny's anomaly detection. */
export function autoencoder() {
  const net = new NetworkBuilder([1, 640]);
  const widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640];
  let name = "x";
  for (const [i, width] of widths.slice(1).entries()) {
    const last = i === widths.length - 2;
    name = net.graph.node("Gemm", [name, ...net.weights([width, widths[i]])], { transB: 1 }, last ? "out" : undefined);
    if (!last) name = net.graph.node("Relu", [name]);
    net.macs += width * widths[i];
  }
  return net.bytes([1, 640]);
}

/** A transformer encoder of MiniLM-L6's size on embedded tokens (Wang et al. 2020). */
export function encoder({ layers = 6, tokens = 128, width = 384, heads = 12, hidden = 1536 } = {}) {
  const net = new NetworkBuilder([1, tokens, width]);
  const { graph } = net;
  const depth = width / heads;
  const shape = (dims) => graph.tensor("int64", [dims.length], BigInt64Array.from(dims.map(BigInt)));
  const split = shape([1, tokens, heads, depth]);
  const join = shape([1, tokens, width]);
  const dense = (x, from, to) => {
    net.macs += tokens * from * to;
    return graph.node("Add", [graph.node("MatMul", [x, net.floats([from, to], Math.sqrt(3 / from))]), net.floats([to], 0.02)]);
  };
  const normalize = (x) => {
    const scale = graph.tensor("float32", [width], new Float32Array(width).fill(1));
    return graph.node("LayerNormalization", [x, scale, graph.tensor("float32", [width], new Float32Array(width))], {
      axis: -1,
      epsilon: { float: 1e-12 },
    });
  };
  const headsOf = (x, perm) => graph.node("Transpose", [graph.node("Reshape", [dense(x, width, width), split])], { perm });
  const gelu = (x) => {
    const half = graph.node("Mul", [x, net.scalar(0.5)]);
    return graph.node("Mul", [
      half,
      graph.node("Add", [graph.node("Erf", [graph.node("Div", [x, net.scalar(Math.SQRT2)])]), net.scalar(1)]),
    ]);
  };
  let x = "x";
  for (let layer = 0; layer < layers; layer++) {
    const [query, key, value] = [headsOf(x, [0, 2, 1, 3]), headsOf(x, [0, 2, 3, 1]), headsOf(x, [0, 2, 1, 3])];
    const scores = graph.node("Div", [graph.node("MatMul", [query, key]), net.scalar(Math.sqrt(depth))]);
    const mixed = graph.node("MatMul", [graph.node("Softmax", [scores], { axis: -1 }), value]);
    net.macs += 2 * heads * tokens * tokens * depth;
    const joined = graph.node("Reshape", [graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] }), join]);
    x = normalize(graph.node("Add", [dense(joined, width, width), x]));
    x = normalize(graph.node("Add", [dense(gelu(dense(x, width, hidden)), hidden, width), x]));
  }
  graph.node("Identity", [x], {}, "out");
  return net.bytes([1, tokens, width]);
}

/** Name → recipe. */
export const ARCHITECTURES = {
  mobilenet_v1: () => mobilenetV1(),
  mobilenet_v2: () => mobilenetV2(),
  resnet18: () => resnet(),
  resnet50: () => resnet({ bottleneck: true }),
  squeezenet: () => squeezenet(),
  dscnn: () => dscnn(),
  vww: () => mobilenetV1({ size: 96, width: 0.25 }),
  autoencoder: () => autoencoder(),
  encoder: () => encoder(),
  int8_mobilenet_v1: () => mobilenetV1({ quantized: true }),
  int8_vww: () => mobilenetV1({ size: 96, width: 0.25, quantized: true }),
  int8_resnet18: () => resnet({ quantized: true }),
};
