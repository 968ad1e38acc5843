// Normalizations: over rows (layer norm, RMS norm), and over groups of channels of [n, spatial, channels]
// (group norm; instance norm is one channel a group) in three kernels with a scratch between them.
import { splat } from "../lib/math";
import { LINE, reduceColumns, reduceLine, reduceRun } from "../lib/reduce";
import { Sum, SumSquare } from "../lib/reduce-functions";
import { madd } from "../lib/simd";
import { loadSome, storeLanes, storeSome } from "../lib/tail";

/**
 * y = (x − mean) / √(variance + epsilon) · scale + bias for rows begin … end of `cols` elements.
 * Where `centred` is 0 the mean is taken to be 0, which is RMS norm. `y` may be `x`.
 */
export function f32_layer_norm(
  y: usize,
  x: usize,
  scale: usize,
  bias: usize,
  cols: usize,
  epsilon: f32,
  centred: u32,
  begin: usize,
  end: usize,
): void {
  const rowBytes = cols << 2;
  const count = <f32>cols;
  for (let row = begin; row < end; row++) {
    const from = x + row * rowBytes;
    const mean: f32 = centred ? reduceRun<Sum>(from, cols, 0) / count : 0;
    const variance = reduceRun<SumSquare>(from, cols, mean) / count;
    affineRow(y + row * rowBytes, from, cols, splat(mean), splat(1 / sqrt(variance + epsilon)), scale, bias);
  }
}

/** y = (x − mean) · factor · scale + bias */
function affineRow(y: usize, x: usize, cols: usize, mean: v128, factor: v128, scale: usize, bias: usize): void {
  const end = x + (cols << 2);
  for (; x + 16 <= end; x += 16, y += 16, scale += 16, bias += 16) {
    const v = f32x4.mul(f32x4.sub(v128.load(x), mean), factor);
    v128.store(y, madd(v, v128.load(scale), v128.load(bias)));
  }
  if (x < end) {
    const lanes = (end - x) >> 2;
    const v = f32x4.mul(f32x4.sub(loadSome(x, lanes), mean), factor);
    storeSome(y, madd(v, loadSome(scale, lanes), loadSome(bias, lanes)), lanes);
  }
}

/**
 * Mean and mean square deviation of every channel of [n, spatial, channels]:
 *
 *   moments → | mean[channels] | variance[channels] |   for each n
 *
 * A unit is up to sixteen channels: n · ceil(channels / 16) units.
 */
export function f32_channel_moments(moments: usize, x: usize, spatial: usize, channels: usize, begin: usize, end: usize): void {
  const groups = (channels + LINE - 1) / LINE;
  const rowBytes = channels << 2;
  for (let unit = begin; unit < end; unit++) {
    const n = unit / groups;
    let channel = (unit - n * groups) * LINE;
    let from = x + n * spatial * rowBytes + (channel << 2);
    let means = moments + ((2 * n * channels + channel) << 2);
    if (channel + LINE <= channels) {
      reduceLine<Sum>(means, from, spatial, rowBytes, means);
      divide(means, LINE, <f32>spatial);
      reduceLine<SumSquare>(means + rowBytes, from, spatial, rowBytes, means);
      divide(means + rowBytes, LINE, <f32>spatial);
      continue;
    }
    for (; channel < channels; channel += 4, from += 16, means += 16) {
      const lanes = min(channels - channel, 4);
      const count = splat(<f32>spatial);
      const mean = f32x4.div(reduceColumns<Sum>(from, spatial, rowBytes, lanes, splat(0)), count);
      storeLanes(means, mean, lanes);
      const squares = reduceColumns<SumSquare>(from, spatial, rowBytes, lanes, mean);
      storeLanes(means + rowBytes, f32x4.div(squares, count), lanes);
    }
  }
}

function divide(y: usize, count: usize, by: f32): void {
  for (const end = y + (count << 2); y < end; y += 16) v128.store(y, f32x4.div(v128.load(y), splat(by)));
}

/**
 * Turns the moments of `n` samples in place into each channel's group mean and scale / √(group variance + epsilon).
 * A group is `size` neighbouring channels.
 */
export function f32_group_factors(moments: usize, scale: usize, n: usize, channels: usize, size: usize, epsilon: f32): void {
  const rowBytes = channels << 2;
  for (const end = moments + n * 2 * rowBytes; moments < end; moments += 2 * rowBytes) {
    for (let first: usize = 0; first < channels; first += size) {
      const means = moments + (first << 2);
      const variances = means + rowBytes;
      const mean = reduceRun<Sum>(means, size, 0) / <f32>size;
      const between = reduceRun<SumSquare>(means, size, mean);
      const variance = (reduceRun<Sum>(variances, size, 0) + between) / <f32>size;
      const factor = <f32>1 / sqrt(variance + epsilon);
      for (let i: usize = 0; i < size << 2; i += 4) {
        store<f32>(means + i, mean);
        store<f32>(variances + i, factor * load<f32>(scale + (first << 2) + i));
      }
    }
  }
}

/** y = (x − mean) · factor + bias for pixels begin … end of all samples; `y` may be `x`. */
export function f32_normalize_channels(
  y: usize,
  x: usize,
  factors: usize,
  bias: usize,
  spatial: usize,
  channels: usize,
  begin: usize,
  end: usize,
): void {
  const rowBytes = channels << 2;
  y += begin * rowBytes;
  x += begin * rowBytes;
  for (let pixel = begin; pixel < end; pixel++) {
    normalizePixel(y, x, factors + (pixel / spatial) * 2 * rowBytes, bias, rowBytes);
    y += rowBytes;
    x += rowBytes;
  }
}

// @ts-ignore: decorator
@inline
function normalizePixel(y: usize, x: usize, means: usize, bias: usize, rowBytes: usize): void {
  let at: usize = 0;
  for (; at + 16 <= rowBytes; at += 16) {
    const v = f32x4.sub(v128.load(x + at), v128.load(means + at));
    v128.store(y + at, madd(v, v128.load(means + rowBytes + at), v128.load(bias + at)));
  }
  if (at < rowBytes) {
    const lanes = (rowBytes - at) >> 2;
    const v = f32x4.sub(loadSome(x + at, lanes), loadSome(means + at, lanes));
    storeSome(y + at, madd(v, loadSome(means + rowBytes + at, lanes), loadSome(bias + at, lanes)), lanes);
  }
}
