// Attention over heads, as transformers have it: softmax(q · kᵀ · scale + mask) · v in one step.
import { check } from "../errors.ts";
import { sizeOf } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type KernelArgument, type LowerContext } from "./define.ts";
import { stridesOf } from "./moves.ts";
import { epilogueWords, panelFloats } from "./pack-f32.ts";
import { realsOf, writeReals } from "./real.ts";
import { broadcastStrides } from "./tile.ts";

/** Rows of q that are one unit of work: whole tiles of both tiers, and 18 KB of scores for 128 keys. 24 to 60 are as fast. */
const BLOCK_ROWS = 36;

/** An operand as batches of heads of rows, whichever of its axes come first. */
interface Heads {
  readonly batch: number;
  readonly heads: number;
  readonly rows: number;
  readonly depth: number;
  /** Elements from one batch, head and row to the next. */
  readonly strides: readonly [number, number, number];
}

/** `shape` is [batch, rows, heads, depth], or with heads first [batch, heads, rows, depth]; one head and one batch have no axis. */
function headsOf(shape: readonly number[], headsFirst: boolean): Heads {
  const rank = shape.length;
  check(rank >= 2 && rank <= 4, "shape", () => `attention takes operands of 2 to 4 axes, found ${rank}`);
  const strides = stridesOf(shape);
  const at = (axis: number) => ({ size: shape[axis] ?? 1, stride: strides[axis] ?? 0 });
  const [batch, head, row] = [at(rank > 2 ? 0 : -1), at(rank < 4 ? -1 : headsFirst ? 1 : 2), at(rank < 4 || headsFirst ? rank - 2 : 1)];
  return {
    ...{ batch: batch.size, heads: head.size, rows: row.size, depth: shape.at(-1)! },
    strides: [batch.stride, head.stride, row.stride],
  };
}

interface Attention {
  readonly q: Heads;
  readonly k: Heads;
  readonly v: Heads;
  /** Strides of the mask, 0 where it is the same for all. */
  readonly mask: readonly [number, number, number];
  readonly scale: number;
}

/** Equal, as far as both are known. */
const agree = (a: number, b: number): boolean => Number.isNaN(a) || Number.isNaN(b) || a === b;

/** A mask's axes as [batch, heads, rows, keys]; beside operands without heads it has none. */
function maskOf(shape: readonly number[], rank: number): readonly number[] {
  const all = rank === 3 && shape.length === 3 ? shape.toSpliced(1, 0, 1) : shape;
  return [...Array<number>(Math.max(4 - all.length, 0)).fill(1), ...all];
}

/** Throws `shape` where the operands do not fit. */
function attentionOf(ctx: InferContext | LowerContext | HostContext): Attention {
  const headsFirst = ctx.attributes.boolean("headsFirst", false);
  const rank = ctx.input(0).shape.length;
  const [q, k, v] = [0, 1, 2].map((i) => headsOf(ctx.input(i).shape, headsFirst)) as [Heads, Heads, Heads];
  const isSame = (other: Heads) => agree(q.batch, other.batch) && agree(q.heads, other.heads) && agree(k.rows, other.rows);
  check(
    isSame(k) && isSame(v) && agree(q.depth, k.depth) && [1, 2].every((i) => ctx.input(i).shape.length === rank),
    "shape",
    () => "q, k and v must have one batch and as many heads, q and k rows of one length, k and v as many rows",
  );
  const scores = [q.batch, q.heads, q.rows, k.rows];
  const mask = ctx.inputs[3] && maskOf(ctx.inputs[3].shape, rank);
  const isBroadcast = (dim: number, i: number) => dim === 1 || agree(dim, scores[i]!);
  check(
    !mask || (mask.length === 4 && mask.every(isBroadcast) && agree(mask[3]!, k.rows)),
    "shape",
    () => `a mask [${ctx.inputs[3]!.shape}] cannot be added to scores [${scores}] (batch, heads, rows of q, rows of k)`,
  );
  const [batch, head, row] = mask ? broadcastStrides(mask, scores) : [0, 0, 0];
  return { q, k, v, mask: [batch!, head!, row!], scale: ctx.attributes.number("scale", 1) };
}

