// Turns nodes into steps: gives each operator its operands, and collects the kernel calls, the scratch blocks and
// the packed weights that it asks for. Addresses are still open here.
import { LanewiseError } from "../errors.ts";
import { ELEMENT_BYTES, type Node, type Quantization, sizeOf, type TypedArray, type Value } from "../graph/types.ts";
import type { DotKind } from "../ops/codes.ts";
import {
  AttributeReader,
  atNode,
  type DataViewOf,
  type KernelArgument,
  type LowerContext,
  type OpDef,
  type Operand,
  type Pointer,
  type StepCost,
} from "../ops/define.ts";
import type { QuantizedLowerings } from "../ops/quantized/lowerings.ts";
import type { KernelName } from "../runtime/kernel-exports.d.ts";
import { Block } from "./block.ts";
import { required, type Typing } from "./infer.ts";
import type { Location, Placement } from "./place.ts";
import type { WeightStore } from "./weights.ts";

/** What the planner must know about where the plan will run. */
export interface Target {
  readonly tier: "simd128" | "relaxed";
  /** What the engine's dot product of bytes computes. */
  readonly dot: DotKind;
  readonly memory: "fast" | "small";
  readonly weights: WeightStore;
  readonly quantized: QuantizedLowerings | undefined;
  /** The name of the candidate to take; absent: the estimated one. */
  readonly choose?: ((choice: Choice) => string) | undefined;
}

/** A layer that several kernels can compute. */
export interface Choice {
  /** Says all that the kernels' times depend on. */
  readonly key: string;
  readonly candidates: readonly string[];
  /** The one that is expected to be the fastest. */
  readonly estimated: string;
  readonly node: Node;
}

/** One call, with addresses still open. */
export interface DraftStep {
  readonly node: Node;
  readonly index: number;
  readonly kernel?: KernelName;
  readonly args: readonly KernelArgument[];
  /** Units that the last two arguments, begin and end, range over. */
  readonly units?: number;
  readonly host?: {
    readonly op: OpDef;
    readonly inputs: readonly (Operand | undefined)[];
    readonly outputs: readonly (Operand | undefined)[];
  };
  readonly cost: StepCost;
}

class PlannedOperand implements Operand {
  readonly value: Value;
  readonly dataType;
  readonly shape;
  readonly size: number;
  readonly bytes: number;
  readonly rowStride: number;
  readonly quant: Quantization | undefined;
  readonly #typing: Typing;
  readonly #weights: WeightStore;
  readonly #location: Location | undefined;

  constructor(value: Value, typing: Typing, weights: WeightStore, location: Location | undefined) {
    const { dataType, shape } = typing.staticType(value);
    this.value = value;
    this.dataType = dataType;
    this.shape = shape;
    this.size = sizeOf(shape);
    this.bytes = this.size * ELEMENT_BYTES[dataType];
    this.rowStride = location?.rowStride ?? shape.at(-1) ?? 1;
    this.quant = value.quant;
    this.#typing = typing;
    this.#weights = weights;
    this.#location = location;
  }

  get known(): TypedArray | undefined {
    return this.#typing.known(this.value)?.data;
  }

