// Blocks of pixels to channels and back, on NHWC: transpositions of a tensor seen with six dimensions.
import { check } from "../errors.ts";
import type { OpDef } from "./define.ts";
import { defineMoveOp, stridesOf } from "./moves.ts";

const nhwc = (shape: readonly number[]): readonly [number, number, number, number] => {
  check(shape.length === 4, "shape", () => `expected N, H, W, C, found [${shape}]`);
  return shape as [number, number, number, number];
};

const whole = (dim: number, divisor: number, name: string): number => {
  check(Number.isNaN(dim) || dim % divisor === 0, "shape", () => `${name} ${dim} is not a multiple of ${divisor}`);
  return dim / divisor;
};

export const depthToSpace = defineMoveOp({
  name: "depth_to_space",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    const [n, h, w, c] = nhwc(shape);
    const block = ctx.attributes.number("block");
    return [{ dataType, shape: [n, h * block, w * block, whole(c, block * block, "the number of channels")] }];
  },
  moves(ctx, x, y, yStrides) {
    const [n, h, w] = nhwc(x.shape);
    const channels = y.shape[3]!;
    const block = ctx.attributes.number("block");
    const blockFirst = ctx.attributes.string("mode", "dcr") === "dcr";
    const [xn, xh, xw] = stridesOf(x.shape) as [number, number, number];
    const [yn, yh, yw] = yStrides as [number, number, number];
    const xBlock = blockFirst ? channels : 1;
    const axes = [
      { size: n, yStride: yn, xStride: xn },
      { size: h, yStride: yh * block, xStride: xh },
      { size: block, yStride: yh, xStride: xBlock * block },
      { size: w, yStride: yw * block, xStride: xw },
      { size: block, yStride: yw, xStride: xBlock },
      { size: channels, yStride: 1, xStride: blockFirst ? 1 : block * block },
    ];
    return [{ axes, y: 0, x: 0 }];
  },
});

export const spaceToDepth = defineMoveOp({
  name: "space_to_depth",
  infer(ctx) {
    const { dataType, shape } = ctx.input(0);
    const [n, h, w, c] = nhwc(shape);
    const block = ctx.attributes.number("block");
    return [{ dataType, shape: [n, whole(h, block, "the height"), whole(w, block, "the width"), c * block * block] }];
  },
  moves(ctx, x, y, yStrides) {
    const [n, h, w] = nhwc(y.shape);
    const channels = x.shape[3]!;
    const block = ctx.attributes.number("block");
    const [xn, xh, xw] = stridesOf(x.shape) as [number, number, number];
    const [yn, yh, yw] = yStrides as [number, number, number];
    const axes = [
      { size: n, yStride: yn, xStride: xn },
      { size: h, yStride: yh, xStride: xh * block },
      { size: w, yStride: yw, xStride: xw * block },
      { size: block, yStride: channels * block, xStride: xh },
      { size: block, yStride: channels, xStride: xw },
      { size: channels, yStride: 1, xStride: 1 },
    ];
    return [{ axes, y: 0, x: 0 }];
  },
});

export const SPACE_OPS: readonly OpDef[] = [depthToSpace, spaceToDepth];