const floatBits = (value: number): number => new Int32Array(new Float32Array([value]).buffer)[0]!;

/** y = softmax(q · kᵀ · scale + mask) · v for every batch and head. */
export const attention = defineOp({
  name: "attention",
  inPlace: [0],
  infer(ctx: InferContext) {
    const { v } = attentionOf(ctx);
    const { dataType, shape } = ctx.input(0);
    return [{ dataType, shape: shape.with(-1, v.depth) }];
  },
  lower(ctx: LowerContext) {
    const { q, k, v, mask, scale } = attentionOf(ctx);
    const y = ctx.output(0);
    if ([0, 1, 2].some((i) => ctx.input(i).size === 0)) return false;
    if (ctx.inputs.some((input) => input && input.dataType !== "float32")) return false;
    const out = headsOf(y.shape, ctx.attributes.boolean("headsFirst", false));
    const words = [q.heads, q.rows, k.rows, q.depth, v.depth, BLOCK_ROWS, floatBits(scale)];
    const shape = ctx.table(Int32Array.of(...words, ...out.strides, ...q.strides, ...k.strides, ...v.strides, ...mask));
    const floats = panelFloats(k.rows, q.depth) + panelFloats(v.depth, k.rows) + BLOCK_ROWS * k.rows;
    const operands: KernelArgument[] = [0, 1, 2].map((i) => ctx.input(i).pointer);
    const args = [...operands, ctx.inputs[3]?.pointer ?? 0, ctx.table(epilogueWords({})), shape, ctx.scratch(floats * 4)];
    const heads = q.batch * q.heads;
    const cost = { flops: 2 * heads * q.rows * k.rows * (q.depth + v.depth) };
    ctx.emitSplit("f32_attention", heads * Math.ceil(q.rows / BLOCK_ROWS), [y.pointer, ...args] as never, cost);
  },
  host(ctx: HostContext) {
    const { q, k, v, mask, scale } = attentionOf(ctx);
    const [x, keys, values] = [0, 1, 2].map((i) => realsOf(ctx.input(i), ctx.inputQuants[i])) as [
      ArrayLike<number>,
      ArrayLike<number>,
      ArrayLike<number>,
    ];
    const added = ctx.inputs[3] && realsOf(ctx.inputs[3], ctx.inputQuants[3]);
    const y = new Float64Array(sizeOf(ctx.outputs[0]!.shape));
    const toY = headsOf(ctx.outputs[0]!.shape, ctx.attributes.boolean("headsFirst", false)).strides;
    for (let i = 0; i < q.batch * q.heads * q.rows; i++) {
      const [batch, head, row] = [Math.floor(i / (q.heads * q.rows)), Math.floor(i / q.rows) % q.heads, i % q.rows];
      const start = (strides: Heads["strides"], at: number) => batch * strides[0] + head * strides[1] + at * strides[2];
      const weights = Array.from({ length: k.rows }, (_, key) => {
        let score = 0;
        for (let p = 0; p < q.depth; p++) score += x[start(q.strides, row) + p]! * keys[start(k.strides, key) + p]!;
        return score * scale + (added ? added[start(mask, row) + key]! : 0);
      });
      const top = weights.reduce((best, weight) => Math.max(best, weight), -Infinity);
      const total = weights.reduce((sum, weight) => sum + Math.exp(weight - top), 0);
      for (let p = 0; p < v.depth; p++)
        for (let key = 0; key < k.rows; key++)
          y[start(toY, row) + p]! += (Math.exp(weights[key]! - top) / total) * values[start(v.strides, key) + p]!;
    }
    writeReals(ctx.outputs[0]!, y, ctx.outputQuants[0]);
  },
});
