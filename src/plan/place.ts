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
    const outputs = node.outputs.map((value) => (value ? this.#typing.staticType(value) : { dataType: "int8" as const, shape: [0] }));
    const inputCount = node.inputs.filter(Boolean).length;
    return op.view({ input: this.#typing.staticType(input), outputs, attributes: new AttributeReader(node.attributes), inputCount });
  }

  /** The block of an input that output 0 may overwrite: it fills the block, and nothing in the block is needed later. */
  #dyingInput(node: Node, op: OpDef, output: Value, step: number): Block | undefined {
    const bytes = bytesOf(this.#typing.staticType(output));
    for (const index of op.inPlace ?? []) {
      const input = node.inputs[index];
      const location = input && this.locations.get(input);
      if (location && location.offset === 0 && location.block.bytes === bytes && location.block.last <= step) return location.block;
    }
    return undefined;
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
    const outer = sizeOf(type.shape.slice(0, axis));
    const inner = sizeOf(type.shape.slice(axis + 1)) * ELEMENT_BYTES[type.dataType];
    let at = 0;
    for (const input of node.inputs) {
      if (!input) continue;
      const strided = outer > 1;
      if (this.#canMerge(input, output, step) && (!strided || (axis === rank - 1 && this.#writesStrided(input)))) {
        this.#merge(this.locations.get(input)!, target.block, at * inner, strided ? type.shape[axis] : undefined);
      }
      at += this.#typing.staticType(input).shape[axis]!;
    }
  }

  #canMerge(input: Value, output: Value, step: number): boolean {
    const location = this.locations.get(input);
    if (!location || location.offset !== 0 || location.block.parent || this.#uses.get(input) !== 1) return false;
    const fills = location.block.bytes === bytesOf(this.#typing.staticType(input));
    return fills && location.block.last === step && location.block !== this.locations.get(output)!.block && sameQuant(input, output);
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
    const first = target.first;
    block.parent = { buffer: target, offset };
    target.first = Math.min(first, block.first);
    if (this.#peak() > before) {
      block.parent = undefined;
      target.first = first;
    } else if (rowStride !== undefined) source.rowStride = rowStride;
  }

  roots(): Block[] {
    return this.blocks.filter((block) => !block.parent);
  }
  #peak(): number {
    return lowerBound(this.roots());
  }
}

const sameQuant = (a: Value, b: Value): boolean =>
  String(a.quant?.scale) === String(b.quant?.scale) && String(a.quant?.zeroPoint) === String(b.quant?.zeroPoint);

/** Places the values of nodes in the order in which they will run. */
export function placeValues(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[], typing: Typing): Placement {
  const placer = new Placer(nodes, inputs, outputs, typing);
  placer.mergeConcats();
  return { locations: placer.locations, blocks: placer.roots() };
}
