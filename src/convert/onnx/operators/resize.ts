// Resize in its four versions, and Upsample before it.
import type { Attributes, Value } from "../../../graph/types.ts";
import { flag, float, floats, int, ints, text } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";

const given = (list: readonly number[] | undefined): readonly number[] | undefined => (list?.length ? list : undefined);

const RESIZE = {
  mode: text("nearest"),
  coordinate_transformation_mode: text("half_pixel"),
  nearest_mode: text("round_prefer_floor"),
  cubic_coeff_a: float(-0.75),
  exclude_outside: flag(false),
  extrapolation_value: float(0),
  antialias: flag(false),
  axes: ints(),
  keep_aspect_ratio_policy: text("stretch"),
};

const POLICIES: { readonly [name: string]: string } = { stretch: "stretch", not_larger: "not_larger", not_smaller: "not_smaller" };

const Resize = operator(RESIZE, (node, attributes) => {
  if (node.version < 11) return resizeAsymmetric(node, attributes.mode, node.elements(1));
  const common: Attributes = {
    mode: attributes.mode,
    coordinates: attributes.coordinate_transformation_mode,
    nearest: attributes.mode === "nearest" ? attributes.nearest_mode : undefined,
    cubicA: attributes.mode === "cubic" ? attributes.cubic_coeff_a : undefined,
    excludeOutside: attributes.exclude_outside || undefined,
    extrapolation: attributes.extrapolation_value === 0 ? undefined : attributes.extrapolation_value,
    antialias: attributes.antialias || undefined,
    axes: attributes.axes,
    keepAspect: attributes.keep_aspect_ratio_policy === "stretch" ? undefined : POLICIES[attributes.keep_aspect_ratio_policy],
  };
  const [roi, scales, sizes] = [given(node.elements(1)), given(node.elements(2)), given(node.elements(3))];
  const isEmpty = (index: number) =>
    !node.optional(index) || node.elements(index)?.length === 0 || node.type(node.input(index)).shape[0] === 0;
  const open = (index: number, known: unknown) => (known || isEmpty(index) ? null : node.input(index));
  const inputs = [node.input(0), open(1, roi), open(2, scales), open(3, sizes)];
  const usesRoi = attributes.coordinate_transformation_mode === "tf_crop_and_resize";
  return node.emit("resize", usesRoi ? inputs : inputs.with(1, null), { ...common, roi: usesRoi ? roi : undefined, scales, sizes });
});

/** Opset 10 and before: positions are multiples of the scale; nearest rounds down to enlarge, and up to shrink. */
function resizeAsymmetric(node: NodeContext, mode: string, scales: readonly number[] | undefined): Value {
  const attributes = {
    mode: mode === "bilinear" ? "linear" : mode,
    coordinates: "asymmetric",
    nearest: "simple",
    scales,
  };
  return node.emit("resize", scales ? [node.input(0)] : [node.input(0), null, node.input(1)], attributes);
}

const Upsample = operator(
  { mode: text("nearest"), scales: floats(), height_scale: float(), width_scale: float(), axis: int() },
  (node, attributes) => {
    const { mode, scales, height_scale, width_scale } = attributes;
    const oldest = height_scale !== undefined && width_scale !== undefined ? [1, 1, height_scale, width_scale] : undefined;
    return resizeAsymmetric(node, mode, scales ?? oldest ?? node.elements(1));
  },
);

export const RESIZE_OPERATORS: ImportTable = { Resize, Upsample };
