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
  const tapBytes = taps << 2;
  const outer = begin / outSize;
  let o = begin - outer * outSize;
  x += outer * inSize * rowBytes;
  y += begin * rowBytes;
  for (let unit = begin; unit < end; unit++) {
    const at = o * tapBytes;
    if (taps == 2) linearRow(y, x, index + at, weights + at, rowBytes);
    else resampleRow(y, x, index + at, weights + at, tapBytes, rowBytes);
    y += rowBytes;
    if (++o == outSize) {
      o = 0;
      x += inSize * rowBytes;
    }
  }
}

/** Two taps, whose weights stay in registers. */
// @ts-ignore: decorator
@inline
function linearRow(y: usize, x: usize, index: usize, weights: usize, rowBytes: usize): void {
  let x0 = x + <usize>load<u32>(index) * rowBytes;
  let x1 = x + <usize>load<u32>(index, 4) * rowBytes;
  if (rowBytes == 4) {
    store<f32>(y, load<f32>(x0) * load<f32>(weights) + load<f32>(x1) * load<f32>(weights, 4));
    return;
  }
  const w0 = v128.load32_splat(weights);
  const w1 = v128.load32_splat(weights, 4);
  const end = y + rowBytes;
  for (; y + 16 <= end; y += 16, x0 += 16, x1 += 16) v128.store(y, madd(v128.load(x1), w1, f32x4.mul(v128.load(x0), w0)));
  if (y < end) {
    const lanes = (end - y) >> 2;
    storeLanes(y, madd(loadLanes(x1, lanes), w1, f32x4.mul(loadLanes(x0, lanes), w0)), lanes);
  }
}

function resampleRow(y: usize, x: usize, index: usize, weights: usize, tapBytes: usize, rowBytes: usize): void {
  for (const end = y + rowBytes; y < end; y += 16, x += 16) {
    const lanes = min((end - y) >> 2, 4);
    let acc = splat(0);
    for (let at: usize = 0; at < tapBytes; at += 4)
      acc = madd(loadLanes(x + <usize>load<u32>(index + at) * rowBytes, lanes), v128.load32_splat(weights + at), acc);
    storeLanes(y, acc, lanes);
  }
}
