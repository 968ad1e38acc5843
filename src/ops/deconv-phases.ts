// Cuts a transposed convolution into dense ones with stride 1: output pixels r, r + stride, r + 2·stride … meet the same
// taps, at input pixels that move by one (see assembly/kernels/f32-deconv.ts).
import type { Convolution } from "./conv-geometry.ts";
import { packFilters, panelFloats } from "./pack-f32.ts";

/** One axis of a transposed convolution. */
export interface DeconvAxis {
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
}

/** The outputs of one remainder along one axis. */
export interface AxisPhase {
  /** First output pixel, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Taps of the kernel by growing input position; empty where nothing reaches these outputs. */
  readonly taps: readonly number[];
  /** Input pixel of the first tap for the first output, and the distance from tap to tap. */
  readonly start: number;
  readonly step: number;
}

const remainder = (a: number, b: number): number => ((a % b) + b) % b;

/** The phases of an axis that have outputs. */
export function axisPhases({ out, kernel, stride, dilation, pad }: DeconvAxis): AxisPhase[] {
  const phases: AxisPhase[] = [];
  for (let first = 0; first < Math.min(stride, out); first++) {
    const taps = Array.from({ length: kernel }, (_, tap) => kernel - 1 - tap).filter(
      (tap) => remainder(first + pad - tap * dilation, stride) === 0,
    );
    const positions = taps.map((tap) => (first + pad - tap * dilation) / stride);
    const step = positions.length > 1 ? positions[1]! - positions[0]! : 1;
    phases.push({ first, count: Math.ceil((out - first) / stride), taps, start: positions[0] ?? 0, step });
  }
  return phases;
}

/** True where all phases read the same input pixels, so that their outputs are neighbouring columns of one product. */
export const readAlike = (phases: readonly AxisPhase[], stride: number): boolean =>
  phases.length === stride &&
  phases.every(({ count, taps, start, step }) => {
    const [one] = phases;
    return count === one!.count && taps.length === one!.taps.length && start === one!.start && step === one!.step;
  });

/** Outputs that one dense convolution makes: of one remainder down, and of one across, or of all where those are one product. */
export interface DeconvPart {
  readonly down: AxisPhase;
  readonly across: readonly AxisPhase[];
}

/** The dense convolutions that make up a transposed one; `mayJoin` where neighbouring pixels may be neighbouring columns. */
export function deconvParts(c: Convolution, mayJoin: boolean): DeconvPart[] {
  const down = axisPhases({ out: c.outHeight, kernel: c.kernelHeight, stride: c.strideHeight, dilation: c.dilationHeight, pad: c.padTop });
  const across = axisPhases({ out: c.outWidth, kernel: c.kernelWidth, stride: c.strideWidth, dilation: c.dilationWidth, pad: c.padLeft });
  const isJoined = mayJoin && c.groups === 1 && readAlike(across, c.strideWidth);
  const parts = isJoined ? [across] : across.map((phase) => [phase]);
  return down.flatMap((phase) => parts.map((phases) => ({ down: phase, across: phases })));
}

/** Weights OHWI[filters, kernelHeight, kernelWidth, channels] of a transposed convolution; both counts are of one group. */
export interface DeconvWeights {
  readonly data: Float32Array;
  readonly bias: ArrayLike<number> | undefined;
  readonly filters: number;
  readonly channels: number;
  readonly groups: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
}

/** Taps along an axis as the kernel counts them: a phase without taps has one, of zeros. */
export const tapCount = ({ taps }: AxisPhase): number => Math.max(taps.length, 1);

/** Floats of the weights of one part, packed; `across` has several phases where those are neighbouring columns. */
export const phaseFloats = ({ filters, channels, groups }: DeconvWeights, down: AxisPhase, across: readonly AxisPhase[]): number =>
  groups * panelFloats(across.length * filters, tapCount(down) * tapCount(across[0]!) * channels);

/** Packs the weights of one part. */
export function packPhase(to: Float32Array, weights: DeconvWeights, down: AxisPhase, across: readonly AxisPhase[]): void {
  const { data, bias, filters, channels, groups, kernelHeight, kernelWidth } = weights;
  const k = tapCount(down) * tapCount(across[0]!) * channels;
  const columns = groups * across.length * filters;
  const rows = new Float32Array(columns * k);
  const rowBias = new Float32Array(columns);
  for (let column = 0; column < columns; column++) {
    const phase = across[Math.floor(column / filters) % across.length]!;
    const filter = Math.floor(column / filters / across.length) * filters + (column % filters);
    rowBias[column] = bias?.[filter] ?? 0;
    let at = column * k;
    for (const ky of down.taps)
      for (const kx of phase.taps) {
        const from = ((filter * kernelHeight + ky) * kernelWidth + kx) * channels;
        rows.set(data.subarray(from, from + channels), at);
        at += channels;
      }
  }
  packFilters(to, rows, rowBias, columns, k, groups);
}
