// Control flow that can be decided now: a branch whose condition is known, and loops whose number of rounds is.
// Their graphs are inlined, once for each round.
import { LanewiseError } from "../../../errors.ts";
import type { Value } from "../../../graph/types.ts";
import { graph, int, ints } from "../attributes.ts";
import { type ImportTable, type NodeContext, operator } from "../node-context.ts";
import type { GraphProto } from "../proto.ts";

/** A loop of more rounds is better not unrolled. */
const MAX_ROUNDS = 1000;

function bodyOf(body: GraphProto | undefined, name: string): GraphProto {
  if (!body) throw new LanewiseError("format", `attribute "${name}" is missing`);
  return body;
}

const If = operator({ then_branch: graph(), else_branch: graph() }, (node, { then_branch, else_branch }) => {
  const condition = node.elements(0)?.[0];
  if (condition === undefined) throw node.unsupported("a condition that is computed during the run");
  return node.inline(condition ? bodyOf(then_branch, "then_branch") : bodyOf(else_branch, "else_branch"), []);
});

/** Rounds of a loop that runs to its end. */
const Loop = operator({ body: graph() }, (node, { body }) => {
  const inner = bodyOf(body, "body");
  const rounds = node.elements(0)?.[0];
  const goesOn = node.optional(1) ? node.elements(1)?.[0] : 1;
  if (rounds === undefined || goesOn === undefined) throw node.unsupported("a number of rounds that is computed during the run");
  checkRounds(node, rounds);
  let states: readonly Value[] = node.inputs.slice(2).map((_, i) => node.input(i + 2));
  const collected: Value[][] = inner.outputs.slice(1 + states.length).map(() => []);
  let condition = node.constant("bool", [], [goesOn]);
  for (let round = 0; round < rounds && isTrue(node, condition); round++) {
    const [next, ...outputs] = node.inline(inner, [node.constant("int64", [], [round]), condition, ...states]);
    condition = next!;
    for (const [i, list] of collected.entries()) list.push(outputs[states.length + i]!);
    states = outputs.slice(0, states.length);
  }
  return [...states, ...collected.map((list) => stacked(node, list, 0))];
});

function checkRounds(node: NodeContext, rounds: number): void {
  if (rounds > MAX_ROUNDS) throw node.unsupported(`${rounds} rounds; ${MAX_ROUNDS} are unrolled at most`);
}

function isTrue(node: NodeContext, condition: Value): boolean {
  const known = node.knownTensor(condition);
  if (!known) throw node.unsupported("a condition that is computed during the run");
  return Number(known.data[0]) !== 0;
}

/** The elements along a new axis. */
function stacked(node: NodeContext, list: readonly Value[], axis: number): Value {
  if (list.length === 0) throw node.unsupported("a loop of no rounds");
  const apart = list.map((value) => node.emit("unsqueeze", [value], { axes: [axis] }));
  return apart.length === 1 ? apart[0]! : node.emit("concat", apart, { axis });
}

const SCAN = {
  body: graph(),
  num_scan_inputs: int(0),
  directions: ints(),
  scan_input_axes: ints(),
  scan_input_directions: ints(),
  scan_output_axes: ints(),
  scan_output_directions: ints(),
};

const Scan = operator(SCAN, (node, attributes) => {
  if (node.version < 9) throw node.unsupported("Scan before version 9");
  const inner = bodyOf(attributes.body, "body");
  const inputs = node.allInputs();
  const scanned = inputs.slice(inputs.length - attributes.num_scan_inputs);
  let states: readonly Value[] = inputs.slice(0, inputs.length - scanned.length);
  const axes = scanned.map((_, i) => attributes.scan_input_axes?.[i] ?? 0);
  const rounds = node.type(scanned[0]!).shape.at(axes[0]!);
  if (rounds === undefined || Number.isNaN(rounds)) throw node.unsupported("a number of rounds that is not known before the run");
  checkRounds(node, rounds);
  const collected: Value[][] = inner.outputs.slice(states.length).map(() => []);
  for (let round = 0; round < rounds; round++) {
    const slices = scanned.map((value, i) => {
      const at = attributes.scan_input_directions?.[i] === 1 ? rounds - 1 - round : round;
      const slice = node.emit("slice", [value], { starts: [at], ends: [at + 1], axes: [axes[i]!] });
      return node.emit("squeeze", [slice], { axes: [axes[i]!] });
    });
    const outputs = node.inline(inner, [...states, ...slices]);
    for (const [i, list] of collected.entries())
      list[attributes.scan_output_directions?.[i] === 1 ? rounds - 1 - round : round] = outputs[states.length + i]!;
    states = outputs.slice(0, states.length);
  }
  return [...states, ...collected.map((list, i) => stacked(node, list, attributes.scan_output_axes?.[i] ?? 0))];
});

export const CONTROL: ImportTable = { If, Loop, Scan };