  get pointer(): Pointer {
    if (this.#location) return this.#location.block.at(this.#location.offset);
    const data = this.known;
    if (!data) throw new Error(`"${this.value.name}" has no place`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.#weights.reserve(this.value, "", data.byteLength, (target) => target.u8.set(bytes)).at(0);
  }
}

/** True where the operand's rows lie apart in a wider tensor. */
const isSpread = ({ rowStride, shape }: Operand): boolean => rowStride !== (shape.at(-1) ?? 1);

/** Collects the steps of one node. */
class NodeLowering implements LowerContext {
  readonly attributes: AttributeReader;
  readonly inputs: readonly (PlannedOperand | undefined)[];
  readonly outputs: readonly (PlannedOperand | undefined)[];
  readonly memory;
  readonly quantized;
  readonly tier;
  readonly dot;
  readonly steps: DraftStep[] = [];
  readonly scratchBlocks: Block[] = [];
  readonly #node: Node;
  readonly #op: OpDef;
  readonly #index: number;
  readonly #weights: WeightStore;
  readonly #choose: Target["choose"];

  constructor(node: Node, op: OpDef, index: number, target: Target, operand: (value: Value) => PlannedOperand) {
    this.#node = node;
    this.#op = op;
    this.#index = index;
    this.#weights = target.weights;
    this.#choose = target.choose;
    this.memory = target.memory;
    this.quantized = target.quantized;
    this.tier = target.tier;
    this.dot = target.dot;
    this.attributes = new AttributeReader(node.attributes);
    this.inputs = node.inputs.map((value) => (value ? operand(value) : undefined));
    this.outputs = node.outputs.map((value) => (value ? operand(value) : undefined));
  }

  input(index: number): Operand {
    return required(this.inputs[index], index);
  }
  output(index: number): Operand {
    return required(this.outputs[index], index);
  }
  emit(kernel: KernelName, args: readonly KernelArgument[], cost: StepCost = {}): void {
    this.steps.push({ node: this.#node, index: this.#index, kernel, args, cost });
  }
  emitSplit(kernel: KernelName, units: number, args: readonly KernelArgument[], cost: StepCost = {}): void {
    this.steps.push({ node: this.#node, index: this.#index, kernel, args: [...args, 0, units], units, cost });
  }
  emitHost(): void {
    if (!this.#op.host) {
      throw new LanewiseError("unsupported", "no kernel takes these data types, and there is no TypeScript fallback");
    }
    this.#touch();
    const host = { op: this.#op, inputs: this.inputs, outputs: this.outputs.map((y) => (y && isSpread(y) ? this.#gathered(y) : y)) };
    this.steps.push({ node: this.#node, index: this.#index, args: [], host, cost: {} });
    for (const [i, y] of this.outputs.entries()) if (y && host.outputs[i] !== y) this.#spread(y, host.outputs[i]!);
  }

  explainByHost(): void {
    this.#touch();
    const host = { op: this.#op, inputs: this.inputs, outputs: this.outputs };
    this.steps.push({ ...this.steps.pop()!, host });
  }

  /** Gives every operand its place: constants get theirs when they are first asked for. */
  #touch(): void {
    for (const operand of [...this.inputs, ...this.outputs]) operand?.pointer;
  }

  /** An output whose rows lie apart, put together for TypeScript. */
  #gathered(y: PlannedOperand): Operand {
    const { dataType, shape, quant, size, bytes, known } = y;
    return { dataType, shape, quant, size, bytes, known, rowStride: shape.at(-1)!, pointer: this.scratch(bytes) };
  }

  #spread(y: PlannedOperand, gathered: Operand): void {
    const elementBytes = ELEMENT_BYTES[y.dataType];
    const rowBytes = gathered.rowStride * elementBytes;
    const rows = rowBytes > 0 ? y.bytes / rowBytes : 0;
    this.emitSplit("x8_copy_rows", rows, [y.pointer, gathered.pointer, rowBytes, y.rowStride * elementBytes, rowBytes]);
  }

  scratch(bytes: number): Pointer {
    const block = new Block(`${this.#node.name} scratch`, bytes, this.#index, this.#index);
    this.scratchBlocks.push(block);
    return block.at(0);
  }
  weights(owner: Operand, key: string, bytes: number, fill: (target: DataViewOf) => void): Pointer {
    return this.#weights.reserve((owner as PlannedOperand).value, key, bytes, fill).at(0);
  }
  choose(key: string, candidates: readonly string[], estimated: string): string {
    return this.#choose?.({ key, candidates, estimated, node: this.#node }) ?? estimated;
  }
  table(data: TypedArray): Pointer {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.#weights.reserve({}, "", bytes.byteLength, (target) => target.u8.set(bytes)).at(0);
  }
}

/** Steps and scratch blocks of nodes that have been placed. */
export function lowerNodes(
  nodes: readonly Node[],
  typing: Typing,
  placement: Placement,
  target: Target,
): { steps: DraftStep[]; scratch: Block[] } {
  const steps: DraftStep[] = [];
  const scratch: Block[] = [];
  const operand = (value: Value) => new PlannedOperand(value, typing, target.weights, placement.locations.get(value));
  for (const [index, node] of nodes.entries()) {
    const op = typing.op(node);
    const types = node.inputs.map((value) => (value ? typing.type(value) : undefined));
    atNode(node, types, () => {
      if (isView(node, op, placement)) return;
      let lowering = new NodeLowering(node, op, index, target, operand);
      if (!op.lower || op.lower(lowering) === false) {
        // what was emitted before an operator gave up is dropped
        lowering = new NodeLowering(node, op, index, target, operand);
        if (!target.quantized?.throughFloat(lowering, op)) {
          lowering = new NodeLowering(node, op, index, target, operand);
          lowering.emitHost();
        }
      }
      steps.push(...lowering.steps);
      scratch.push(...lowering.scratchBlocks);
    });
  }
  return { steps, scratch };
}

/** True where the outputs are the input's own bytes, so that there is nothing to do. */
function isView(node: Node, op: OpDef, { locations }: Placement): boolean {
  const input = node.inputs[0] && locations.get(node.inputs[0]);
  if (!op.view || !input) return false;
  return node.outputs.every((value) => !value || locations.get(value)?.block === input.block);
}
