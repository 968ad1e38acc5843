// Transposed convolution in float32. Output pixels that have the same remainder by the strides meet the same taps, so a
// transposed convolution is strideHeight × strideWidth dense convolutions with stride 1, each on its part of the taps and
// writing every so many pixels. src/ops/deconv-phases.ts makes the parts; the kernel computes one.
import { gemm } from "../lib/f32-bands";
import { Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { ConvShape, copyWindows } from "../lib/f32-windows";

/**
 * Rows [begin, end) of one part, counted over the whole batch: y + image · yImage + row · yRow + column · ldy
 * = epilogue(x ∗ w + bias). `padTop` and `padLeft` may be negative. `scratch` holds the windows of one row of one group.
 */
export function f32_deconv(
  y: usize,
  x: usize,
  w: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  const taps = shape.kernelHeight * shape.kernelWidth;
  const k = taps * shape.groupChannels;
  const filters = shape.outChannels;
  const groupBytes = ((filters + PANEL - 1) / PANEL) * panelBytes(k);
  const ldy = shape.ldy * 4;
  const pixels = shape.outWidth;
  // A window of one tap that starts at the first pixel is the input itself.
  const direct = taps == 1 && shape.groups == 1 && shape.padTop == 0 && shape.padLeft == 0 && pixels <= shape.inWidth;
  for (let row = begin; row < end; row++) {
    const image = row / shape.outHeight;
    const line = row % shape.outHeight;
    const to = y + (image * shape.yImage + line * shape.yRow) * 4;
    let panels = w;
    for (let group: usize = 0; group < shape.groups; group++) {
      let windows = scratch;
      if (direct && line < shape.inHeight) windows = x + (image * shape.inHeight + line) * shape.inWidth * k * 4;
      else copyWindows(scratch, x + group * shape.groupChannels * 4, row * pixels, pixels, shape);
      gemm(to + group * filters * 4, windows, panels, 0, epilogue, pixels, filters, k, ldy, k * 4, 0);
      panels += groupBytes;
    }
  }
}
