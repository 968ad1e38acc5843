// Float32 layers for the kernel benches: shapes in memory, and the case that stands beside an int8 one.

export const PANEL = 8;
export const panelFloats = (n, k) => Math.ceil(n / PANEL) * PANEL * (k + 1);
export const epilogue = (bench) => bench.put(new Float32Array([-Infinity, Infinity, 0, 0, 0]));

/** A convolution with "same" padding of an image that is square unless `width` is given. */
export function convolution({ size, width = size, channels, filters = channels, kernel, stride = 1, groups = 1 }) {
  const [out, across] = [Math.ceil(size / stride), Math.ceil(width / stride)];
  const pad = (inputs, outputs) => Math.max((outputs - 1) * stride + kernel - inputs, 0) >> 1;
  const words = (bandRows) =>
    Int32Array.of(
      ...[size, width, channels, out, across, filters / groups, groups, channels / groups],
      ...[kernel, kernel, stride, stride, 1, 1, pad(size, out), pad(width, across), filters, filters, bandRows, 0, 0],
    );
  const flops = (2 * out * across * filters * kernel * kernel * channels) / groups;
  const name = `${size}×${width}×${channels}→${filters} ${kernel}×${kernel}${stride > 1 ? ` /${stride}` : ""}`;
  return { out, words, flops, name, k: (kernel * kernel * channels) / groups };
}

/** A depthwise layer on one of the float32 kernels. */
export const depthwise = (kernelName, layer, pick) => (bench) => {
  const { out, words, flops, name } = convolution({ ...layer, groups: layer.channels });
  const { channels, kernel } = layer;
  const [y, x] = [bench.alloc(out * out * channels * 4), bench.floats(layer.size ** 2 * channels)];
  const w = bench.floats(Math.ceil(channels / 4) * 4 * (kernel * kernel + 1));
  const [shape, finish] = [bench.put(words(1)), epilogue(bench)];
  return { name, flops, pick, run: () => bench.kernels[kernelName](y, x, w, 0, finish, shape, 0, out) };
};
