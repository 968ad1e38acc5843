// Convolutions as their definitions say, with float64 sums: the references of the convolution kernels.

import fc from "fast-check";

/** A two-dimensional convolution. Channels count all groups. */
export interface Conv {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** y NHWC = x NHWC ∗ weights OHWI + bias. */
export function naiveConv(x: Float32Array, weights: Float32Array, bias: ArrayLike<number> | undefined, conv: Conv): Float64Array {
  const inGroup = conv.inChannels / conv.groups;
  const outGroup = conv.outChannels / conv.groups;
  const y = new Float64Array(conv.batch * conv.outHeight * conv.outWidth * conv.outChannels);
  for (let at = 0; at < y.length; at++) {
    const o = at % conv.outChannels;
    const ox = Math.floor(at / conv.outChannels) % conv.outWidth;
    const line = Math.floor(at / conv.outChannels / conv.outWidth);
    const oy = line % conv.outHeight;
    const image = Math.floor(line / conv.outHeight);
    const first = Math.floor(o / outGroup) * inGroup;
    let sum = bias ? bias[o]! : 0;
    for (let ky = 0; ky < conv.kernelHeight; ky++) {
      const iy = oy * conv.strideHeight - conv.padTop + ky * conv.dilationHeight;
      if (iy < 0 || iy >= conv.inHeight) continue;
      for (let kx = 0; kx < conv.kernelWidth; kx++) {
        const ix = ox * conv.strideWidth - conv.padLeft + kx * conv.dilationWidth;
        if (ix < 0 || ix >= conv.inWidth) continue;
        const pixel = ((image * conv.inHeight + iy) * conv.inWidth + ix) * conv.inChannels + first;
        const tap = ((o * conv.kernelHeight + ky) * conv.kernelWidth + kx) * inGroup;
        for (let c = 0; c < inGroup; c++) sum += x[pixel + c]! * weights[tap + c]!;
      }
    }
    y[at] = sum;
  }
  return y;
}

/** Output size along one axis. */
export const outSize = (size: number, kernel: number, stride: number, dilation: number, pads: number): number =>
  Math.floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1;

const pair = (low: number, high: number) => fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));

/** Convolutions of awkward sizes whose output has at least one pixel; what is given here is not drawn. */
export const convolutions = (given: Partial<Conv>): fc.Arbitrary<Conv> =>
  fc
    .record({
      batch: fc.constantFrom(1, 1, 2),
      size: pair(1, 14),
      kernel: pair(1, 5),
      stride: pair(1, 3),
      dilation: pair(1, 2),
      before: pair(0, 2),
      after: pair(0, 2),
      groups: fc.constantFrom(1, 1, 2, 3),
      inGroup: fc.constantFrom(1, 2, 3, 4, 5, 8, 9),
      outGroup: fc.constantFrom(1, 3, 4, 8, 9, 17),
    })
    .map(({ batch, size, kernel, stride, dilation, before, after, groups, inGroup, outGroup }): Conv => {
      const conv = {
        batch,
        inHeight: size[0],
        inWidth: size[1],
        inChannels: groups * inGroup,
        outChannels: groups * outGroup,
        groups,
        kernelHeight: kernel[0],
        kernelWidth: kernel[1],
        strideHeight: stride[0],
        strideWidth: stride[1],
        dilationHeight: dilation[0],
        dilationWidth: dilation[1],
        padTop: before[0],
        padLeft: before[1],
        ...given,
      };
      return {
        ...conv,
        outHeight: outSize(conv.inHeight, conv.kernelHeight, conv.strideHeight, conv.dilationHeight, conv.padTop + after[0]),
        outWidth: outSize(conv.inWidth, conv.kernelWidth, conv.strideWidth, conv.dilationWidth, conv.padLeft + after[1]),
      };
    })
    .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);
