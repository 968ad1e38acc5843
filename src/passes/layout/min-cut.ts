// Minimum cut between a source and a sink: which nodes fall on which side when every crossing edge has a price.
// Dinic's algorithm on adjacency lists; edge e and its reverse are e and e ^ 1.

export class FlowNetwork {
  readonly #edges: number[][] = [];
  readonly #to: number[] = [];
  readonly #capacity: number[] = [];

  /** Adds a node and returns its number. */
  addNode(): number {
    return this.#edges.push([]) - 1;
  }

  /** Makes it cost `capacity` to have `from` on the source's side and `to` on the sink's. */
  addEdge(from: number, to: number, capacity: number): void {
    this.#edges[from]!.push(this.#to.push(to) - 1);
    this.#capacity.push(capacity);
    this.#edges[to]!.push(this.#to.push(from) - 1);
    this.#capacity.push(0);
  }

  /** The nodes on the source's side of a cheapest cut, as few as possible. */
  sourceSide(source: number, sink: number): ReadonlySet<number> {
    for (;;) {
      const levels = this.#levels(source);
      if (!levels.has(sink)) return new Set(levels.keys());
      const next = this.#edges.map(() => 0);
      while (this.#augment(source, sink, levels, next));
    }
  }

  /** Distance from the source over edges that can carry more. */
  #levels(source: number): Map<number, number> {
    const levels = new Map([[source, 0]]);
    for (const [node, level] of levels)
      for (const edge of this.#edges[node]!)
        if (this.#capacity[edge]! > 0 && !levels.has(this.#to[edge]!)) levels.set(this.#to[edge]!, level + 1);
    return levels;
  }

  /** Sends flow along one path that goes a level further with each edge; false when there is none left. */
  #augment(source: number, sink: number, levels: ReadonlyMap<number, number>, next: number[]): boolean {
    const path: number[] = [];
    let node = source;
    while (node !== sink) {
      const edge = this.#edges[node]![next[node]!];
      if (edge === undefined) {
        const back = path.pop();
        if (back === undefined) return false;
        node = this.#to[back ^ 1]!;
        next[node]!++;
      } else if (this.#capacity[edge]! > 0 && levels.get(this.#to[edge]!) === levels.get(node)! + 1) {
        path.push(edge);
        node = this.#to[edge]!;
      } else next[node]!++;
    }
    const flow = Math.min(...path.map((edge) => this.#capacity[edge]!));
    for (const edge of path) {
      this.#capacity[edge]! -= flow;
      this.#capacity[edge ^ 1]! += flow;
    }
    return true;
  }
}
