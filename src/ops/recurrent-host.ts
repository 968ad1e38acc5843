// Recurrent layers in TypeScript, in float64: every variant, one batch row and one unit at a time.
import { LanewiseError } from "../errors.ts";
import { sizeOf } from "../graph/types.ts";
import type { HostContext, HostTensor } from "./define.ts";
import { numbersOf, writeNumbers } from "./host-elements.ts";
import { type Recurrence, recurrenceOf } from "./recurrent.ts";

type Activation = (x: number) => number;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Activations by name, as ONNX's RNN operators list them. */
function activation(name: string, alpha: number | undefined, beta: number | undefined): Activation {
  const table: Record<string, Activation> = {
    sigmoid,
    tanh: Math.tanh,
    relu: (x) => Math.max(x, 0),
    affine: (x) => (alpha ?? 1) * x + (beta ?? 0),
    leakyrelu: (x) => (x < 0 ? (alpha ?? 0.01) * x : x),
    thresholdedrelu: (x) => (x > (alpha ?? 1) ? x : 0),
    scaledtanh: (x) => (alpha ?? 1) * Math.tanh((beta ?? 1) * x),
    hardsigmoid: (x) => Math.min(Math.max((alpha ?? 0.2) * x + (beta ?? 0.5), 0), 1),
    elu: (x) => (x < 0 ? (alpha ?? 1) * Math.expm1(x) : x),
    softsign: (x) => x / (1 + Math.abs(x)),
    softplus: (x) => Math.log1p(Math.exp(x)),
  };
  const found = table[name];
  if (!found) throw new LanewiseError("unsupported", `activation "${name}"`);
  return found;
}

/** The parameters of one direction. */
interface Direction {
  readonly index: number;
  readonly form: Recurrence;
  readonly w: ArrayLike<number>;
  readonly r: ArrayLike<number>;
  readonly bias: ArrayLike<number> | undefined;
  readonly peephole: ArrayLike<number> | undefined;
  readonly activations: readonly Activation[];
  readonly clip: (x: number) => number;
}

/** x · W[gate, unit] + its bias. */
function inputSum(d: Direction, x: ArrayLike<number>, xAt: number, gate: number, unit: number): number {
  const { gates, hidden, width } = d.form;
  const row = (d.index * gates + gate) * hidden + unit;
  let sum = d.bias ? d.bias[d.index * 2 * gates * hidden + gate * hidden + unit]! : 0;
  for (let i = 0; i < width; i++) sum += x[xAt + i]! * d.w[row * width + i]!;
  return sum;
}

/** h · R[gate, unit] + its bias. */
function stateSum(d: Direction, h: ArrayLike<number>, gate: number, unit: number): number {
  const { gates, hidden } = d.form;
  const row = (d.index * gates + gate) * hidden + unit;
  let sum = d.bias ? d.bias[(d.index * 2 + 1) * gates * hidden + gate * hidden + unit]! : 0;
  for (let i = 0; i < hidden; i++) sum += h[i]! * d.r[row * hidden + i]!;
  return sum;
}

type Step = (d: Direction, x: ArrayLike<number>, xAt: number, h: Float64Array, c: Float64Array) => void;

const units = (d: Direction): number[] => Array.from({ length: d.form.hidden }, (_, i) => i);

const rnnStep: Step = (d, x, xAt, h) => {
  h.set(units(d).map((u) => d.activations[0]!(d.clip(inputSum(d, x, xAt, 0, u) + stateSum(d, h, 0, u)))));
};

const gruStep: Step = (d, x, xAt, h) => {
  const [f, g] = d.activations as [Activation, Activation];
  const gate = (index: number) => units(d).map((u) => f(d.clip(inputSum(d, x, xAt, index, u) + stateSum(d, h, index, u))));
  const [update, reset] = [gate(0), gate(1)];
  const scaled = h.map((state, u) => state * reset[u]!);
  const sum = (u: number) => (d.form.resetAfter ? reset[u]! * stateSum(d, h, 2, u) : stateSum(d, scaled, 2, u));
  const candidate = units(d).map((u) => g(d.clip(inputSum(d, x, xAt, 2, u) + sum(u))));
  for (const u of units(d)) h[u] = (1 - update[u]!) * candidate[u]! + update[u]! * h[u]!;
};

const lstmStep: Step = (d, x, xAt, h, c) => {
  const [f, g, out] = d.activations as [Activation, Activation, Activation];
  const before = h.slice();
  const { hidden } = d.form;
  const sum = (gate: number, u: number) => inputSum(d, x, xAt, gate, u) + stateSum(d, before, gate, u);
  const peep = (gate: number, u: number, cell: number) => (d.peephole ? d.peephole[(d.index * 3 + gate) * hidden + u]! * cell : 0);
  for (const u of units(d)) {
    const input = f(d.clip(sum(0, u) + peep(0, u, c[u]!)));
    const forget = d.form.inputForget ? 1 - input : f(d.clip(sum(2, u) + peep(2, u, c[u]!)));
    c[u] = forget * c[u]! + input * g(d.clip(sum(3, u)));
    h[u] = f(d.clip(sum(1, u) + peep(1, u, c[u]!))) * out(c[u]!);
  }
};

const STEPS = { rnn: rnnStep, gru: gruStep, lstm: lstmStep };

/** Runs a layer whose inputs are x, w, r, bias, lengths, h0, and for an LSTM c0 and peepholes. */
export function runRecurrent(kind: keyof typeof STEPS, ctx: HostContext): void {
  const form = recurrenceOf(kind, ctx);
  const optional = (index: number) => (ctx.inputs[index] ? numbersOf(ctx.inputs[index]) : undefined);
  const [x, lengths, h0, c0] = [numbersOf(ctx.input(0)), optional(4), optional(5), optional(6)];
  const { steps, batch, hidden, width, directions } = form;
  const y = new Float64Array(steps * directions * batch * hidden);
  const [lastH, lastC] = [new Float64Array(directions * batch * hidden), new Float64Array(directions * batch * hidden)];
  for (let index = 0; index < directions; index++) {
    const backwards = form.direction === "reverse" || index === 1;
    const activations = form.activations.slice(index * form.functions).map((name, i) => {
      const at = index * form.functions + i;
      return activation(name, form.alphas[at], form.betas[at]);
    });
    const limit = form.clip;
    const clip = (v: number) => (limit ? Math.min(Math.max(v, -limit), limit) : v);
    const direction = {
      index,
      form,
      w: numbersOf(ctx.input(1)),
      r: numbersOf(ctx.input(2)),
      bias: optional(3),
      peephole: optional(7),
      activations,
      clip,
    };
    for (let row = 0; row < batch; row++) {
      const at = (index * batch + row) * hidden;
      const h = Float64Array.from({ length: hidden }, (_, u) => h0?.[at + u] ?? 0);
      const c = Float64Array.from({ length: hidden }, (_, u) => c0?.[at + u] ?? 0);
      const length = lengths ? lengths[row]! : steps;
      for (let i = 0; i < length; i++) {
        const t = backwards ? length - 1 - i : i;
        STEPS[kind](direction, x, (t * batch + row) * width, h, c);
        y.set(h, ((t * directions + index) * batch + row) * hidden);
      }
      lastH.set(h, at);
      lastC.set(c, at);
    }
  }
  const write = (tensor: HostTensor | undefined, values: Float64Array) => tensor && sizeOf(tensor.shape) && writeNumbers(tensor, values);
  write(ctx.outputs[0], y);
  write(ctx.outputs[1], lastH);
  write(ctx.outputs[2], lastC);
}
