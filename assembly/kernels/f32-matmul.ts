// Products of two activations: the second operand is packed into panels on the way.
import { gemm } from "../lib/f32-bands";
import { Epilogue } from "../lib/f32-epilogue";
import { PANEL, panelBytes } from "../lib/f32-panel";

/** Four rows of four columns of a panel, from four columns that are contiguous. */
function packSquare(to: usize, b: usize, colBytes: usize, scales: v128): void {
  const c0 = v128.load(b);
  const c1 = v128.load(b + colBytes);
  const c2 = v128.load(b + colBytes * 2);
  const c3 = v128.load(b + colBytes * 3);
  const low01 = f32x4.mul(v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), scales);
  const low23 = f32x4.mul(v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), scales);
  const high01 = f32x4.mul(v128.shuffle<i32>(c0, c1, 2, 6, 3, 7), scales);
  const high23 = f32x4.mul(v128.shuffle<i32>(c2, c3, 2, 6, 3, 7), scales);
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), PANEL * 4);
  v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), PANEL * 8);
  v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), PANEL * 12);
}

/** Rows first … last of one panel, from eight columns that lie `colBytes` apart; columns past `cols` are zero. */
function packPanel(to: usize, b: usize, k: usize, cols: usize, rowBytes: usize, colBytes: usize, scale: f32): void {
  const scales = f32x4.splat(scale);
  if (colBytes == 4 && cols == PANEL) {
    for (const end = to + k * PANEL * 4; to != end; to += PANEL * 4) {
      v128.store(to, f32x4.mul(v128.load(b), scales));
      v128.store(to, f32x4.mul(v128.load(b, 16), scales), 16);
      b += rowBytes;
    }
    return;
  }
  let row: usize = 0;
  if (rowBytes == 4 && cols == PANEL) {
    for (; row + 4 <= k; row += 4) {
      packSquare(to + row * PANEL * 4, b + row * 4, colBytes, scales);
      packSquare(to + row * PANEL * 4 + 16, b + row * 4 + colBytes * 4, colBytes, scales);
    }
  }
  for (let col: usize = 0; col < PANEL; col++) {
    let from = b + col * colBytes + row * rowBytes;
    let at = to + (row * PANEL + col) * 4;
    for (const end = to + (k * PANEL + col) * 4; at != end; at += PANEL * 4) {
      store<f32>(at, col < cols ? load<f32>(from) * scale : 0);
      from += rowBytes;
    }
  }
}

/**
 * Packs panels [begin, end) of scale · B[k, n], whose element (i, j) lies at b + i · rowStride + j · colStride (in
 * elements), with `bias`[n], or zeros where it is 0.
 */
export function f32_pack_panels(
  to: usize,
  b: usize,
  bias: usize,
  n: usize,
  k: usize,
  rowStride: usize,
  colStride: usize,
  scale: f32,
  begin: usize,
  end: usize,
): void {
  for (let panel = begin; panel < end; panel++) {
    const column = panel * PANEL;
    const cols = min(n - column, PANEL);
    const head = to + panel * panelBytes(k);
    memory.fill(head, 0, PANEL * 4);
    if (bias) memory.copy(head, bias + column * 4, cols * 4);
    packPanel(head + PANEL * 4, b + column * colStride * 4, k, cols, rowStride * 4, colStride * 4, scale);
  }
}

/** What a batch of products says once, as 32-bit words in memory. Strides count elements. */
@unmanaged
class MatmulShape {
  m: usize;
  n: usize;
  k: usize;
  ldy: usize;
  lda: usize;
  /** Element (i, j) of B lies at i · rowStride + j · colStride. */
  rowStride: usize;
  colStride: usize;
  /** B is multiplied by this. */
  scale: f32;
  /** Products in the inner one of the two batch dimensions, and the steps of Y, A and B along both. */
  inner: usize;
  yOuter: usize;
  aOuter: usize;
  bOuter: usize;
  yInner: usize;
  aInner: usize;
  bInner: usize;
  /** Elements between two rows of the residual, and its steps along the batch. */
  ldr: usize;
  rOuter: usize;
  rInner: usize;
}

/**
 * Products [begin, end) of a batch: Y = epilogue(A · scale · B + bias, residual). `bias` and `residual` may be 0.
 * `scratch` holds the panels of one B; a B that the next product shares is packed once.
 */
export function f32_matmul(
  y: usize,
  a: usize,
  b: usize,
  bias: usize,
  residual: usize,
  epilogue: Epilogue,
  shape: MatmulShape,
  scratch: usize,
  begin: usize,
  end: usize,
): void {
  const n = shape.n;
  const k = shape.k;
  let packed: usize = 0;
  for (let item = begin; item < end; item++) {
    const outer = item / shape.inner;
    const inner = item % shape.inner;
    const from = b + (outer * shape.bOuter + inner * shape.bInner) * 4;
    if (from != packed) {
      f32_pack_panels(scratch, from, bias, n, k, shape.rowStride, shape.colStride, shape.scale, 0, (n + PANEL - 1) / PANEL);
      packed = from;
    }
    const at = y + (outer * shape.yOuter + inner * shape.yInner) * 4;
    const rows = a + (outer * shape.aOuter + inner * shape.aInner) * 4;
    const r = residual ? residual + (outer * shape.rOuter + inner * shape.rInner) * 4 : 0;
    gemm(at, rows, scratch, r, epilogue, shape.m, n, k, shape.ldy * 4, shape.lda * 4, shape.ldr * 4);
  }
}
