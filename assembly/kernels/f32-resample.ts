// Weighted resampling along one axis: linear, cubic and antialiased resizing are this, once an axis.
import { splat } from "../lib/math";
import { madd } from "../lib/simd";
import { loadLanes, storeLanes } from "../lib/tail";

/**
 * y[outer][o][inner] = Σ weights[o][t] · x[outer][index[o][t]][inner] over `taps` taps, for rows (outer, o)
 * begin … end. An index is int32.
 */
export function f32_resample(
  y: usize,
  x: usize,
  index: usize,
  weights: usize,
  taps: usize,
  inSize: usize,
  outSize: usize,
  inner: usize,
  begin: usize,
  end: usize,
): void {
  const rowBytes = inner << 2;
  y += begin * rowBytes;
  for (let unit = begin; unit < end; unit++) {
    const outer = unit / outSize;
    const first = ((unit - outer * outSize) * taps) << 2;
    const from = x + outer * inSize * rowBytes;
    if (inner == 1) store<f32>(y, tapOne(from, index + first, weights + first, taps));
    else resampleRow(y, from, index + first, weights + first, taps, inner);
    y += rowBytes;
  }
}

// @ts-ignore: decorator
@inline
function tapOne(x: usize, index: usize, weights: usize, taps: usize): f32 {
  let acc: f32 = 0;
  for (let at: usize = 0; at < taps << 2; at += 4)
    acc += load<f32>(weights + at) * load<f32>(x + (<usize>load<u32>(index + at) << 2));
  return acc;
}

/** Two taps, the linear case, keep their weights in registers. */
function resampleRow(y: usize, x: usize, index: usize, weights: usize, taps: usize, inner: usize): void {
  const rowBytes = inner << 2;
  const end = y + rowBytes;
  if (taps == 2) {
    let x0 = x + <usize>load<u32>(index) * rowBytes;
    let x1 = x + <usize>load<u32>(index, 4) * rowBytes;
    const w0 = v128.load32_splat(weights);
    const w1 = v128.load32_splat(weights, 4);
    for (; y < end; y += 16, x0 += 16, x1 += 16) {
      const lanes = min((end - y) >> 2, 4);
      storeLanes(y, madd(loadLanes(x1, lanes), w1, f32x4.mul(loadLanes(x0, lanes), w0)), lanes);
    }
    return;
  }
  for (; y < end; y += 16, x += 16) {
    const lanes = min((end - y) >> 2, 4);
    let acc = splat(0);
    for (let at: usize = 0; at < taps << 2; at += 4)
      acc = madd(loadLanes(x + <usize>load<u32>(index + at) * rowBytes, lanes), v128.load32_splat(weights + at), acc);
    storeLanes(y, acc, lanes);
  }
}
