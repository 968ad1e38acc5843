// A graph and concrete input types become a flat list of calls with every address decided.
import type { Graph, Node, TensorType, Value } from "../graph/types.ts";
import type { HostTensor, OpDef, Operand, Pointer, StepCost } from "../ops/define.ts";
import type { KernelName } from "../runtime/kernel-exports.d.ts";
import { layoutArena, lowerBound } from "./arena.ts";
import { addressOf, type Block } from "./block.ts";
import { inferGraph, type OpTable, type Typing } from "./infer.ts";
import { type DraftStep, lowerNodes, type Target } from "./lower.ts";
import { type Placement, placeValues } from "./place.ts";
import { type Continuation, splitAtDynamic } from "./split.ts";

/**
 * One call of a run: a kernel on final addresses, or a TypeScript function on views of the arena. With both, the
 * function runs only where the kernel returns other than 0, to throw what is wrong with the elements.
 */
export interface Step {
  readonly kernel?: KernelName;
  readonly args: readonly number[];
  /** The last two arguments are a range of these units, which threads may share out. */
  readonly units?: number;
  readonly host?: HostStep;
  /** Index of the node in `Plan.nodes`. */
  readonly index: number;
  readonly cost: StepCost;
}

export interface HostStep {
  readonly op: OpDef;
  readonly node: Node;
  readonly inputs: readonly (PlacedTensor | undefined)[];
  readonly outputs: readonly (PlacedTensor | undefined)[];
}

/** A tensor at its final address. */
export interface PlacedTensor extends TensorType {
  readonly address: number;
}

/** What leaves a plan: a tensor in the arena, or elements that were known before the run. */
export type PlanOutput = { readonly value: Value } & ({ readonly placed: PlacedTensor } | { readonly known: HostTensor });

/** A named stretch of the arena: `offset` from the arena's start, live from step node `first` to `last`. */
export interface ArenaBlock {
  /** The tensor's name in the source model, or the node's and "scratch". */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** Index in `PlanDescription.nodes` of the node that makes it; 0 for inputs. */
  readonly first: number;
  /** Index of the last node that needs it; the number of nodes for outputs. */
  readonly last: number;
  /** Bytes from the arena's start, a multiple of 64. */
  readonly offset: number;
}

export interface Plan {
  readonly nodes: readonly Node[];
  readonly typing: Typing;
  readonly inputs: ReadonlyMap<Value, PlacedTensor>;
  readonly outputs: readonly PlanOutput[];
  readonly steps: readonly Step[];
  readonly arena: readonly ArenaBlock[];
  /** Where each value lies, in bytes from the arena's start. */
  readonly offsets: ReadonlyMap<Value, number>;
  readonly arenaBytes: number;
  /** The largest sum of live bytes over the steps. */
  readonly arenaLowerBound: number;
  /** Where the plan stops at an operator whose output shapes depend on data. */
  readonly continuation: Continuation | undefined;
}

/** Where a plan's memory comes from. */
export interface PlanTarget extends Target {
  readonly ops: OpTable;
  /** Finds room for `arenaBytes` and writes the pending weights; returns the arena's address. */
  commit(arenaBytes: number): number;
}

/** Plans a graph for given input types; `seeds` are inputs whose elements are known. */
export function planGraph(
  graph: Graph,
  target: PlanTarget,
  inputTypes: ReadonlyMap<Value, TensorType>,
  seeds: ReadonlyMap<Value, HostTensor> = new Map(),
): Plan {
  try {
    const { typing, head, continuation, nodes, placement, steps, scratch } = draftGraph(graph, target, inputTypes, seeds);
    const blocks = [...placement.blocks, ...scratch];
    const layout = layoutArena(blocks);
    const base = target.commit(layout.bytes);
    for (const [i, block] of blocks.entries()) block.address = base + layout.offsets[i]!;
    return {
      nodes,
      typing,
      inputs: new Map(
        head.inputs.filter((value) => placement.locations.has(value)).map((value) => [value, placed(value, typing, placement)]),
      ),
      outputs: head.outputs.map((value) => outputOf(value, typing, placement)),
      steps: steps.map((step) => resolveStep(step)),
      arena: blocks.map((block, i) => arenaBlock(block, layout.offsets[i]!)),
      offsets: new Map([...placement.locations].map(([value, { block, offset }]) => [value, addressOf(block.at(offset)) - base])),
      arenaBytes: layout.bytes,
      arenaLowerBound: lowerBound(blocks),
      continuation,
    };
  } catch (error) {
    target.weights.rollback();
    throw error;
  }
}

/** A plan as far as its steps, whose addresses are open: nothing is laid out, and weights are asked for but not packed. */
export function draftGraph(
  graph: Graph,
  target: Omit<PlanTarget, "commit">,
  inputTypes: ReadonlyMap<Value, TensorType>,
  seeds: ReadonlyMap<Value, HostTensor> = new Map(),
) {
  const typing = inferGraph(graph, target.ops, inputTypes, seeds);
  const { head, continuation } = splitAtDynamic(graph, typing);
  const nodes = fuseNodes(liveNodes(head, typing), head, typing, target);
  const placement = placeValues(nodes, head.inputs, head.outputs, typing);
  return { typing, head, continuation, nodes, placement, ...lowerNodes(nodes, typing, placement, target) };
}

/** Nodes that some output needs and whose outputs are not known already, in order. */
function liveNodes(graph: Graph, typing: Typing): Node[] {
  const needed = new Set(graph.outputs);
  const live: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => value && needed.has(value) && !typing.isKnown(value))) continue;
    live.push(node);
    for (const value of node.inputs) if (value && !typing.isKnown(value)) needed.add(value);
  }
  return live.reverse();
}

/** The nodes with those that operators compute together replaced by one. */
function fuseNodes(
  nodes: readonly Node[],
  { outputs }: Graph,
  typing: Typing,
  { ops, memory, tier }: Omit<PlanTarget, "commit">,
): readonly Node[] {
  for (const op of Object.values(ops)) {
    if (!op?.fuse) continue;
    const uses = new Map<Value, number>();
    for (const value of [...nodes.flatMap((node) => node.inputs), ...outputs]) if (value) uses.set(value, (uses.get(value) ?? 0) + 1);
    nodes = op.fuse({
      nodes,
      type: (value) => typing.staticType(value),
      isKnown: (value) => typing.isKnown(value),
      useCount: (value) => uses.get(value) ?? 0,
      memory,
      tier,
    });
  }
  return nodes;
}

function placed(value: Value, typing: Typing, { locations }: Placement): PlacedTensor {
  const { block, offset } = locations.get(value)!;
  return { ...typing.staticType(value), address: addressOf(block.at(offset)) };
}

function outputOf(value: Value, typing: Typing, placement: Placement): PlanOutput {
  const known = typing.known(value);
  return known ? { value, known } : { value, placed: placed(value, typing, placement) };
}

const arenaBlock = ({ name, bytes, first, last }: Block, offset: number): ArenaBlock => ({ name, bytes, first, last, offset });

function resolveStep({ node, index, kernel, args, units, host, cost }: DraftStep): Step {
  const resolved = args.map((arg) => (typeof arg === "number" ? arg : addressOf(arg)));
  const place = (operand: Operand | undefined): PlacedTensor | undefined =>
    operand && { dataType: operand.dataType, shape: operand.shape, address: addressOf(operand.pointer as Pointer) };
  return {
    ...(kernel && { kernel }),
    ...(units !== undefined && { units }),
    ...(host && { host: { op: host.op, node, inputs: host.inputs.map(place), outputs: host.outputs.map(place) } }),
    args: resolved,
    index,
    cost,
  };
}
