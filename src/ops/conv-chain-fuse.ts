// Finds the convolutions of a plan that are better off as a chain (conv-chain.ts).
import { type Attributes, type Node, sizeOf, type Value } from "../graph/types.ts";
import { bandOf, chainOf, prefixOf, RESIDUAL, STAGES, type Stage } from "./conv-chain-shape.ts";
import { type Convolution, convolutionOf, isDepthwise, isPointwise } from "./conv-geometry.ts";
import { AttributeReader, type FuseContext } from "./define.ts";
import { isStrassenCheaper } from "./product-cost.ts";

type Chain = { readonly depthwise: Node } & { readonly [S in Stage]?: Node };

/**
 * Bytes between two convolutions from which on they are a chain. Time of the convolutions apart over the chain's, on one
 * core of a Zen 4 with 1 MB of second-level cache, relaxed · simd128 (3×3; /2: stride 2):
 *
 * | layer | expand, depthwise | depthwise, project | all three |
 * |---|---|---|---|
 * | 112×112, 16→96 /2 →24 | 1.30 · 1.08 | 1.15 · 1.06 | 1.13 · 1.14 |
 * | 56×56, 24→144→24 | 1.20 · 1.06 | 1.03 · 1.11 | 1.11 · 1.03 |
 * | 56×56, 64→128→128 | 1.08 · 1.05 | 1.07 · 1.08 | 1.04 · 1.06 |
 * | 112×112, 32→64 /2 | 1.06 · 1.00 | | |
 * | 112×112, 32→64 | | 1.05 · 1.02 | |
 * | 160×160, 16→16 | 1.00 · 1.00 | 1.02 · 1.01 | |
 * | 28×28, 128→256→256 | 1.01 · 1.02 | 1.02 · 1.01 | 1.01 · 1.03 |
 * | 28×28, 32→192→32 | 1.02 · 1.01 | 1.01 · 1.04 | 1.01 · 1.03 |
 * | 14×14, 512→512→512 | 1.00 · 1.00 | 1.01 · 1.00 | |
 * | 48×48 /2 8→16, 25×5 64→64, 7×7 1024→1024 | 1.00 · 1.00 | 1.00 · 1.00 | |
 *
 * Within a model, where the layer before has just used the memory, less is won; a middle that the second-level cache
 * keeps (28×28×256: 0.98) loses, and the largest middles decide the arena anyway. As chosen, MobileNet v2 takes 0.99 of
 * the time and 0.44 of the arena, MobileNet v1 the same time and 0.67 of the arena.
 */
const JOINT_BYTES = 1 << 20;

const bytesOf = (ctx: FuseContext, value: Value | null | undefined): number => (value ? sizeOf(ctx.type(value).shape) * 4 : 0);

/** Large products win more by Strassen's algorithm than by bands. */
function isStrassenFaster({ memory, tier }: FuseContext, c: Convolution): boolean {
  const [m, n, k] = [c.batch * c.outHeight * c.outWidth, c.outChannels, c.inChannels];
  return memory === "fast" && isStrassenCheaper(m, n, k, tier);
}

/** What a conv2d can be in a chain: float32 with known weights. */
function kindOf(ctx: FuseContext, { op, inputs, outputs, attributes }: Node): "pointwise" | "depthwise" | undefined {
  const [x, weight, bias] = inputs;
  if (op !== "conv2d" || !x || !weight || !ctx.isKnown(weight) || (bias && !ctx.isKnown(bias))) return undefined;
  if ([x, weight, outputs[0]!].some((value) => ctx.type(value).dataType !== "float32") || bytesOf(ctx, outputs[0]) === 0) return undefined;
  const c = convolutionOf(new AttributeReader(attributes), ctx.type(x), ctx.type(weight));
  if (isDepthwise(c)) return "depthwise";
  return isPointwise(c) && !isStrassenFaster(ctx, c) ? "pointwise" : undefined;
}

/** Pairs of a pointwise and a depthwise convolution, in either order, with nothing else between: the largest middle first. */
function jointsOf(ctx: FuseContext): { pointwise: Node; depthwise: Node; stage: Stage }[] {
  const kinds = new Map(ctx.nodes.map((node) => [node, kindOf(ctx, node)]));
  const makers = new Map(ctx.nodes.map((node) => [node.outputs[0], node]));
  const joints = ctx.nodes.flatMap((after) => {
    const before = makers.get(after.inputs[0] ?? null);
    const [first, second] = [before && kinds.get(before), kinds.get(after)];
    if (!before || !first || !second || first === second) return [];
    const middle = after.inputs[0]!;
    if (before.inputs[3] || ctx.useCount(middle) > 1 || bytesOf(ctx, middle) < JOINT_BYTES) return [];
    const [pointwise, depthwise, stage] = second === "depthwise" ? [before, after, "expand"] : [after, before, "project"];
    return [{ pointwise, depthwise, stage: stage as Stage, bytes: bytesOf(ctx, middle) }];
  });
  return joints.sort((a, b) => b.bytes - a.bytes);
}

function chainNode({ expand, depthwise, project }: Chain): Node {
  const parts = [expand, depthwise, project];
  const [first, last] = [expand ?? depthwise, project ?? depthwise];
  const prefixed = (node: Node | undefined, i: number): [string, Attributes[string]][] =>
    Object.entries(node?.attributes ?? {}).map(([name, value]) => [prefixOf(STAGES[i]!) + name, value]);
  return {
    op: "conv_chain",
    name: parts.flatMap((node) => node?.name ?? []).join(" + "),
    inputs: [first.inputs[0]!, ...parts.flatMap((node) => [node?.inputs[1] ?? null, node?.inputs[2] ?? null]), last.inputs[3] ?? null],
    outputs: last.outputs,
    attributes: Object.fromEntries(parts.flatMap(prefixed)),
  };
}

/** True where the chain needs no more memory than its convolutions one after another. */
function isSmaller(ctx: FuseContext, chain: Chain): boolean {
  const node = chainNode(chain);
  const types = node.inputs.map((value) => (value ? ctx.type(value) : undefined));
  const { scratchBytes } = bandOf(chainOf(new AttributeReader(node.attributes), types));
  const bytesAround = ({ inputs, outputs }: Node, residual: number) =>
    [inputs[0], outputs[0], inputs[residual]].reduce((sum, value) => sum + bytesOf(ctx, value), 0);
  const apart = Object.values(chain).map((part) => bytesAround(part, 3));
  return bytesAround(node, RESIDUAL) + scratchBytes <= Math.max(...apart);
}

/** The nodes of a plan with chains in them. */
export function fuseConvChains(ctx: FuseContext): readonly Node[] {
  const chains = new Map<Node, Chain>();
  const joined = new Set<Node>();
  for (const { pointwise, depthwise, stage } of jointsOf(ctx)) {
    const chain = { ...(chains.get(depthwise) ?? { depthwise }), [stage]: pointwise };
    if (joined.has(pointwise) || !isSmaller(ctx, chain)) continue;
    chains.set(depthwise, chain);
    joined.add(pointwise);
  }
  const fused = new Map([...chains.values()].map((chain) => [chain.project ?? chain.depthwise, chainNode(chain)]));
  return ctx.nodes.flatMap((node) => fused.get(node) ?? (joined.has(node) || chains.has(node) ? [] : [node]));
}
