// What a recurrent layer does with its gates after the matrix products of a step. The gates are used up: their
// activations take their place, because a function is fastest over a long run.
import { Sigmoid } from "../lib/exp-functions";
import { eachExp } from "../lib/exp-run";
import { loadLanes, storeLanes } from "../lib/tail";
import { tanhs } from "../lib/tanh";

function sigmoids(x: usize, count: usize): void {
  eachExp<Sigmoid>(x, x, count, -1, 0);
}

/** y += x */
function add(y: usize, x: usize, count: usize): void {
  for (const end = y + (count << 2); y < end; y += 16, x += 16) {
    const lanes = min((end - y) >> 2, 4);
    storeLanes(y, f32x4.add(loadLanes(y, lanes), loadLanes(x, lanes)), lanes);
  }
}

/** y = y · x */
function multiply(y: usize, x: usize, count: usize): void {
  for (const end = y + (count << 2); y < end; y += 16, x += 16) {
    const lanes = min((end - y) >> 2, 4);
    storeLanes(y, f32x4.mul(loadLanes(y, lanes), loadLanes(x, lanes)), lanes);
  }
}

/**
 * A step of an LSTM for rows begin … end of a batch. `gates` holds input, output, forget and cell gate side by side,
 * `hidden` sums each:  c = σ(forget) · c + σ(input) · tanh(cell),  h = σ(output) · tanh(c).
 */
export function f32_lstm_cell(h: usize, c: usize, gates: usize, hidden: usize, begin: usize, end: usize): void {
  const bytes = hidden * 4;
  for (let row = begin; row < end; row++) {
    const input = gates + row * bytes * 4;
    const output = input + bytes;
    const forget = output + bytes;
    const cell = forget + bytes;
    const state = c + row * bytes;
    const y = h + row * bytes;
    sigmoids(input, hidden * 3);
    tanhs(cell, cell, hidden);
    for (let at: usize = 0; at < bytes; at += 16) {
      const lanes = min((bytes - at) >> 2, 4);
      const kept = f32x4.mul(loadLanes(forget + at, lanes), loadLanes(state + at, lanes));
      const fresh = f32x4.mul(loadLanes(input + at, lanes), loadLanes(cell + at, lanes));
      storeLanes(state + at, f32x4.add(kept, fresh), lanes);
    }
    tanhs(y, state, hidden);
    multiply(y, output, hidden);
  }
}

/** y = σ(reset gate) · h for rows begin … end; the gate is the second of three in `gates` plus that in `sums`. */
export function f32_gru_reset(y: usize, h: usize, gates: usize, sums: usize, hidden: usize, begin: usize, end: usize): void {
  const bytes = hidden * 4;
  for (let row = begin; row < end; row++) {
    const gate = row * bytes * 3 + bytes;
    const reset = y + row * bytes;
    memory.copy(reset, gates + gate, bytes);
    add(reset, sums + gate, hidden);
    sigmoids(reset, hidden);
    multiply(reset, h + row * bytes, hidden);
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
    const gate = gates + row * bytes * 3;
    const update = sums + row * bytes * 3;
    const candidate = update + bytes * 2;
    const activated = resetAfter ? hidden * 2 : hidden;
    add(update, gate, activated);
    sigmoids(update, activated);
    if (resetAfter) multiply(candidate, update + bytes, hidden);
    add(candidate, gate + bytes * 2, hidden);
    tanhs(candidate, candidate, hidden);
    for (let at: usize = 0; at < bytes; at += 16) {
      const lanes = min((bytes - at) >> 2, 4);
      const n = loadLanes(candidate + at, lanes);
      const kept = f32x4.mul(loadLanes(update + at, lanes), f32x4.sub(loadLanes(h + row * bytes + at, lanes), n));
      storeLanes(y + row * bytes + at, f32x4.add(n, kept), lanes);
    }
  }
}
