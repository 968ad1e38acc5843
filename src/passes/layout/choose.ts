// Chooses for every flexible node whether it keeps the order of axes that the model gives it or takes the other one,
// so that the fewest bytes are transposed: a minimum cut, since what lies between the two sides is transposed.
import type { Node, Value } from "../../graph/types.ts";
import type { Permutation } from "../permutation.ts";
import type { Rewriter } from "../rewrite.ts";
import { Candidates, type Side } from "./candidates.ts";
import { FlowNetwork } from "./min-cut.ts";
import type { Oriented } from "./rules.ts";
import type { Wiring } from "./wiring.ts";

/** The nodes that take another order; nothing when that would not save any bytes. */
export function chooseOrders(graph: Rewriter, wiring: Wiring): Map<Node, Oriented> {
  const candidates = new Candidates(graph, wiring);
  const sides = new SideChooser(graph, wiring, candidates).choose();
  const written = new Map([...candidates.all].map(([node, { writtenSide }]) => [node, writtenSide]));
  if (price(graph, wiring, candidates, sides) >= price(graph, wiring, candidates, written)) return new Map();
  const chosen = [...candidates.all].filter(([node, { writtenSide }]) => sides.get(node) !== writtenSide);
  return new Map(chosen.map(([node, { oriented }]) => [node, oriented]));
}

/** What is transposed when each node is on its side. */
function price(graph: Rewriter, wiring: Wiring, candidates: Candidates, sides: ReadonlyMap<Node, Side>): number {
  let total = 0;
  for (const root of wiring.roots()) {
    if (wiring.isFree(root)) continue;
    const made = candidates.made(root, sides.get(graph.producer(root)!) ?? 0);
    const wanted = new Map(wiring.edgesOf(root).map((edge) => entryOf(candidates.wanted(edge, sides.get(edge.user!) ?? 0))));
    for (const order of wanted.values()) total += wiring.price(root, made, order);
  }
  return total;
}

const entryOf = (order: Permutation) => [String(order), order] as const;

/** Uses of one value that want it in one order: on both sides, or on one side only. */
interface Wants {
  readonly order: Permutation;
  readonly always: boolean;
  readonly on: readonly [number[], number[]];
}

/** Builds the network: the source is side 0, the sink side 1. */
class SideChooser {
  readonly #graph: Rewriter;
  readonly #wiring: Wiring;
  readonly #candidates: Candidates;
  readonly #network = new FlowNetwork();
  readonly #source = this.#network.addNode();
  readonly #sink = this.#network.addNode();
  readonly #numbers = new Map<Node, number>();

  constructor(graph: Rewriter, wiring: Wiring, candidates: Candidates) {
    this.#graph = graph;
    this.#wiring = wiring;
    this.#candidates = candidates;
    for (const node of candidates.all.keys()) this.#numbers.set(node, this.#network.addNode());
    for (const root of wiring.roots()) if (!wiring.isFree(root)) this.#addValue(root);
  }

  choose(): Map<Node, Side> {
    const sourceSide = this.#network.sourceSide(this.#source, this.#sink);
    return new Map([...this.#numbers].map(([node, number]) => [node, sourceSide.has(number) ? 0 : 1]));
  }

  /** A value costs its price once for every order that somebody wants and its producer does not make. */
  #addValue(root: Value): void {
    const made = ([0, 1] as const).map((side) => this.#candidates.made(root, side)) as [Permutation, Permutation];
    const producer = this.#numbers.get(this.#graph.producer(root)!);
    const isMade = made.map(String);
    for (const [order, wants] of this.#wantsOf(root)) {
      const price = (side: Side) => this.#wiring.price(root, made[side], wants.order);
      if (isMade[0] === order && isMade[1] === order) continue;
      if (isMade[0] === order) this.#priceMissing(0, producer!, wants, price(1));
      else if (isMade[1] === order) this.#priceMissing(1, producer!, wants, price(0));
      else if (!wants.always)
        for (const side of [0, 1] as const) this.#priceUse(side, wants.on[side], side === 0 ? this.#sink : this.#source, price(side));
    }
  }

  #wantsOf(root: Value): Map<string, Wants> {
    const wants = new Map<string, { order: Permutation; always: boolean; on: [number[], number[]] }>();
    for (const edge of this.#wiring.edgesOf(root)) {
      const orders = ([0, 1] as const).map((side) => this.#candidates.wanted(edge, side));
      const isAlways = String(orders[0]) === String(orders[1]);
      for (const side of [0, 1] as const) {
        const [key, order] = entryOf(orders[side]!);
        const want = wants.get(key) ?? { order, always: false, on: [[], []] };
        wants.set(key, want);
        if (isAlways) want.always = true;
        else want.on[side].push(this.#numbers.get(edge.user!)!);
      }
    }
    return wants;
  }

  /** The order is made on `side` only: somebody pays when the producer is on the other one. */
  #priceMissing(side: Side, producer: number, { always, on }: Wants, price: number): void {
    if (!always) this.#priceUse(side, on[side], producer, price);
    else if (side === 0) this.#network.addEdge(this.#source, producer, price);
    else this.#network.addEdge(producer, this.#sink, price);
  }

  /** Charges `price` once when any of `users` is on `side` while `other` is on the opposite one. */
  #priceUse(side: Side, users: readonly number[], other: number, price: number): void {
    if (users.length === 0) return;
    const any = this.#network.addNode();
    const charge = (from: number, to: number, capacity: number) => {
      if (side === 0) this.#network.addEdge(from, to, capacity);
      else this.#network.addEdge(to, from, capacity);
    };
    for (const user of users) charge(user, any, Infinity);
    charge(any, other, price);
  }
}
