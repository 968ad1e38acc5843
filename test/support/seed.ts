import fc from "fast-check";

// The same cases on every machine, so that a run is repeatable; SEED=<integer> npm test tries others.
fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });
