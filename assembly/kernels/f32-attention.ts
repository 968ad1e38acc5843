// Attention: softmax(Q · Kᵀ · scale + mask) · V, head by head and a block of rows at a time, so that the scores of a
// block stay in the cache and are never a tensor. Operands are read where a layer left them, heads side by side or not.
import { gemm } from "../lib/f32-bands";
import { Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";
import { f32_pack_panels } from "./f32-matmul";
import { f32_softmax } from "./f32-softmax";

/** Elements from one batch, head and row of an operand to the next. */
@unmanaged
class HeadStrides {
  batch: usize;
  head: usize;
  row: usize;

  /** Bytes from the operand's start to a row. */
  bytesTo(batch: usize, head: usize, row: usize): usize {
    return (batch * this.batch + head * this.head + row * this.row) << 2;
  }
}

/** What an attention says once, as 32-bit words in memory; the strides of y, q, k, v and mask come after it. */
@unmanaged
class AttentionShape {
  heads: usize;
  /** Rows of Q, of K and V, elements in a row of Q and K, in a row of V. */
  rows: usize;
  keys: usize;
  depth: usize;
  valueDepth: usize;
  /** Rows of Q in a unit. */
  blockRows: usize;
  scale: f32;

  strides(operand: usize): HeadStrides {
    return changetype<HeadStrides>(changetype<usize>(this) + offsetof<AttentionShape>() + operand * offsetof<HeadStrides>());
  }
}

/**
 * Units [begin, end) of batch · heads · ceil(rows / blockRows). `mask` may be 0; a row of it has `keys` neighbours.
 * `epilogue` is one that does nothing. `y` may be `q` where their strides are the same.
 *   scratch: | panels of Kᵀ · scale | panels of V | scores of blockRows rows |
 */
export function f32_attention(
  y: usize,
  q: usize,
  k: usize,
  v: usize,
  mask: usize,
  epilogue: Epilogue,
  shape: AttentionShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  const rowBytes = shape.keys << 2;
  const keyPanels = (shape.keys + PANEL - 1) / PANEL;
  const valuePanels = (shape.valueDepth + PANEL - 1) / PANEL;
  const values = scratch + keyPanels * panelBytes(shape.depth);
  const scores = values + valuePanels * panelBytes(shape.keys);
  const toY = shape.strides(0);
  const toQ = shape.strides(1);
  const toK = shape.strides(2);
  const toV = shape.strides(3);
  const toMask = shape.strides(4);
  const blocks = (shape.rows + shape.blockRows - 1) / shape.blockRows;
  let packed: usize = -1;
  for (let unit = begin; unit < end; unit++) {
    const item = unit / blocks;
    const batch = item / shape.heads;
    const head = item % shape.heads;
    const row = (unit % blocks) * shape.blockRows;
    const rows = min(shape.blockRows, shape.rows - row);
    if (item != packed) {
      f32_pack_panels(scratch, k + toK.bytesTo(batch, head, 0), 0, shape.keys, shape.depth, 1, toK.row, shape.scale, 0, keyPanels);
      f32_pack_panels(values, v + toV.bytesTo(batch, head, 0), 0, shape.valueDepth, shape.keys, toV.row, 1, 1, 0, valuePanels);
      packed = item;
    }
    const added = mask ? mask + toMask.bytesTo(batch, head, row) : 0;
    gemm(scores, q + toQ.bytesTo(batch, head, row), scratch, added, epilogue, rows, shape.keys, shape.depth, rowBytes, toQ.row << 2, toMask.row << 2);
    f32_softmax(scores, scores, shape.keys, 1, 0, 0, rows);
    gemm(y + toY.bytesTo(batch, head, row), scores, values, 0, epilogue, rows, shape.valueDepth, shape.keys, toY.row << 2, rowBytes, 0);
  }
}
