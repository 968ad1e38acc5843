// Convolutions in TypeScript, on the real numbers that elements stand for: any data type, slowly.
import type { Convolution } from "./conv-geometry.ts";
import type { HostContext } from "./define.ts";
import { finishReals } from "./finish-reals.ts";
import { realsOf, writeReals } from "./real.ts";

/** Calls `visit` for every (output pixel, input pixel, tap) that meet, all as indices of pixels and taps. */
function forEachTap(c: Convolution, isTransposed: boolean, visit: (y: number, x: number, tap: number) => void): void {
  const [steps, others] = isTransposed
    ? [
        [c.inHeight, c.inWidth],
        [c.outHeight, c.outWidth],
      ]
    : [
        [c.outHeight, c.outWidth],
        [c.inHeight, c.inWidth],
      ];
  const [height, width] = steps as [number, number];
  const [otherHeight, otherWidth] = others as [number, number];
  for (let pixel = 0; pixel < c.batch * height * width; pixel++) {
    const image = Math.floor(pixel / width / height);
    const top = (Math.floor(pixel / width) % height) * c.strideHeight - c.padTop;
    const left = (pixel % width) * c.strideWidth - c.padLeft;
    for (let tap = 0; tap < c.kernelHeight * c.kernelWidth; tap++) {
      const row = top + Math.floor(tap / c.kernelWidth) * c.dilationHeight;
      const column = left + (tap % c.kernelWidth) * c.dilationWidth;
      if (row < 0 || row >= otherHeight || column < 0 || column >= otherWidth) continue;
      const other = (image * otherHeight + row) * otherWidth + column;
      if (isTransposed) visit(other, pixel, tap);
      else visit(pixel, other, tap);
    }
  }
}

/** Computes output 0 of a convolution, transposed or not, with everything that is fused to it. */
export function computeConvolution(ctx: HostContext, c: Convolution, isTransposed: boolean): void {
  const [x, weights] = [realsOf(ctx.input(0), ctx.inputQuants[0]), realsOf(ctx.input(1), ctx.inputQuants[1])];
  const [inGroup, outGroup] = [c.inChannels / c.groups, c.outChannels / c.groups];
  const taps = c.kernelHeight * c.kernelWidth;
  const sums = new Float64Array(c.batch * c.outHeight * c.outWidth * c.outChannels);
  forEachTap(c, isTransposed, (to, from, tap) => {
    for (let filter = 0; filter < c.outChannels; filter++) {
      const at = from * c.inChannels + Math.floor(filter / outGroup) * inGroup;
      const weight = (filter * taps + tap) * inGroup;
      let sum = 0;
      for (let channel = 0; channel < inGroup; channel++) sum += x[at + channel]! * weights[weight + channel]!;
      sums[to * c.outChannels + filter]! += sum;
    }
  });
  writeReals(ctx.outputs[0]!, finishReals(ctx, sums, c.outChannels), ctx.outputQuants[0]);
}
