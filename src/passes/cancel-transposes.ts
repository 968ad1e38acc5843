// Moves transposes through the graph until they meet their inverse, a constant or the border of the graph.
import { applyOrders } from "./layout/apply.ts";
import { chooseOrders } from "./layout/choose.ts";
import { isTranspose, Wiring } from "./layout/wiring.ts";
import type { Rewriter } from "./rewrite.ts";

/** Puts flexible nodes into the order of axes that leaves the fewest bytes to transpose. */
export function cancelTransposes(graph: Rewriter): void {
  if ([...graph.nodes()].some((node) => isTranspose(graph, node))) {
    const wiring = new Wiring(graph);
    const chosen = chooseOrders(graph, wiring);
    if (chosen.size > 0) applyOrders(graph, wiring, chosen);
  }
  graph.removeDead();
}
