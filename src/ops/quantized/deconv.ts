// conv_transpose2d on int8: cut into dense convolutions with stride 1 (deconv-phases.ts), each a layer of its own, whose
// pixels are then put where they belong.
import type { Convolution } from "../conv-geometry.ts";
import { type AxisPhase, type DeconvPart, deconvParts } from "../deconv-phases.ts";
import { type LowerContext, offsetBy } from "../define.ts";
import { emitMove, moveOver } from "../moves.ts";
import { isQuantizedWeight, isSymmetric } from "./conv.ts";
import type { ConvGeometry, ConvOutput, ConvWeights } from "./conv-shape.ts";
import { emitLayer, packingKey } from "./layer.ts";
import { boundsOf, channelScales, stepsOf } from "./steps.ts";

/** One axis of a part as a convolution: the taps that its window holds, undefined where a weight is zero. */
interface Window {
  readonly taps: readonly (number | undefined)[];
  readonly dilation: number;
  readonly pad: number;
}

function windowOf({ taps, start, step }: AxisPhase): Window {
  if (taps.length === 0) return { taps: [undefined], dilation: 1, pad: 0 };
  if (start <= 0) return { taps, dilation: step, pad: -start };
  // a window that begins after the first pixel has zeros before
  const at = new Map(taps.map((tap, i) => [start + i * step, tap]));
  return { taps: Array.from({ length: start + (taps.length - 1) * step + 1 }, (_, i) => at.get(i)), dilation: 1, pad: 0 };
}

function geometryOf(c: Convolution, { down, across }: DeconvPart): ConvGeometry {
  const { batch: _, ...same } = c;
  const [rows, columns] = [windowOf(down), windowOf(across[0]!)];
  return {
    ...same,
    ...{ outHeight: down.count, outWidth: across[0]!.count, outChannels: c.outChannels * across.length },
    ...{ kernelHeight: rows.taps.length, dilationHeight: rows.dilation, padTop: rows.pad, strideHeight: 1 },
    ...{ kernelWidth: columns.taps.length, dilationWidth: columns.dilation, padLeft: columns.pad, strideWidth: 1 },
  };
}

/** The part's weights OHWI: all outputs of the first remainder across, then of the next. */
function weightsOf(c: Convolution, { down, across }: DeconvPart, all: ConvWeights): ConvWeights {
  const [filters, channels] = [c.outChannels, c.inChannels / c.groups];
  const rows = windowOf(down).taps;
  const repeated = (list: ArrayLike<number>): number[] => across.flatMap(() => Array.from(list));
  const weight: number[] = [];
  for (const phase of across)
    for (let filter = 0; filter < filters; filter++) {
      const zero = (all.zeros.length === 1 ? all.zeros[0] : all.zeros[filter]) ?? 0;
      for (const ky of rows)
        for (const kx of windowOf(phase).taps)
          for (let i = 0; i < channels; i++) {
            const from = (filter * c.kernelHeight + (ky ?? 0)) * c.kernelWidth + (kx ?? 0);
            weight.push(ky === undefined || kx === undefined ? zero : all.weight[from * channels + i]!);
          }
    }
  return {
    weight: Int8Array.from(weight),
    zeros: all.zeros.length === 1 ? all.zeros : repeated(all.zeros),
    bias: all.bias && repeated(all.bias),
    scales: all.scales.length === 1 ? all.scales : repeated(all.scales),
  };
}

/** Kernel steps of a transposed convolution of int8 by constant int8; false where no kernel takes it. */
export function lowerQuantizedDeconv(ctx: LowerContext, c: Convolution): boolean {
  const [x, weight, bias, y] = [ctx.input(0), ctx.input(1), ctx.inputs[2], ctx.output(0)];
  const [from, to] = [stepsOf(x), stepsOf(y)];
  if (!isQuantizedWeight(weight) || !from || !to || (bias && (!bias.known || bias.dataType !== "int32"))) return false;
  if (ctx.inputs[3] || ctx.attributes.has("activation")) return false;
  const terms = bias?.known as ArrayLike<number> | undefined;
  const scales = channelScales(from, weight.quant, to);
  const all = (): ConvWeights => ({ weight: weight.known as Int8Array, zeros: weight.quant.zeroPoint, bias: terms, scales });
  const [lo, hi] = boundsOf(ctx.attributes, to);
  const isDirect = c.strideHeight * c.strideWidth === 1;
  for (const part of deconvParts(c, true)) {
    const geometry = geometryOf(c, part);
    const { outHeight, outWidth, outChannels } = geometry;
    const target = isDirect ? y.pointer : ctx.scratch(c.batch * outHeight * outWidth * outChannels);
    const ldy = isDirect ? y.rowStride : outChannels;
    const output: ConvOutput = { kind: "int8", ldy, xZero: from.zero, yZero: to.zero, lo, hi, rowScaleStep: 0 };
    const windows = [part.down, ...part.across].map((phase) => `[${windowOf(phase).taps}]`).join("");
    const key = `deconv ${windows} ${packingKey("int8", terms, scales)}`;
    const weights = () => weightsOf(c, part, all());
    const common = { owner: weight, isSymmetric: isSymmetric(weight.quant), images: c.batch, rowScale: 0 };
    emitLayer(ctx, { ...common, geometry, x: x.pointer, y: target, output, weights, key });
    if (isDirect) continue;
    const [pixels, row] = [outWidth * part.across.length, c.outWidth * y.rowStride];
    const step = part.across.length > 1 ? 1 : c.strideWidth;
    const shape = [c.batch, outHeight, pixels, c.outChannels];
    const yStrides = [c.outHeight * row, c.strideHeight * row, step * y.rowStride, 1];
    const xStrides = [outHeight * outWidth * outChannels, outWidth * outChannels, c.outChannels, 1];
    const first = part.down.first * row + part.across[0]!.first * y.rowStride;
    emitMove(ctx, offsetBy(y.pointer, first), target, 1, moveOver(shape, yStrides, xStrides));
  }
  return true;
}
