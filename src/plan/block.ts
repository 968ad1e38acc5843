// A block of wasm memory while its address is still open: part of the arena, or of the weights.
import type { Buffer, Pointer } from "../ops/define.ts";

export class Block implements Buffer {
  readonly name: string;
  readonly bytes: number;
  /** First and last step at which an arena block holds something that is still needed. */
  first: number;
  last: number;
  /** Set where this block is a part of a wider one (an input of a concat written in place). */
  parent: Pointer | undefined;
  address?: number;

  constructor(name: string, bytes: number, first = 0, last = 0) {
    if (!(bytes >= 0)) throw new Error(`"${name}" asks for ${bytes} bytes`);
    this.name = name;
    this.bytes = bytes;
    this.first = first;
    this.last = last;
  }

  /** A place in this block, told as a place in the outermost block around it. */
  at(offset: number): Pointer {
    return this.parent ? (this.parent.buffer as Block).at(this.parent.offset + offset) : { buffer: this, offset };
  }
}

/** The final address of a pointer. */
export function addressOf({ buffer, offset }: Pointer): number {
  if (buffer.address === undefined) throw new Error("a pointer was resolved before its block was laid out");
  return buffer.address + offset;
}
