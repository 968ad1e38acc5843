// Reads of an image at positions that the model computes.
import { flag, float, int, text } from "../attributes.ts";
import { inChannelsLast } from "../layout.ts";
import { type ImportTable, operator } from "../node-context.ts";

const MODES: { readonly [name: string]: string } = { bilinear: "linear", bicubic: "cubic" };

const GridSample = operator(
  { mode: text("linear"), padding_mode: text("zeros"), align_corners: flag(false) },
  (node, { mode, padding_mode, align_corners }) =>
    inChannelsLast(node, node.input(0), (x) =>
      node.emit("grid_sample", [x, node.input(1)], { mode: MODES[mode] ?? mode, padding: padding_mode, alignCorners: align_corners }),
    ),
);

const ROI_ALIGN = {
  mode: text("avg"),
  output_height: int(1),
  output_width: int(1),
  sampling_ratio: int(0),
  spatial_scale: float(1),
  coordinate_transformation_mode: text("half_pixel"),
};

/** Before opset 16 regions were not moved by half a pixel. */
const RoiAlign = operator(ROI_ALIGN, (node, attributes) =>
  inChannelsLast(node, node.input(0), (x) =>
    node.emit("roi_align", [x, node.input(1), node.input(2)], {
      mode: attributes.mode,
      outputHeight: attributes.output_height,
      outputWidth: attributes.output_width,
      samplingRatio: attributes.sampling_ratio,
      spatialScale: attributes.spatial_scale,
      halfPixel: node.version >= 16 && attributes.coordinate_transformation_mode === "half_pixel",
    }),
  ),
);

export const SAMPLING: ImportTable = { GridSample, RoiAlign };
