// Pooling of floats [n, height, width, channels] by windows that may hang over the edges.
import { splat } from "../lib/math";
import { AveragePool, MaxPool } from "../lib/pool-functions";
import { clamp } from "../lib/simd";
import { loadLanes, storeLanes } from "../lib/tail";
import { WindowAxis } from "../lib/window";

/** y = the largest element of each window, clamped to [lo, hi], for output rows begin … end of all samples. */
export function f32_max_pool(
  y: usize,
  x: usize,
  vertical: usize,
  horizontal: usize,
  channels: usize,
  lo: f32,
  hi: f32,
  begin: usize,
  end: usize,
): void {
  poolRows<MaxPool>(y, x, vertical, horizontal, channels, lo, hi, begin, end);
}

/** y = the sum of each window over the number of taps it counts, otherwise as f32_max_pool. */
export function f32_average_pool(
  y: usize,
  x: usize,
  vertical: usize,
  horizontal: usize,
  channels: usize,
  lo: f32,
  hi: f32,
  begin: usize,
  end: usize,
): void {
  poolRows<AveragePool>(y, x, vertical, horizontal, channels, lo, hi, begin, end);
}

// @ts-ignore: decorator
@inline
function poolRows<F>(
  y: usize,
  x: usize,
  vertical: usize,
  horizontal: usize,
  channels: usize,
  lo: f32,
  hi: f32,
  begin: usize,
  end: usize,
): void {
  const rows = changetype<WindowAxis>(vertical);
  const cols = changetype<WindowAxis>(horizontal);
  const pixelBytes = <i32>channels << 2;
  const rowBytes = cols.input * pixelBytes;
  const tapBytes = cols.dilation * pixelBytes;
  const lastTap = (cols.kernel - 1) * cols.dilation;
  const low = splat(lo);
  const high = splat(hi);
  y += begin * <usize>(cols.output * pixelBytes);
  for (let unit = begin; unit < end; unit++) {
    const n = <i32>unit / rows.output;
    const top = rows.start(<i32>unit - n * rows.output);
    const skipped = rows.tapsBefore(top, 0);
    const height = max(rows.tapsBefore(top, rows.input) - skipped, 0);
    const down = rows.counted(top);
    const xRow = x + (n * rows.input + top + skipped * rows.dilation) * rowBytes;
    for (let col = 0; col < cols.output; col++) {
      const left = cols.start(col);
      // Windows inside the image, which are most, do without the divisions.
      let hidden = 0, width = cols.kernel, across = width;
      if (left < 0 || left + lastTap >= cols.input) {
        hidden = cols.tapsBefore(left, 0);
        width = max(cols.tapsBefore(left, cols.input) - hidden, 0);
        across = cols.counted(left);
      }
      const counted = splat(<f32>max(down * across, 1));
      const from = xRow + (left + hidden * cols.dilation) * pixelBytes;
      if (width == 2) poolTaps<F>(2, y, from, channels, height, rows.dilation * rowBytes, tapBytes, counted, low, high);
      else if (width == 3) poolTaps<F>(3, y, from, channels, height, rows.dilation * rowBytes, tapBytes, counted, low, high);
      else poolPixel<F>(y, from, channels, height, width, rows.dilation * rowBytes, tapBytes, counted, low, high);
      y += pixelBytes;
    }
  }
}

/** One output pixel: a window of height × width taps, eight channels at a time, then up to four. */
function poolPixel<F>(
  y: usize,
  x: usize,
  channels: usize,
  height: usize,
  width: usize,
  rowStrideBytes: usize,
  tapStrideBytes: usize,
  counted: v128,
  lo: v128,
  hi: v128,
): void {
  const f = changetype<F>(0);
  const end = y + (channels << 2);
  for (; y + 32 <= end; y += 32, x += 32) {
    let acc0 = f.neutral();
    let acc1 = acc0;
    for (let row: usize = 0, xRow = x; row < height; row++, xRow += rowStrideBytes)
      for (let tap = xRow, last = xRow + width * tapStrideBytes; tap < last; tap += tapStrideBytes) {
        acc0 = f.join(v128.load(tap), acc0);
        acc1 = f.join(v128.load(tap, 16), acc1);
      }
    v128.store(y, clamp(f.finish(acc0, counted), lo, hi));
    v128.store(y, clamp(f.finish(acc1, counted), lo, hi), 16);
  }
  for (; y < end; y += 16, x += 16) {
    const lanes = min((end - y) >> 2, 4);
    let acc = f.neutral();
    for (let row: usize = 0, xRow = x; row < height; row++, xRow += rowStrideBytes)
      for (let tap = xRow, last = xRow + width * tapStrideBytes; tap < last; tap += tapStrideBytes)
        acc = f.join(loadLanes(tap, lanes), acc);
    storeLanes(y, clamp(f.finish(acc, counted), lo, hi), lanes);
  }
}

/** `poolPixel` for windows of two or three taps across, a constant, which need no loop where channels are whole eights. */
// @ts-ignore: decorator
@inline
function poolTaps<F>(
  taps: i32,
  y: usize,
  x: usize,
  channels: usize,
  height: usize,
  rowStrideBytes: usize,
  tapStrideBytes: usize,
  counted: v128,
  lo: v128,
  hi: v128,
): void {
  const f = changetype<F>(0);
  const end = y + (channels << 2);
  for (; y + 32 <= end; y += 32, x += 32) {
    let acc0 = f.neutral();
    let acc1 = acc0;
    for (let row: usize = 0, xRow = x; row < height; row++, xRow += rowStrideBytes) {
      let tap = xRow;
      acc0 = f.join(v128.load(tap), acc0);
      acc1 = f.join(v128.load(tap, 16), acc1);
      tap += tapStrideBytes;
      acc0 = f.join(v128.load(tap), acc0);
      acc1 = f.join(v128.load(tap, 16), acc1);
      if (taps == 3) {
        tap += tapStrideBytes;
        acc0 = f.join(v128.load(tap), acc0);
        acc1 = f.join(v128.load(tap, 16), acc1);
      }
    }
    v128.store(y, clamp(f.finish(acc0, counted), lo, hi));
    v128.store(y, clamp(f.finish(acc1, counted), lo, hi), 16);
  }
  if (y < end) poolPixel<F>(y, x, (end - y) >> 2, height, taps, rowStrideBytes, tapStrideBytes, counted, lo, hi);
}
