// The architectures of models/architectures.mjs as TensorFlow.js programs: every node becomes the operators that its
// converter would have made of it, images in NHWC, bias and activation fused where tfjs can.

/** [N, C, H, W] → [N, H, W, C], for shapes. */
const toNhwc = ([batch, channels, ...space]) => [batch, ...space, channels];

const clampName = (lo, hi) => (lo === 0 && hi === 6 ? "relu6" : undefined);

/** [top, left, bottom, right] as tfjs wants it. */
const explicit = ([top, left, bottom, right] = [0, 0, 0, 0]) => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

/** Pads after the last element until the rounded-up number of windows fits. */
function ceilPads([top, left, bottom, right], [, height, width], kernel, strides) {
  const more = (size, k, s) => (s - ((size - k) % s)) % s;
  return [
    top,
    left,
    bottom + more(height + top + bottom, kernel[0], strides[0]),
    right + more(width + left + right, kernel[1], strides[1]),
  ];
}

/** How each node is computed: (tf, tensors, attributes, fused) → tensor. `fused` is { bias, activation }. */
const OPERATORS = {
  Conv(tf, [x, filter, bias], { strides = [1, 1], pads, group = 1 }, { activation }) {
    const settings = { x, filter, bias, strides, pad: explicit(pads), activation };
    return group === 1 ? tf.fused.conv2d(settings) : tf.fused.depthwiseConv2d(settings);
  },
  Gemm: (tf, [a, b, bias], _, { activation }) => tf.fused.matMul({ a, b, bias, activation }),
  MatMul(tf, [a, b], _, { bias }) {
    if (b.shape.length > 2) return tf.matMul(a, b);
    const rows = tf.fused.matMul({ a: a.reshape([-1, a.shape.at(-1)]), b, bias });
    return rows.reshape([...a.shape.slice(0, -1), b.shape[1]]);
  },
  MaxPool(tf, [x], { kernel_shape: kernel, strides, pads, ceil_mode: ceil }) {
    return tf.maxPool(x, kernel, strides, explicit(ceil ? ceilPads(pads, x.shape, kernel, strides) : pads));
  },
  LayerNormalization(tf, [x, scale, bias], { epsilon }) {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return centred
      .mul(tf.rsqrt(variance.add(epsilon.float)))
      .mul(scale)
      .add(bias);
  },
  GlobalAveragePool: (tf, [x]) => tf.mean(x, [1, 2]),
  Flatten: (tf, [x]) => tf.reshape(x, [x.shape[0], -1]),
  Concat: (tf, inputs) => tf.concat(inputs, -1),
  Reshape: (tf, [x, shape]) => tf.reshape(x, shape),
  Transpose: (tf, [x], { perm }) => tf.transpose(x, perm),
  Clip: (tf, [x, lo, hi]) => tf.clipByValue(x, lo, hi),
  Softmax: (tf, [x]) => tf.softmax(x),
  Relu: (tf, [x]) => tf.relu(x),
  Erf: (tf, [x]) => tf.erf(x),
  Add: (tf, [a, b]) => tf.add(a, b),
  Mul: (tf, [a, b]) => tf.mul(a, b),
  Div: (tf, [a, b]) => tf.div(a, b),
  Identity: (tf, [x]) => tf.clone(x),
};

/** Constants as tfjs wants them: filters as HWIO (depthwise HWC1), matrices as [k, n], shapes and bounds as numbers. */
function constantsOf(tf, { nodes, tensors }) {
  const depthwise = new Set(nodes.filter(({ op, attributes }) => op === "Conv" && attributes.group > 1).map(({ inputs }) => inputs[1]));
  const transposed = new Set(nodes.filter(({ op }) => op === "Gemm").map(({ inputs }) => inputs[1]));
  const numbers = new Set(nodes.flatMap(({ op, inputs }) => (op === "Clip" || op === "Reshape" ? inputs.slice(1) : [])));
  const constant = ({ name, shape, data }) => {
    if (numbers.has(name)) return shape.length === 0 ? data[0] : Array.from(data, Number);
    const tensor = tf.tensor(data, shape);
    if (transposed.has(name)) return tf.transpose(tensor);
    if (shape.length !== 4) return tensor;
    return tf.transpose(tensor, depthwise.has(name) ? [2, 3, 0, 1] : [2, 3, 1, 0]);
  };
  return new Map(tensors.map((tensor) => [tensor.name, constant(tensor)]));
}

/** Joins each convolution or dense layer with the only node that uses it, where tfjs has one operator for both. */
function fuse(nodes, constants) {
  const users = new Map();
  for (const node of nodes) for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node]);
  const absorbed = new Set();
  const steps = nodes.map((node) => {
    const [user, ...others] = users.get(node.output) ?? [];
    const fused = user && others.length === 0 ? fusion(node, user, constants) : undefined;
    if (!fused) return { ...node, fused: {} };
    absorbed.add(user);
    return { ...node, output: user.output, fused };
  });
  return steps.filter((_, i) => !absorbed.has(nodes[i]));
}

function fusion({ op, output }, user, constants) {
  if (op === "MatMul" && user.op === "Add") {
    const bias = constants.get(user.inputs.find((input) => input !== output));
    return bias?.shape.length === 1 ? { bias } : undefined;
  }
  if (op !== "Conv" && op !== "Gemm") return undefined;
  if (user.op === "Relu") return { activation: "relu" };
  const activation = user.op === "Clip" && clampName(...user.inputs.slice(1).map((input) => constants.get(input)));
  return activation ? { activation } : undefined;
}

/** A recipe on the WebAssembly backend, whose files lie in `folder`: SIMD, one thread. */
export async function loadRecipe(tf, wasm, folder, recipe) {
  wasm.setWasmPaths(folder);
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  await tf.setBackend("wasm");
  if (tf.getBackend() !== "wasm" || !(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("tfjs finds no SIMD");
  return { note: "simd", run: buildModel(tf, recipe) };
}

/** A recipe's graph as a function from the input's elements to the output's. Throws for operators that tfjs lacks. */
function buildModel(tf, { graph, input, output }) {
  const missing = new Set(graph.nodes.map(({ op }) => op).filter((op) => !OPERATORS[op]));
  if (missing.size > 0) throw new Error(`tfjs has no ${[...missing].join(", ")}`);
  const constants = constantsOf(tf, graph);
  const steps = fuse(graph.nodes, constants);
  const isImage = input.shape.length === 4;
  const shape = isImage ? toNhwc(input.shape) : input.shape;
  const compute = (x) => {
    const values = new Map([...constants, [input.name, x]]);
    for (const { op, inputs, output: name, attributes, fused } of steps) {
      const operands = inputs.map((from) => values.get(from));
      values.set(name, OPERATORS[op](tf, operands, attributes, fused));
    }
    return values.get(output.name);
  };
  /** Elements of an image come as planes, as the other engines get them. */
  const place = (data) => (isImage && shape[3] > 1 ? tf.transpose(tf.tensor(data, input.shape), [0, 2, 3, 1]) : tf.tensor(data, shape));
  return async ([{ data }]) => {
    const result = tf.tidy(() => compute(place(data)));
    const elements = await result.data();
    result.dispose();
    return [elements];
  };
}
