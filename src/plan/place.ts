// Decides where every value lies before a single byte is reserved: which values are views of others, which overwrite
// an input that dies, and which are written straight into the concatenation that they end in.
import { ELEMENT_BYTES, type Node, sizeOf, type TensorType, type Value } from "../graph/types.ts";
import { AttributeReader, type OpDef } from "../ops/define.ts";
import { lowerBound } from "./arena.ts";
import { Block } from "./block.ts";
import type { Typing } from "./infer.ts";

/** Where a value lies. `rowStride` (elements) is set where its rows are spread over a wider tensor. */
export interface Location {
  readonly block: Block;
  readonly offset: number;
  rowStride?: number;
}

export interface Placement {
  readonly locations: ReadonlyMap<Value, Location>;
  /** Blocks of the arena, without those that are parts of others. */
  readonly blocks: readonly Block[];
}

export const bytesOf = (type: TensorType): number => sizeOf(type.shape) * ELEMENT_BYTES[type.dataType];

class Placer {
  readonly locations = new Map<Value, Location>();
  readonly blocks: Block[] = [];
  readonly #nodes: readonly Node[];
  readonly #typing: Typing;
  readonly #lastUse = new Map<Value, number>();
  readonly #uses = new Map<Value, number>();

  constructor(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[], typing: Typing) {
    this.#nodes = nodes;
    this.#typing = typing;
    for (const [step, node] of nodes.entries())
      for (const value of node.inputs) {
        if (!value) continue;
        this.#lastUse.set(value, step);
        this.#uses.set(value, (this.#uses.get(value) ?? 0) + 1);
      }
    for (const value of outputs) this.#lastUse.set(value, nodes.length);
    for (const value of inputs) if (!typing.isKnown(value)) this.#reserve(value, 0);
    for (const [step, node] of nodes.entries()) this.#placeOutputs(node, step);
  }

  #reserve(value: Value, step: number): void {
    const block = new Block(value.name, bytesOf(this.#typing.staticType(value)), step, step);
    this.blocks.push(block);
    this.#join(value, block, 0);
  }

  #join(value: Value, block: Block, offset: number): void {
    this.locations.set(value, { block, offset });
    block.last = Math.max(block.last, this.#lastUse.get(value) ?? 0);
  }

  #placeOutputs(node: Node, step: number): void {
    const op = this.#typing.op(node);
    const offsets = this.#viewOffsets(node, op);
    const source = node.inputs[0] && this.locations.get(node.inputs[0]);
    for (const [i, value] of node.outputs.entries()) {
      if (!value) continue;
      if (offsets && source) this.#join(value, source.block, source.offset + offsets[i]!);
      else {
        const block = i === 0 ? this.#dyingInput(node, op, value, step) : undefined;
        if (block) this.#join(value, block, 0);
        else this.#reserve(value, step);
      }
    }
  }

