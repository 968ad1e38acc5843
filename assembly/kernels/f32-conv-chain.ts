// A depthwise convolution in float32 with the 1 × 1 convolutions before and after it, by bands of output rows, so that
// what lies between them stays in the cache. It computes what the kernels of each do one after another, bit for bit.
//
// Scratch, the first part only with `expand`, the second only with `project`; a row is one of `shape.inChannels` channels:
//   | expanded: (bandRows − 1) · stride + extent of the kernel, rows of inWidth pixels | middle: bandRows rows of outWidth pixels |
import { gemm } from "../lib/f32-bands";
import { Epilogue } from "../lib/f32-epilogue";
import { ConvShape } from "../lib/f32-windows";
import { f32_dwconv, f32_dwconv_square } from "./f32-dwconv";

/** True where f32_dwconv_square takes the kernel. */
function isSquare(shape: ConvShape): bool {
  const size = shape.kernelHeight;
  if (size != shape.kernelWidth || (size != 3 && size != 5) || shape.dilationHeight != 1 || shape.dilationWidth != 1) return false;
  return shape.strideHeight == shape.strideWidth && shape.strideHeight <= 2;
}

/**
 * Output rows [begin, end), counted over the whole batch, of y = project(depthwise(expand(x))).
 * `expand` and `project`: panels of B[inChannels, shape.inChannels] and B[shape.inChannels, outChannels], or 0 for a chain
 * without. `residual` belongs to the last convolution, and may be 0. `finish`: the epilogues of the three, one after
 * another. `shape`: the depthwise convolution; `shape.ldy` is `ldy` where it is the last one, else its channels;
 * `shape.bandRows` counts output rows. `ldy`: elements between two pixels of y.
 */
export function f32_conv_chain(
  y: usize,
  x: usize,
  expand: usize,
  depthwise: usize,
  project: usize,
  residual: usize,
  finish: usize,
  shape: ConvShape,
  inChannels: usize,
  outChannels: usize,
  ldy: usize,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  const channels = shape.inChannels, height = shape.inHeight, outHeight = shape.outHeight, outWidth = shape.outWidth;
  const stride = shape.strideHeight;
  const extent = (shape.kernelHeight - 1) * shape.dilationHeight + 1;
  const pixelBytes = channels * 4, xBytes = inChannels * 4, yBytes = ldy * 4, rBytes = outChannels * 4;
  const rowBytes = shape.inWidth * pixelBytes;
  const middle = expand ? scratch + ((shape.bandRows - 1) * stride + extent) * rowBytes : scratch;
  const ofExpand = changetype<Epilogue>(finish);
  const ofDepthwise = changetype<Epilogue>(finish + offsetof<Epilogue>());
  const ofProject = changetype<Epilogue>(finish + 2 * offsetof<Epilogue>());
  const square = isSquare(shape);
  // Rows of the image, from `top` on, that lie expanded in scratch.
  let top: isize = 0, held: isize = 0;
  for (let line = begin; line < end; ) {
    const image = line / outHeight, first = line - image * outHeight;
    const rows = min(min(shape.bandRows, outHeight - first), end - line);
    let from = x;
    if (expand) {
      const start = <isize>(first * stride) - <isize>shape.padTop;
      const next = min<isize>(max<isize>(start, 0), height);
      const until = max(min<isize>(start + <isize>((rows - 1) * stride + extent), height), next);
      held = first && line > begin ? max<isize>(top + held - next, 0) : 0;
      if (held) memory.copy(scratch, scratch + (next - top) * rowBytes, held * rowBytes);
      top = next;
      const a = x + (image * height + top + held) * shape.inWidth * xBytes;
      const pixels = (until - top - held) * shape.inWidth;
      gemm(scratch + held * rowBytes, a, expand, 0, ofExpand, pixels, channels, inChannels, pixelBytes, xBytes, 0);
      held = until - top;
      from = scratch - (image * height + top) * rowBytes;
    }
    const to = project ? middle - line * outWidth * pixelBytes : y;
    const r = project ? 0 : residual;
    if (square) f32_dwconv_square(to, from, depthwise, r, ofDepthwise, shape, line, line + rows);
    else f32_dwconv(to, from, depthwise, r, ofDepthwise, shape, line, line + rows);
    if (project) {
      const pixel = line * outWidth;
      const last = residual ? residual + pixel * rBytes : 0;
      gemm(y + pixel * yBytes, middle, project, last, ofProject, rows * outWidth, outChannels, channels, yBytes, pixelBytes, rBytes);
    }
    line += rows;
  }
}
