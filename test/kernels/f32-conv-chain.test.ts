import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UnaryCode } from "../../src/ops/codes.ts";
import { depthwiseFloats, epilogueWords, type Finish, packDepthwise, packFilters, panelFloats } from "../../src/ops/pack-f32.ts";
import { putConvShape, randomFloats } from "../support/f32-matrix.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";
import { convolutions } from "../support/naive-conv.ts";

/** Channels before and after the depthwise convolution; 0 where there is no 1 × 1 convolution on that side. */
const sides = fc.tuple(fc.constantFrom(0, 1, 3, 8, 10), fc.constantFrom(0, 1, 3, 8, 17));

const depthwise = fc.constantFrom(1, 3, 4, 8, 17).chain((channels) =>
  fc.boolean().chain((isSquare) =>
    convolutions({
      ...{ inChannels: channels, outChannels: channels, groups: channels },
      ...(isSquare && { kernelHeight: 3, kernelWidth: 3, strideHeight: 2, strideWidth: 2, dilationHeight: 1, dilationWidth: 1 }),
    }),
  ),
);

const finishes = fc.array(
  fc.constantFrom<Finish>({}, { lo: 0, hi: 1 }, { activation: UnaryCode.tanh }, { activation: UnaryCode.hardSwish, lo: -0.2 }),
  { minLength: 3, maxLength: 3 },
);

describe.each(TIERS)("f32_conv_chain, %s", (tier) => {
  const bench = new KernelBench(tier, 8 << 20);
  const { f32_conv_chain, f32_dwconv, f32_dwconv_square, f32_gemm } = bench.kernels;

  function putPanels(n: number, k: number, seed: number): number {
    const packed = new Float32Array(panelFloats(n, k));
    packFilters(packed, randomFloats(n * k, seed), randomFloats(n, seed + 1), n, k, 1);
    return bench.put(packed);
  }

  test("gives the bits of its convolutions one after another, in bands of any height and any split", () => {
    const property = fc.property(
      depthwise,
      sides,
      finishes,
      fc.integer({ min: 1, max: 6 }),
      fc.nat(40),
      fc.nat(2),
      fc.boolean(),
      (conv, [before, after], [first, middle, last], bandRows, cut, more, withResidual) => {
        bench.reset();
        const { inChannels: channels, kernelHeight: kernel, strideHeight: stride } = conv;
        const isSquare =
          (kernel === 3 || kernel === 5) &&
          kernel === conv.kernelWidth &&
          stride === conv.strideWidth &&
          stride <= 2 &&
          conv.dilationHeight * conv.dilationWidth === 1;
        const [lines, taps] = [conv.batch * conv.outHeight, kernel * conv.kernelWidth];
        const [inPixels, outPixels] = [conv.batch * conv.inHeight * conv.inWidth, lines * conv.outWidth];
        const [k, n] = [before || channels, after || channels];
        const ldy = n + more;
        const weights = new Float32Array(depthwiseFloats(channels, taps));
        packDepthwise(weights, randomFloats(channels * taps, 1), randomFloats(channels, 2), channels, taps);
        const [x, w] = [bench.put(randomFloats(inPixels * k, 3)), bench.put(weights)];
        const [expand, project] = [before && putPanels(channels, k, 4), after && putPanels(n, channels, 6)];
        const residual = withResidual ? bench.put(randomFloats(outPixels * n, 8)) : 0;
        const words = [first!, after ? middle! : last!, last!].map(epilogueWords);
        const finish = bench.put(Int32Array.from(words.flatMap((each) => [...each])));

        // one after another
        const [expanded, between] = [bench.alloc(inPixels * channels * 4), bench.alloc(outPixels * channels * 4)];
        const [apart, together] = [bench.alloc(outPixels * ldy * 4), bench.alloc(outPixels * ldy * 4)];
        if (before) f32_gemm(expanded, x, expand, 0, finish, channels, k, channels, k, 0, 0, inPixels);
        const dwconv = isSquare ? f32_dwconv_square : f32_dwconv;
        const alone = putConvShape(bench, conv, { ldy: after ? channels : ldy });
        dwconv(after ? between : apart, before ? expanded : x, w, after ? 0 : residual, finish + 20, alone, 0, lines);
        if (after) f32_gemm(apart, between, project, residual, finish + 40, n, channels, ldy, channels, n, 0, outPixels);

        const inRows = (bandRows - 1) * stride + (kernel - 1) * conv.dilationHeight + 1;
        const scratch = bench.alloc(((before ? inRows * conv.inWidth : 0) + (after ? bandRows * conv.outWidth : 0)) * channels * 4);
        const shape = putConvShape(bench, conv, { ldy: after ? channels : ldy, bandRows });
        const args = [together, x, expand, w, project, residual, finish, shape, k, n, ldy, scratch] as const;
        const at = cut % (lines + 1);
        f32_conv_chain(...args, at, lines);
        f32_conv_chain(...args, 0, at);
        bench.checkGuards();
        const rows = (y: number) => Array.from({ length: outPixels }, (_, i) => [...bench.f32(y + i * ldy * 4, n)]);
        expect(rows(together)).toEqual(rows(apart));
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
