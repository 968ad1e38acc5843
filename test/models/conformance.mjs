// Fails when a tier 1 case of ONNX's conformance suite fails, crashes or hangs. Unsupported is no failure: it is said.
import { readFileSync } from "node:fs";

const { summary, results } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const tier1 = summary.byTier.tier1;
const { pass, fail, crash, timeout, unsupported, total } = tier1;
console.log(`tier 1: ${pass} of ${total} pass, ${unsupported} unsupported, ${fail} fail, ${crash} crash, ${timeout} time out`);
const bad = Object.entries(results).filter(([, { status }]) => ["fail", "crash", "timeout"].includes(status));
for (const [id, { status, why }] of bad) console.log(`  ${status} ${id}: ${why}`);
process.exit(fail + crash + timeout > 0 ? 1 : 0);
