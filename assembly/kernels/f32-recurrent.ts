// What a recurrent layer does with its gates after the matrix products of a step.
import { sigmoid4, tanh4 } from "../lib/math";
import { loadLanes, storeLanes } from "../lib/tail";

/** Not inlined: five copies in one loop would not fit the registers. */
function sigmoid(x: v128): v128 {
  return sigmoid4(x);
}

function tanh(x: v128): v128 {
  return tanh4(x);
}

/**
 * A step of an LSTM for rows begin … end of a batch. `gates` holds input, output, forget and cell gate side by side,
 * `hidden` sums each:  c = σ(forget) · c + σ(input) · tanh(cell),  h = σ(output) · tanh(c).
 */
export function f32_lstm_cell(h: usize, c: usize, gates: usize, hidden: usize, begin: usize, end: usize): void {
  const bytes = hidden * 4;
  for (let row = begin; row < end; row++) {
    const g = gates + row * bytes * 4;
    for (let i: usize = 0; i < hidden; i += 4) {
      const lanes = min<usize>(4, hidden - i);
      const at = row * bytes + i * 4;
      const x = g + i * 4;
      const kept = f32x4.mul(sigmoid(loadLanes(x + bytes * 2, lanes)), loadLanes(c + at, lanes));
      const fresh = f32x4.mul(sigmoid(loadLanes(x, lanes)), tanh(loadLanes(x + bytes * 3, lanes)));
      const cell = f32x4.add(kept, fresh);
      storeLanes(c + at, cell, lanes);
      storeLanes(h + at, f32x4.mul(sigmoid(loadLanes(x + bytes, lanes)), tanh(cell)), lanes);
    }
  }
}

/** y = σ(reset gate) · h for rows begin … end; the gate is the second of three in `gates` plus that in `sums`. */
export function f32_gru_reset(y: usize, h: usize, gates: usize, sums: usize, hidden: usize, begin: usize, end: usize): void {
  const bytes = hidden * 4;
  for (let row = begin; row < end; row++) {
    const gate = row * bytes * 3 + bytes;
    for (let i: usize = 0; i < hidden; i += 4) {
      const lanes = min<usize>(4, hidden - i);
      const at = row * bytes + i * 4;
      const reset = sigmoid(f32x4.add(loadLanes(gates + gate + i * 4, lanes), loadLanes(sums + gate + i * 4, lanes)));
      storeLanes(y + at, f32x4.mul(reset, loadLanes(h + at, lanes)), lanes);
    }
  }
}

/**
 * A step of a GRU for rows begin … end. `gates` (of the input) and `sums` (of the state) hold update, reset and
 * candidate side by side:  n = tanh(gate + r · sum),  y = (1 − z) · n + z · h.  r is σ(reset) where `resetAfter`, else 1.
 */
export function f32_gru_cell(
  y: usize,
  h: usize,
  gates: usize,
  sums: usize,
  hidden: usize,
  resetAfter: u32,
  begin: usize,
  end: usize,
): void {
  const bytes = hidden * 4;
  for (let row = begin; row < end; row++) {
    const first = row * bytes * 3;
    for (let i: usize = 0; i < hidden; i += 4) {
      const lanes = min<usize>(4, hidden - i);
      const g = gates + first + i * 4;
      const s = sums + first + i * 4;
      const at = row * bytes + i * 4;
      const update = sigmoid(f32x4.add(loadLanes(g, lanes), loadLanes(s, lanes)));
      let sum = loadLanes(s + bytes * 2, lanes);
      if (resetAfter) sum = f32x4.mul(sigmoid(f32x4.add(loadLanes(g + bytes, lanes), loadLanes(s + bytes, lanes))), sum);
      const candidate = tanh(f32x4.add(loadLanes(g + bytes * 2, lanes), sum));
      const state = loadLanes(h + at, lanes);
      storeLanes(y + at, f32x4.add(candidate, f32x4.mul(update, f32x4.sub(state, candidate))), lanes);
    }
  }
}
