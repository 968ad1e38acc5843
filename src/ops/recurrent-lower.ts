// The kernel calls of a recurrent layer with constant weights and the usual activations.
import { UnaryCode } from "./codes.ts";
import { type LowerContext, type Operand, offsetBy, type Pointer } from "./define.ts";
import { epilogueWords, PANEL, packPanels, panelFloats } from "./pack-f32.ts";
import { DEFAULT_ACTIVATIONS, type Recurrence, type RecurrentKind, recurrenceOf } from "./recurrent.ts";

/** Rows up to which a product is bound by reading the weights. */
const FEW_ROWS = 4;

/** Steps up to which a layer is unrolled. */
const MOST_STEPS = 4096;

interface Layer {
  readonly ctx: LowerContext;
  readonly kind: RecurrentKind;
  readonly form: Recurrence;
  readonly index: number;
  /** Bytes of one step's state, and of one step's gates. */
  readonly stateBytes: number;
  readonly gateBytes: number;
}

/** Weights of `rows` gates from gate `first` of a direction on. */
interface Packing {
  readonly key: string;
  readonly operand: Operand;
  readonly k: number;
  readonly first: number;
  readonly rows: number;
  /** The bias of an output row. */
  bias(row: number): number;
}

function packed({ ctx, form, index }: Layer, { key, operand, k, first, rows, bias }: Packing): Pointer {
  const given = ctx.inputs[3]?.known as Float32Array | undefined;
  return ctx.weights(operand, `${key} ${index}`, panelFloats(rows, k) * 4, ({ f32 }) => {
    const data = operand.known as Float32Array;
    const offset = (index * form.gates * form.hidden + first) * k;
    const biases = given && Float32Array.from({ length: rows }, (_, row) => bias(row));
    packPanels(f32, 0, { data, offset, n: rows, k, rowStride: 1, colStride: k }, biases);
  });
}

/** y[rows, n] = finish(a[rows, k] · weights + residual). */
function product(
  layer: Layer,
  y: Pointer,
  a: Pointer,
  weights: Pointer,
  residual: Pointer | 0,
  rows: number,
  n: number,
  k: number,
  ldy: number,
  activation = UnaryCode.none,
): void {
  const { ctx } = layer;
  const epilogue = ctx.table(epilogueWords({ activation }));
  const cost = { flops: 2 * rows * n * k };
  if (rows <= FEW_ROWS && activation === UnaryCode.none)
    ctx.emitSplit("f32_gemv", Math.ceil(n / PANEL), [y, a, weights, residual, epilogue, rows, n, k, ldy, k, ldy], cost);
  else ctx.emitSplit("f32_gemm", rows, [y, a, weights, residual, epilogue, n, k, ldy, k, ldy], cost);
}

/** One step: the state at `h` and the gates of this step's input give the new state at `next`. */
type EmitStep = (next: Pointer, h: Pointer, gates: Pointer) => void;

function rnnSteps(layer: Layer): EmitStep {
  const { ctx, form } = layer;
  const weights = packed(layer, { key: "state", operand: ctx.input(2), k: form.hidden, first: 0, rows: form.hidden, bias: () => 0 });
  return (next, h, gates) => product(layer, next, h, weights, gates, form.batch, form.hidden, form.hidden, form.hidden, UnaryCode.tanh);
}

function lstmSteps(layer: Layer, cell: Pointer): EmitStep {
  const { ctx, form } = layer;
  const { hidden, batch } = form;
  const weights = packed(layer, { key: "state", operand: ctx.input(2), k: hidden, first: 0, rows: 4 * hidden, bias: () => 0 });
  return (next, h, gates) => {
    product(layer, gates, h, weights, gates, batch, 4 * hidden, hidden, 4 * hidden);
    ctx.emitSplit("f32_lstm_cell", batch, [next, cell, gates, hidden]);
  };
}

function gruSteps(layer: Layer): EmitStep {
  const { ctx, form } = layer;
  const { hidden, batch, resetAfter } = form;
  const operand = ctx.input(2);
  const stateBias = biasReader(layer, 1);
  const sums = ctx.scratch(layer.gateBytes);
  const reset = resetAfter ? sums : ctx.scratch(layer.stateBytes);
  const head = resetAfter ? 3 * hidden : 2 * hidden;
  const weights = packed(layer, {
    key: "state",
    operand,
    k: hidden,
    first: 0,
    rows: head,
    bias: (row) => (row < 2 * hidden ? 0 : stateBias(row)),
  });
  const candidate = resetAfter
    ? weights
    : packed(layer, { key: "candidate", operand, k: hidden, first: 2 * hidden, rows: hidden, bias: (row) => stateBias(2 * hidden + row) });
  return (next, h, gates) => {
    product(layer, sums, h, weights, 0, batch, head, hidden, 3 * hidden);
    if (!resetAfter) {
      ctx.emitSplit("f32_gru_reset", batch, [reset, h, gates, sums, hidden]);
      product(layer, offsetBy(sums, 2 * hidden * 4), reset, candidate, 0, batch, hidden, hidden, 3 * hidden);
    }
    ctx.emitSplit("f32_gru_cell", batch, [next, h, gates, sums, hidden, resetAfter ? 1 : 0]);
  };
}

