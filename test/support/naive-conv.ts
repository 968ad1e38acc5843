// Convolutions as their definitions say, with float64 sums: the references of the convolution kernels.

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
