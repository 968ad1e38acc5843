// Where the maxima of windows stand, for models that put values back where they came from.
import { check } from "../errors.ts";
import type { TensorType } from "../graph/types.ts";
import { defineOp, type HostContext, type InferContext, type OpDef } from "./define.ts";
import { numbersOf } from "./host-elements.ts";
import { poolWindows, taps } from "./pool.ts";

/** Position of each maximum in x, counted over N, C, H, W (or N, C, W, H): x itself is N, H, W, C. */
export const maxPoolPositions = defineOp({
  name: "max_pool_positions",
  infer(ctx: InferContext): TensorType[] {
    const x = ctx.input(0);
    const [vertical, horizontal] = poolWindows(ctx.attributes, x);
    return [{ dataType: "int64", shape: [x.shape[0]!, vertical.output, horizontal.output, x.shape[3]!] }];
  },
  host(ctx: HostContext) {
    const [x, y] = [ctx.input(0), ctx.outputs[0]!];
    const [vertical, horizontal] = poolWindows(ctx.attributes, x);
    const [, height, width, channels] = x.shape as [number, number, number, number];
    const byColumn = ctx.attributes.boolean("byColumn", false);
    const values = numbersOf(x);
    for (let i = 0; i < y.data.length; i++) {
      const [channel, pixel] = [i % channels, Math.floor(i / channels)];
      const [n, row] = [Math.floor(pixel / horizontal.output / vertical.output), Math.floor(pixel / horizontal.output) % vertical.output];
      let [best, most] = [-1, Number.NEGATIVE_INFINITY];
      for (const iy of taps(vertical, row, [0, height]))
        for (const ix of taps(horizontal, pixel % horizontal.output, [0, width])) {
          const value = values[((n * height + iy) * width + ix) * channels + channel]!;
          if (best >= 0 && !(value > most)) continue;
          most = value;
          best = (n * channels + channel) * height * width + (byColumn ? ix * height + iy : iy * width + ix);
        }
      check(best >= 0, "shape", () => "a window lies in padding alone");
      y.data[i] = BigInt(best) as never;
    }
  },
});

export const POSITION_OPS: readonly OpDef[] = [maxPoolPositions];