/** Reads the bias of the input (part 0) or of the state (part 1) of this direction. */
function biasReader({ ctx, form, index }: Layer, part: number): (row: number) => number {
  const bias = ctx.inputs[3]?.known;
  const size = form.gates * form.hidden;
  return (row) => Number(bias?.[(index * 2 + part) * size + row] ?? 0);
}

/** The gates of all steps from the input alone: [steps · batch, gates · hidden] in scratch memory. */
function inputGates(layer: Layer): Pointer {
  const { ctx, kind, form } = layer;
  const rows = form.gates * form.hidden;
  const [own, state] = [biasReader(layer, 0), biasReader(layer, 1)];
  const joined = kind === "gru" ? 2 * form.hidden : rows;
  const bias = (row: number) => own(row) + (row < joined ? state(row) : 0);
  const weights = packed(layer, { key: "input", operand: ctx.input(1), k: form.width, first: 0, rows, bias });
  const gates = ctx.scratch(form.steps * layer.gateBytes);
  product(layer, gates, ctx.input(0).pointer, weights, 0, form.steps * form.batch, rows, form.width, rows);
  return gates;
}

/** A copy of one direction's part of an initial state, or zeros. */
function emitState({ ctx, index, stateBytes }: Layer, target: Pointer, initial: Operand | undefined): void {
  if (initial) ctx.emitSplit("x8_copy_rows", 1, [target, offsetBy(initial.pointer, index * stateBytes), stateBytes, 0, 0]);
  else ctx.emitSplit("x8_fill", stateBytes, [target, 0]);
}

function emitDirection(layer: Layer, y: Pointer): void {
  const { ctx, kind, form, index, stateBytes, gateBytes } = layer;
  const [, lastH, lastC] = ctx.outputs;
  const gates = inputGates(layer);
  const cell = lastC ? offsetBy(lastC.pointer, index * stateBytes) : ctx.scratch(stateBytes);
  if (kind === "lstm") emitState(layer, cell, ctx.inputs[6]);
  const emitStep = kind === "rnn" ? rnnSteps(layer) : kind === "gru" ? gruSteps(layer) : lstmSteps(layer, cell);
  const initial = ctx.inputs[5];
  let h = initial ? offsetBy(initial.pointer, index * stateBytes) : ctx.scratch(stateBytes);
  if (!initial) emitState(layer, h, undefined);
  const backwards = form.direction === "reverse" || index === 1;
  for (let i = 0; i < form.steps; i++) {
    const t = backwards ? form.steps - 1 - i : i;
    const next = offsetBy(y, (t * form.directions + index) * stateBytes);
    emitStep(next, h, offsetBy(gates, t * gateBytes));
    h = next;
  }
  if (lastH) ctx.emitSplit("x8_copy_rows", 1, [offsetBy(lastH.pointer, index * stateBytes), h, stateBytes, 0, 0]);
}

/** Emits a layer; false where TypeScript must run it. */
export function lowerRecurrent(kind: RecurrentKind, ctx: LowerContext): boolean {
  const form = recurrenceOf(kind, ctx);
  const usual = form.activations.every((name, i) => name === DEFAULT_ACTIVATIONS[kind][i % form.functions]);
  const constant = ctx.inputs[1]?.known && ctx.inputs[2]?.known && (!ctx.inputs[3] || ctx.inputs[3].known);
  const variant = form.clip || form.inputForget || ctx.inputs[4] || ctx.inputs[7];
  const float = ctx.inputs[0]?.dataType === "float32" && ctx.inputs[1]?.dataType === "float32";
  if (!usual || !constant || variant || !float || form.steps === 0 || form.steps > MOST_STEPS || form.width === 0) return false;
  const stateBytes = form.batch * form.hidden * 4;
  const y = ctx.outputs[0]?.pointer ?? ctx.scratch(form.steps * form.directions * stateBytes);
  for (let index = 0; index < form.directions; index++)
    emitDirection({ ctx, kind, form, index, stateBytes, gateBytes: form.gates * stateBytes }, y);
  return true;
}
