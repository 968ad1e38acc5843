import { defineConfig } from "vitest/config";

// V8 in Node 20 hides relaxed SIMD behind a flag; later versions have it and no longer know the flag.
const RELAXED_FLAG = "--experimental-wasm-relaxed-simd";
const execArgv = process.allowedNodeEnvironmentFlags.has(RELAXED_FLAG) || process.version.startsWith("v20.") ? [RELAXED_FLAG] : [];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/seed.ts"],
    pool: "forks",
    execArgv,
    testTimeout: 60_000,
  },
});
