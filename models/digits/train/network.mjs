// A small convolutional network and its gradients in plain JavaScript, NHWC, one image at a time.
// (TensorFlow.js on its CPU backend takes minutes for an epoch of this network; this takes seconds.)
import { generator } from "./data.mjs";

/** A convolution as a matrix product over unfolded patches, with an optional ReLU. TensorFlow's SAME padding. */
class Conv {
  constructor({ size, channels, filters, kernel, stride, relu }, random) {
    const out = Math.ceil(size / stride);
    Object.assign(this, { size, channels, filters, kernel, out, relu });
    this.patch = kernel * kernel * channels;
    this.weights = new Parameter(filters * this.patch, Math.sqrt(2 / this.patch), random);
    this.bias = new Parameter(filters, 0, random);
    this.patches = new Float32Array(out * out * this.patch);
    this.output = new Float32Array(out * out * filters);
    this.inputGradient = new Float32Array(size * size * channels);
    this.sources = this.#sources(stride);
  }

  /** Index of the input element behind each patch element; −1 in the padding. */
  #sources(stride) {
    const { size, channels, kernel, out } = this;
    this.padding = Math.floor(Math.max(0, (out - 1) * stride + kernel - size) / 2);
    const sources = new Int32Array(out * out * this.patch);
    let at = 0;
    for (let y = 0; y < out; y++)
      for (let x = 0; x < out; x++)
        for (let ky = 0; ky < kernel; ky++)
          for (let kx = 0; kx < kernel; kx++) {
            const iy = y * stride + ky - this.padding;
            const ix = x * stride + kx - this.padding;
            const inside = iy >= 0 && iy < size && ix >= 0 && ix < size;
            for (let c = 0; c < channels; c++) sources[at++] = inside ? (iy * size + ix) * channels + c : -1;
          }
    return sources;
  }

  forward(input) {
    const { patches, sources, patch, filters, output, relu } = this;
    for (let i = 0; i < sources.length; i++) patches[i] = sources[i] < 0 ? 0 : input[sources[i]];
    const weights = this.weights.values;
    const bias = this.bias.values;
    for (let p = 0, o = 0; p < patches.length; p += patch)
      for (let f = 0; f < filters; f++, o++) {
        let sum = bias[f];
        for (let k = 0, w = f * patch; k < patch; k++) sum += patches[p + k] * weights[w + k];
        output[o] = relu && sum < 0 ? 0 : sum;
      }
    return output;
  }

  backward(gradient) {
    const { patches, sources, patch, filters, output, relu, inputGradient } = this;
    inputGradient.fill(0);
    const weights = this.weights.values;
    for (let p = 0, o = 0; p < patches.length; p += patch)
      for (let f = 0; f < filters; f++, o++) {
        const g = relu && output[o] === 0 ? 0 : gradient[o];
        if (g === 0) continue;
        this.bias.gradient[f] += g;
        for (let k = 0, w = f * patch; k < patch; k++) {
          this.weights.gradient[w + k] += g * patches[p + k];
          if (sources[p + k] >= 0) inputGradient[sources[p + k]] += g * weights[w + k];
        }
      }
    return inputGradient;
  }
}

/** 2 × 2 maximum; an odd last row or column is left out. */
class MaxPool {
  constructor({ size, channels }) {
    this.out = size >> 1;
    Object.assign(this, { size, channels });
    this.output = new Float32Array(this.out * this.out * channels);
    this.chosen = new Int32Array(this.output.length);
    this.inputGradient = new Float32Array(size * size * channels);
  }

  forward(input) {
    const { size, channels, out, output, chosen } = this;
    for (let y = 0, o = 0; y < out; y++)
      for (let x = 0; x < out; x++)
        for (let c = 0; c < channels; c++, o++) {
          const first = (2 * y * size + 2 * x) * channels + c;
          chosen[o] = [first, first + channels, first + size * channels, first + (size + 1) * channels].reduce((best, i) =>
            input[i] > input[best] ? i : best,
          );
          output[o] = input[chosen[o]];
        }
    return output;
  }

  backward(gradient) {
    this.inputGradient.fill(0);
    for (let o = 0; o < gradient.length; o++) this.inputGradient[this.chosen[o]] += gradient[o];
    return this.inputGradient;
  }
}

/** Values, their gradient summed over a batch, and Adam's two moments (Kingma and Ba, 2015). */
class Parameter {
  constructor(length, deviation, random) {
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    this.values = Float32Array.from({ length }, () => normal() * deviation);
    this.gradient = new Float32Array(length);
    this.first = new Float32Array(length);
    this.second = new Float32Array(length);
  }

  update(rate, batch, step) {
    const [decay1, decay2] = [0.9, 0.999];
    for (let i = 0; i < this.values.length; i++) {
      const g = this.gradient[i] / batch;
      this.first[i] = decay1 * this.first[i] + (1 - decay1) * g;
      this.second[i] = decay2 * this.second[i] + (1 - decay2) * g * g;
      const mean = this.first[i] / (1 - decay1 ** step);
      this.values[i] -= (rate * mean) / (Math.sqrt(this.second[i] / (1 - decay2 ** step)) + 1e-8);
    }
    this.gradient.fill(0);
  }
}

/** image [28,28,1] → conv 5×5/2, 8 → conv 3×3/2, 16 → conv 3×3, 24 → max pool 2 → dense 10. */
export class DigitsNetwork {
  constructor(seed) {
    const random = generator(seed);
    this.layers = [
      new Conv({ size: 28, channels: 1, filters: 8, kernel: 5, stride: 2, relu: true }, random),
      new Conv({ size: 14, channels: 8, filters: 16, kernel: 3, stride: 2, relu: true }, random),
      new Conv({ size: 7, channels: 16, filters: 24, kernel: 3, stride: 1, relu: true }, random),
      new MaxPool({ size: 7, channels: 24 }),
      new Conv({ size: 1, channels: 216, filters: 10, kernel: 1, stride: 1, relu: false }, random),
    ];
    this.convs = this.layers.filter((layer) => layer instanceof Conv);
    this.parameters = this.convs.flatMap((layer) => [layer.weights, layer.bias]);
    this.steps = 0;
  }

  /** Ten scores, before softmax. */
  scores(pixels) {
    return this.layers.reduce((x, layer) => layer.forward(x), pixels);
  }

  /** Adds one image's gradient of the cross entropy; returns the loss. */
  learn(pixels, digit) {
    const scores = this.scores(pixels);
    const most = Math.max(...scores);
    const powers = Array.from(scores, (score) => Math.exp(score - most));
    const total = powers.reduce((a, b) => a + b);
    let gradient = Float32Array.from(powers, (power, i) => power / total - (i === digit ? 1 : 0));
    for (const layer of this.layers.toReversed()) gradient = layer.backward(gradient);
    return Math.log(total) + most - scores[digit];
  }

  update(rate, batch) {
    this.steps++;
    for (const parameter of this.parameters) parameter.update(rate, batch, this.steps);
  }
}
