// The parts of a chain of convolutions (conv-chain.ts): where they stand among inputs and attributes, and their sizes.
import type { TensorType } from "../graph/types.ts";
import { type Convolution, convolutionOf } from "./conv-geometry.ts";
import type { AttributeReader } from "./define.ts";

/** The convolutions in their order. `expand` and `project` are 1 × 1, and one of them may be absent. */
export const STAGES = ["expand", "depthwise", "project"] as const;
export type Stage = (typeof STAGES)[number];

/** Position of each one's weights among the inputs; its bias follows. */
export const WEIGHT: { readonly [S in Stage]: number } = { expand: 1, depthwise: 3, project: 5 };
export const RESIDUAL = 7;

/** What a part's attributes begin with. */
export const prefixOf = (stage: Stage): string => `${stage}.`;

export interface ConvChain {
  readonly expand: Convolution | undefined;
  readonly depthwise: Convolution;
  readonly project: Convolution | undefined;
}

export const imageOf = (c: Convolution): TensorType => ({
  dataType: "float32",
  shape: [c.batch, c.outHeight, c.outWidth, c.outChannels],
});

/** The convolutions that attributes and inputs say. Throws `shape`. */
export function chainOf(attributes: AttributeReader, inputs: readonly (TensorType | undefined)[]): ConvChain {
  const part = (stage: Stage, x: TensorType): Convolution | undefined => {
    const weight = inputs[WEIGHT[stage]];
    return weight && convolutionOf(attributes.within(prefixOf(stage)), x, weight);
  };
  const x = inputs[0]!;
  const expand = part("expand", x);
  const depthwise = part("depthwise", expand ? imageOf(expand) : x)!;
  return { expand, depthwise, project: part("project", imageOf(depthwise)) };
}

/**
 * Bytes of a band between two convolutions, at most, unless it is one row. With 64 KB and with 1 MB, the layers measured
 * in conv-chain-fuse.ts are up to 6 % slower.
 */
export const BAND_BYTES = 256 << 10;

/** Output rows of a band, all bands alike, and the scratch that they need. */
export function bandOf({ expand, depthwise: c, project }: ConvChain): { rows: number; scratchBytes: number } {
  const rowBytes = c.inWidth * c.inChannels * 4;
  const middleBytes = c.outWidth * c.outChannels * 4;
  const extent = (c.kernelHeight - 1) * c.dilationHeight + 1;
  const fitting = expand ? (BAND_BYTES / rowBytes - extent) / c.strideHeight + 1 : BAND_BYTES / middleBytes;
  const bands = Math.ceil(c.outHeight / Math.max(Math.floor(fitting), 1));
  const rows = Math.ceil(c.outHeight / bands);
  const expandedRows = (rows - 1) * c.strideHeight + extent;
  return { rows, scratchBytes: (expand ? expandedRows * rowBytes : 0) + (project ? rows * middleBytes : 0) };
}