  #viewOffsets(node: Node, op: OpDef): readonly number[] | undefined {
    const input = node.inputs[0];
    if (!op.view || !input || !this.locations.has(input)) return undefined;
    if (input.quant && node.outputs.some((value) => value?.quant && !sameQuant(input, value))) return undefined;
    const outputs = node.outputs.map((value) => (value ? this.#typing.staticType(value) : { dataType: "int8" as const, shape: [0] }));
    const inputCount = node.inputs.filter(Boolean).length;
    return op.view({ input: this.#typing.staticType(input), outputs, attributes: new AttributeReader(node.attributes), inputCount });
  }

  /**
   * The block of an input that output 0 may overwrite: it fills the block, nothing in the block is needed later, and
   * no other input is read from the block out of step.
   */
  #dyingInput(node: Node, op: OpDef, output: Value, step: number): Block | undefined {
    const bytes = bytesOf(this.#typing.staticType(output));
    for (const index of op.inPlace ?? []) {
      const input = node.inputs[index];
      const location = input && this.locations.get(input);
      if (!location || location.block.bytes !== bytes || location.block.last > step || !this.#fills(input)) continue;
      const { block } = location;
      const safe = (other: Value | null, i: number) =>
        !other || this.locations.get(other)?.block !== block || (op.inPlace!.includes(i) && this.#fills(other));
      if (node.inputs.every(safe)) return block;
    }
    return undefined;
  }

  /** True for a value that is its whole block, not a part. */
  #fills(value: Value): boolean {
    const { block, offset } = this.locations.get(value)!;
    return offset === 0 && block.bytes === bytesOf(this.#typing.staticType(value));
  }

  /** Moves inputs of concatenations into the concatenated block where that does not make the arena larger. */
  mergeConcats(): void {
    for (let step = this.#nodes.length - 1; step >= 0; step--) {
      const node = this.#nodes[step]!;
      const output = node.outputs[0];
      if (node.op === "concat" && output && this.locations.has(output)) this.#mergeInputs(node, output, step);
    }
  }

  #mergeInputs(node: Node, output: Value, step: number): void {
    const target = this.locations.get(output)!;
    const type = this.#typing.staticType(output);
    if (target.offset !== 0 || target.block.bytes !== bytesOf(type)) return;
    const rank = type.shape.length;
    const axis = (new AttributeReader(node.attributes).number("axis") + rank) % rank;
    const along = axis === rank - 1;
    const outer = sizeOf(type.shape.slice(0, axis));
    if (!along && outer > 1) return;
    // A row is the last dimension; the target's rows lie apart where it is itself merged into something wider.
    const rowStride = target.rowStride ?? type.shape[rank - 1]!;
    const unit = along ? 1 : sizeOf(type.shape.slice(axis + 1, -1)) * rowStride;
    let at = 0;
    for (const input of node.inputs) {
      if (!input) continue;
      const spread = along ? outer > 1 : target.rowStride !== undefined;
      if (this.#canMerge(input, output, step) && (!spread || this.#writesStrided(input))) {
        const offset = at * unit * ELEMENT_BYTES[type.dataType];
        this.#merge(this.locations.get(input)!, target.block, offset, spread ? rowStride : undefined);
      }
      at += this.#typing.staticType(input).shape[axis]!;
    }
  }

  #canMerge(input: Value, output: Value, step: number): boolean {
    const location = this.locations.get(input);
    if (!location || location.block.parent || this.#uses.get(input) !== 1) return false;
    return (
      this.#fills(input) && location.block.last === step && location.block !== this.locations.get(output)!.block && sameQuant(input, output)
    );
  }

  /** The value's producer can spread its rows, and nothing else lies in its block. */
  #writesStrided(value: Value): boolean {
    const producer = this.#nodes.find((node) => node.outputs[0] === value);
    const block = this.locations.get(value)!.block;
    const tenants = [...this.locations.values()].filter((location) => location.block === block).length;
    return producer !== undefined && tenants === 1 && this.#typing.op(producer).stridedOutput === true;
  }

  #merge(source: Location, target: Block, offset: number, rowStride: number | undefined): void {
    const { block } = source;
    const before = this.#peak();
    const around = blocksAround(target);
    const firsts = around.map(({ first }) => first);
    block.parent = { buffer: target, offset };
    for (const outer of around) outer.first = Math.min(outer.first, block.first);
    if (this.#peak() > before) {
      block.parent = undefined;
      for (const [i, outer] of around.entries()) outer.first = firsts[i]!;
    } else if (rowStride !== undefined) source.rowStride = rowStride;
  }

  roots(): Block[] {
    return this.blocks.filter((block) => !block.parent);
  }
  #peak(): number {
    return lowerBound(this.roots());
  }
}

/** A block and all that it is a part of. */
function blocksAround(block: Block): Block[] {
  return block.parent ? [block, ...blocksAround(block.parent.buffer as Block)] : [block];
}

const sameQuant = (a: Value, b: Value): boolean =>
  String(a.quant?.scale) === String(b.quant?.scale) && String(a.quant?.zeroPoint) === String(b.quant?.zeroPoint);

/** Places the values of nodes in the order in which they will run. */
export function placeValues(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[], typing: Typing): Placement {
  const placer = new Placer(nodes, inputs, outputs, typing);
  placer.mergeConcats();
  return { locations: placer.locations, blocks: placer.roots() };
}
