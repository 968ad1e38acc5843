// The passes in their order. Each stage is repeated until it changes nothing, so that a pass need not care what
// another one leaves behind.
import { checkGraph } from "../graph/check.ts";
import type { Graph } from "../graph/types.ts";
import { ALL_OPS } from "../ops/index.ts";
import type { OpTable } from "../plan/infer.ts";
import { absorbParameters } from "./absorb-parameters.ts";
import { cancelTransposes } from "./cancel-transposes.ts";
import { factorSums } from "./factor-sums.ts";
import { foldConstants } from "./fold-constants.ts";
import { fuseActivation, fuseClamp } from "./fuse-activation.ts";
import { fuseAffine } from "./fuse-affine.ts";
import { fuseAttention, fuseHeads } from "./fuse-attention.ts";
import { fuseCrop, fuseDilation } from "./fuse-dilation.ts";
import { fuseAlpha, fuseTransposedOperand, fuseTransposeIntoDense } from "./fuse-matmul.ts";
import { fuseNorm } from "./fuse-norm.ts";
import { fusePad } from "./fuse-pad.ts";
import { fuseResidual, sinkReshapePastResidual } from "./fuse-residual.ts";
import { factorOut, fuseScale } from "./fuse-scale.ts";
import { gatherOneHot } from "./gather-one-hot.ts";
import { mergeScalars } from "./merge-scalars.ts";
import { foldViews, mergeReshapes, mergeTransposes, turnTransposesIntoReshapes } from "./merge-views.ts";
import { nameValues } from "./name-values.ts";
import { cancelQuantization, cancelRecentering, removeNeedlessClamps } from "./quantize/cancel-quantization.ts";
import { fuseDynamicLayers } from "./quantize/fuse-dynamic.ts";
import { keepNarrowWeights } from "./quantize/keep-narrow-weights.ts";
import { fuseQuantizedBias, quantizeLayers } from "./quantize/quantize-layers.ts";
import { dequantizeAfterConcat, dequantizeAfterMoves, dequantizeReshaped, quantizeOperators } from "./quantize/quantize-operators.ts";
import { dequantizeBeforeMoves, readDequantizeLinear, readQuantizeLinear } from "./quantize/read-linear.ts";
import { recognizeActivations, recognizeLeakyRelu } from "./recognize-activations.ts";
import { recognizeNorms } from "./recognize-norms.ts";
import { removeNoOps } from "./remove-no-ops.ts";
import { type Pass, Rewriter } from "./rewrite.ts";
import { foldDimensions, removeNeedlessExpands, settleExpands, settleReshapes } from "./settle-shapes.ts";
import { shareConstants, shareNodes } from "./share-common.ts";
import { sinkReshapes, sinkReshapesPastMatmul } from "./sink-reshapes.ts";
import { widenFloat16 } from "./widen-float16.ts";

const removeDead: Pass = (graph) => graph.removeDead();

const CLEAN: readonly Pass[] = [
  absorbParameters,
  foldDimensions,
  settleReshapes,
  settleExpands,
  removeNeedlessExpands,
  foldConstants,
  foldViews,
  mergeReshapes,
  mergeTransposes,
  removeNoOps,
  shareNodes,
  removeDead,
];

/** After the transposes: what is left of them no longer matters. */
const SETTLE: readonly Pass[] = [turnTransposesIntoReshapes, sinkReshapes, sinkReshapesPastMatmul, ...CLEAN];

const RECOGNIZE: readonly Pass[] = [fuseDynamicLayers, recognizeNorms, recognizeActivations, recognizeLeakyRelu, removeDead];

const FUSE: readonly Pass[] = [
  fuseTransposedOperand,
  fuseTransposeIntoDense,
  fusePad,
  fuseCrop,
  fuseAffine,
  mergeScalars,
  factorOut,
  fuseScale,
  fuseAlpha,
  fuseAttention,
  fuseHeads,
  fuseNorm,
  factorSums,
  sinkReshapePastResidual,
  fuseResidual,
  fuseClamp,
  fuseActivation,
];

const QUANTIZE: readonly Pass[] = [
  dequantizeBeforeMoves,
  readDequantizeLinear,
  readQuantizeLinear,
  dequantizeReshaped,
  dequantizeAfterMoves,
  dequantizeAfterConcat,
  fuseQuantizedBias,
  quantizeLayers,
  quantizeOperators,
  cancelQuantization,
  cancelRecentering,
  removeNeedlessClamps,
];

/** Passes that run in turns until nothing changes. */
export const STAGES: readonly (readonly Pass[])[] = [
  [fuseDilation, ...CLEAN],
  [...RECOGNIZE, ...CLEAN],
  [cancelTransposes, ...CLEAN],
  SETTLE,
  [...RECOGNIZE, ...SETTLE],
  [...FUSE, ...SETTLE],
  [gatherOneHot, ...SETTLE],
  [...QUANTIZE, ...SETTLE],
  [keepNarrowWeights, removeDead, shareConstants, shareNodes, nameValues],
];

/** More rounds than this mean that two passes undo each other. */
const MAX_ROUNDS = 50;

/**
 * A smaller graph that computes the same; `graph` stays as it is. `after` is called when a pass is done.
 * Throws `shape` when the graph is inconsistent (checkGraph).
 */
export function optimizeGraph(graph: Graph, ops: OpTable = ALL_OPS, after?: (graph: Graph) => void): Graph {
  checkGraph(graph);
  const rewriter = new Rewriter(widenFloat16(graph, ops), ops);
  /** The changes that there were when a pass found nothing to do: it need not look again before the next. */
  const idle = new Map<Pass, number>();
  for (const [i, passes] of STAGES.entries()) {
    if (i > 0) rewriter.inferTypes();
    for (let round = 0, changes = -1; changes !== rewriter.changes && round < MAX_ROUNDS; round++) {
      changes = rewriter.changes;
      for (const pass of passes) {
        const before = rewriter.changes;
        if (idle.get(pass) === before) continue;
        pass(rewriter);
        if (rewriter.changes === before) idle.set(pass, before);
        if (after) after(rewriter.finish());
      }
    }
  }
  return rewriter.finish();
}
