// What kernels on the relaxed tier's dot product of bytes can be held to in this engine.
import { DotKind } from "../../src/ops/codes.ts";
import { KernelBench } from "./kernels.ts";

/** What the dot product of bytes computes here. */
export const DOT_KIND: DotKind = new KernelBench("relaxed", 1 << 16).kernels.x8_dot_kind();

/** Node 20 has the instruction behind a flag, and computes it wrongly even where the specification leaves nothing open. */
export const IS_DOT_BROKEN = Number(process.versions.v8.split(".")[0]) < 12;

/** What says so in the name of a test that is skipped. */
export const DOT_NOTE = IS_DOT_BROKEN
  ? "V8 before 12 computes it wrongly: not run"
  : DOT_KIND === DotKind.inexact
    ? "inexact in this engine: not run"
    : `${DotKind[DOT_KIND]} in this engine`;

/** Activations for which every engine is exact: those whose bits, as the instruction reads them, are 0 … 127. */
export const SEVEN_BITS = [
  { flip: 0, name: "0 … 127", toExact: (value: number) => value & 127 },
  { flip: 128, name: "−128 … −1, read as unsigned", toExact: (value: number) => value | -128 },
] as const;

/** Brings a weight to where this engine's products are exact for all activations. */
export const toExactWeight = (weight: number): number => (DOT_KIND === DotKind.signed ? Math.max(weight, -127) : weight);

/** What this engine needs the bits of activations to be changed by. */
export const DOT_FLIP = DOT_KIND === DotKind.unsigned ? 128 : 0;
