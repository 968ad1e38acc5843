// The int8 kernels' own tests in the Node that runs this file. Node 20, which the test suite runs in, computes the relaxed dot
// product of bytes wrongly, so that the kernels on it are tested here.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const args = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "--reporter=json",
  "test/kernels/qs8-conv.test.ts",
  "test/kernels/qs8-dwconv.test.ts",
];
const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
const { testResults = [] } = status === 0 || stdout.startsWith("{") ? JSON.parse(stdout) : {};
const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
const passed = tests.filter((test) => test.status === "passed");
const failures = tests.filter((test) => test.status === "failed").map(({ fullName }) => fullName);
const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed").map(({ fullName }) => fullName);
if (failures.length > 0 || passed.length === 0) {
  console.error([...failures, stderr].join("\n"));
  process.exit(1);
}
console.log(`${passed.length} tests of int8 kernels pass in V8 ${process.versions.v8}${skipped.length ? `; ${skipped.join("; ")}` : ""}`);
