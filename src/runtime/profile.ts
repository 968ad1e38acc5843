// Times every call of a plan. Only this file reads a clock around kernels; a plain run does not.
import type { Value } from "../graph/types.ts";
import { bytesOf } from "../plan/place.ts";
import type { Plan } from "../plan/plan.ts";
import type { BoundPlan } from "./runner.ts";

/** One node of the model: times are medians over the runs. */
export interface ProfileRow {
  /** Name of the node in the source model. */
  readonly node: string;
  /** The operator's name in the engine, such as "conv2d". */
  readonly op: string;
  /** The kernels that it called, in order; "host" for TypeScript. */
  readonly kernels: readonly string[];
  /** Milliseconds. */
  readonly ms: number;
  /** Part of the whole, 0 to 1. */
  readonly share: number;
  /** 10⁹ operations per second, a multiply-add counting as two; 0 for operators that only move data. */
  readonly gflops: number;
  /** 10⁹ bytes of inputs and outputs per second. */
  readonly gbps: number;
}

/** Where a run's time goes. */
export interface Profile {
  /** In the order in which they run. */
  readonly rows: readonly ProfileRow[];
  /** Milliseconds of all rows. */
  readonly totalMs: number;
  /** Chrome's trace event format, as an object to be written as JSON. */
  readonly trace: { readonly traceEvents: readonly object[] };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Runs a bound plan `runs` times after one run that warms up; `prepare` writes the inputs before each. */
export function profileCalls({ plan, calls }: BoundPlan, runs: number, prepare: () => void): Profile {
  const times: number[][] = plan.steps.map(() => []);
  for (let run = 0; run <= runs; run++) {
    prepare();
    for (const [i, call] of calls.entries()) {
      const start = performance.now();
      call();
      if (run > 0) times[i]!.push(performance.now() - start);
    }
  }
  const ms = times.map(median);
  const totalMs = ms.reduce((sum, time) => sum + time, 0);
  return { rows: rowsOf(plan, ms, totalMs), totalMs, trace: { traceEvents: eventsOf(plan, ms) } };
}

function rowsOf(plan: Plan, ms: readonly number[], totalMs: number): ProfileRow[] {
  return plan.nodes.flatMap((node, index) => {
    const steps = plan.steps.flatMap((step, i) => (step.index === index ? [{ ...step, ms: ms[i]! }] : []));
    if (steps.length === 0) return [];
    const time = steps.reduce((sum, step) => sum + step.ms, 0);
    const flops = steps.reduce((sum, step) => sum + (step.cost.flops ?? 0), 0);
    const bytes = [...node.inputs, ...node.outputs].reduce((sum, value) => sum + valueBytes(plan, value), 0);
    const rate = (amount: number) => (time > 0 ? amount / time / 1e6 : 0);
    const kernels = steps.map((step) => step.kernel ?? "host");
    return [
      { node: node.name, op: node.op, kernels, ms: time, share: totalMs > 0 ? time / totalMs : 0, gflops: rate(flops), gbps: rate(bytes) },
    ];
  });
}

function valueBytes(plan: Plan, value: Value | null): number {
  const type = value ? plan.typing.type(value) : undefined;
  return type ? bytesOf(type) : 0;
}

function eventsOf(plan: Plan, ms: readonly number[]): object[] {
  let at = 0;
  return plan.steps.map((step, i) => {
    const node = plan.nodes[step.index]!;
    const event = {
      name: node.name || node.op,
      cat: node.op,
      ph: "X",
      pid: 1,
      tid: 1,
      ts: at,
      dur: ms[i]! * 1000,
      args: { kernel: step.kernel ?? "host" },
    };
    at += ms[i]! * 1000;
    return event;
  });
}
