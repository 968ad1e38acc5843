// Normalizations: over rows (layer norm, RMS norm), and over groups of channels of [n, spatial, channels]
// (group norm; instance norm is one channel a group) in three kernels with a scratch between them.
import { splat } from "../lib/math";
import { reduceColumns, reduceRun } from "../lib/reduce";
import { Sum, SumSquare } from "../lib/reduce-functions";
import { madd } from "../lib/simd";
import { loadLanes, storeLanes } from "../lib/tail";

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
  do {
    const lanes = min((end - x) >> 2, 4);
    const v = f32x4.mul(f32x4.sub(loadLanes(x, lanes), mean), factor);
    storeLanes(y, madd(v, loadLanes(scale, lanes), loadLanes(bias, lanes)), lanes);
    x += 16;
    y += 16;
    scale += 16;
    bias += 16;
  } while (x < end);
}

/**
 * Mean and mean square deviation of every channel of [n, spatial, channels]:
 *
 *   moments → | mean[channels] | variance[channels] |   for each n
 *
 * A unit is up to four channels: n · ceil(channels / 4) units.
 */
export function f32_channel_moments(moments: usize, x: usize, spatial: usize, channels: usize, begin: usize, end: usize): void {
  const groups = (channels + 3) >> 2;
  const rowBytes = channels << 2;
  const count = splat(<f32>spatial);
  for (let unit = begin; unit < end; unit++) {
    const n = unit / groups;
    const channel = (unit - n * groups) << 2;
    const lanes = min(channels - channel, 4);
    const from = x + n * spatial * rowBytes + (channel << 2);
    const to = moments + ((2 * n * channels + channel) << 2);
    const mean = f32x4.div(reduceColumns<Sum>(from, spatial, rowBytes, lanes, splat(0)), count);
    const squares = reduceColumns<SumSquare>(from, spatial, rowBytes, lanes, mean);
    storeLanes(to, mean, lanes);
    storeLanes(to + rowBytes, f32x4.div(squares, count), lanes);
  }
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
  for (let pixel = begin; pixel < end; pixel++) {
    const means = factors + (pixel / spatial) * 2 * rowBytes;
    for (let channel: usize = 0; channel < channels; channel += 4) {
      const at = channel << 2;
      const lanes = min(channels - channel, 4);
      const v = f32x4.sub(loadLanes(x + pixel * rowBytes + at, lanes), loadLanes(means + at, lanes));
      const factor = loadLanes(means + rowBytes + at, lanes);
      storeLanes(y + pixel * rowBytes + at, madd(v, factor, loadLanes(bias + at, lanes)), lanes);
    }
  }
}
