// Dense convolution in float32: windows copied into rows by bands that stay in the cache, times packed weights.
import { gemm } from "../lib/f32-bands";
import { Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { ConvShape, copyWindows } from "../lib/f32-windows";

/**
 * y = epilogue(x ∗ w + bias, residual) for the output pixels of [begin, end), counted over the whole batch.
 * `w` holds, for each group, the panels of its filters, with k = (ky, kx, input channel of the group).
 * `residual` may be 0. `scratch` holds the windows of `shape.bandRows` pixels of one group.
 */
export function f32_conv(
  y: usize,
  x: usize,
  w: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: ConvShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  const k = shape.kernelHeight * shape.kernelWidth * shape.groupChannels;
  const filters = shape.outChannels;
  const groupBytes = ((filters + PANEL - 1) / PANEL) * panelBytes(k);
  const ldy = shape.ldy * 4;
  const ldr = shape.ldr * 4;
  for (let pixel = begin; pixel < end; pixel += shape.bandRows) {
    const rows = min(shape.bandRows, end - pixel);
    const band = y + pixel * ldy;
    let panels = w;
    for (let group: usize = 0; group < shape.groups; group++) {
      copyWindows(scratch, x + group * shape.groupChannels * 4, pixel, rows, shape);
      const column = group * filters * 4;
      const r = residual ? residual + pixel * ldr + column : 0;
      gemm(band + column, scratch, panels, r, epilogue, rows, filters, k, ldy, k * 4, ldr);
      panels += groupBytes;
    }
  }
}
