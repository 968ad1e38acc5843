import { describe, expect, it } from "vitest";
import { UnaryCode } from "../../src/ops/codes.ts";
import { UNARY, ulps } from "../support/functions.ts";
import { KernelBench, TIERS } from "../support/kernels.ts";

type Name = Exclude<keyof typeof UnaryCode, "none">;

/** p0 and p1, and the largest error: in ulp of the result, or absolute where that is larger. */
interface Bound {
  readonly p?: number;
  readonly q?: number;
  readonly ulp: number;
  readonly absolute?: number;
}

const BOUNDS: { readonly [N in Name]: Bound } = {
  clamp: { p: -1, q: 6, ulp: 0 },
  leakyRelu: { p: 0.1, ulp: 0.5001 },
  thresholdedRelu: { p: 1, ulp: 0 },
  sigmoid: { ulp: 4, absolute: 2e-38 },
  tanh: { ulp: 5 },
  hardSigmoid: { p: 0.2, q: 0.5, ulp: 1, absolute: 6e-8 },
  hardSwish: { ulp: 3, absolute: 3e-7 },
  swish: { p: 1, ulp: 5, absolute: 2e-36 },
  gelu: { ulp: 5, absolute: 1e-6 },
  geluTanh: { ulp: 12, absolute: 1e-9 },
  elu: { p: 1.5, q: 1, ulp: 2, absolute: 2e-7 },
  selu: { p: 1.6732632, q: 1.050701, ulp: 2, absolute: 3e-7 },
  softplus: { ulp: 4, absolute: 2e-38 },
  softsign: { ulp: 1.5 },
  mish: { ulp: 8, absolute: 2e-36 },
  exp: { ulp: 2, absolute: 2e-38 },
  log: { ulp: 2 },
  sqrt: { ulp: 0.5001 },
  rsqrt: { ulp: 1.5 },
  reciprocal: { ulp: 0.5001 },
  neg: { ulp: 0 },
  abs: { ulp: 0 },
  floor: { ulp: 0 },
  ceil: { ulp: 0 },
  round: { ulp: 0 },
  sign: { ulp: 0 },
  square: { ulp: 0.5001 },
  erf: { ulp: 6 },
  sin: { ulp: 1, absolute: 1e-9 },
  cos: { ulp: 1, absolute: 1e-9 },
};
const NAMES = Object.keys(BOUNDS) as Name[];

/** Dense near 0, then every magnitude, then the values where functions change their mind. */
function arguments_(): Float32Array {
  const list: number[] = [0, -0, 1, -1, 0.5, 1.5, 2.5, -0.5, -1.5, 1e-45, -1e-45, 1e-39, 3.4e38, -3.4e38, 88.7, 88.73, -87.4, -104, 20, 44];
  for (let i = -20000; i <= 20000; i++) list.push(i / 1537);
  for (let e = -140; e < 128; e++) for (const m of [1, 1.1, 1.4, 1.9999]) list.push(m * 2 ** e, -m * 2 ** e);
  for (let i = 0; i < 4000; i++) list.push(-110 + i * 0.0557);
  return Float32Array.from(list);
}
const X = arguments_();

describe.each(TIERS)("f32_unary, %s", (tier) => {
  const bench = new KernelBench(tier, 4 << 20);

  function run(name: Name, x: Float32Array): Float32Array {
    const { p = 0, q = 0 } = BOUNDS[name];
    bench.reset();
    const y = bench.alloc(x.byteLength);
    bench.kernels.f32_unary(y, bench.put(x), UnaryCode[name], p, q, 0, x.length);
    bench.checkGuards();
    return bench.f32(y, x.length).slice();
  }

  it.each(NAMES)("%s stays within its bound", (name) => {
    const { p = 0, q = 0, ulp, absolute = 0 } = BOUNDS[name];
    const y = run(name, X);
    let worst = { x: 0, got: 0, expected: 0, error: 0 };
    X.forEach((x, i) => {
      if ((name === "sin" || name === "cos") && Math.abs(x) > 2 ** 28) return;
      const expected = UNARY[name]!(x, Math.fround(p), Math.fround(q));
      const got = y[i]!;
      if (Math.abs(got - expected) <= absolute) return;
      const error = ulps(got, expected);
      if (!(error <= worst.error)) worst = { x, got, expected, error };
    });
    expect(worst.error, JSON.stringify(worst)).toBeLessThanOrEqual(ulp);
  });

  it.each(NAMES)("%s keeps NaN, and takes infinities to their limits", (name) => {
    const { p = 0, q = 0 } = BOUNDS[name];
    const y = run(name, Float32Array.of(NaN, Infinity, -Infinity));
    const limits = [NaN, Infinity, -Infinity].map((x) => Math.fround(UNARY[name]!(x, Math.fround(p), Math.fround(q))));
    expect([...y]).toEqual(limits);
  });

  it("keeps the sign of zero where the function does", () => {
    for (const name of ["tanh", "erf", "neg", "abs", "sqrt", "floor", "ceil", "round", "sign", "softsign"] as const) {
      const [zero, minusZero] = run(name, Float32Array.of(0, -0));
      expect([name, zero, minusZero]).toEqual([name, UNARY[name]!(0, 0, 0), UNARY[name]!(-0, 0, 0)]);
    }
  });

  it("gives the same bits for any split, in place, and touches nothing else", () => {
    for (const name of NAMES) {
      const { p = 0, q = 0 } = BOUNDS[name];
      for (const n of [1, 2, 3, 4, 5, 7, 15, 17, 31, 33]) {
        const x = X.slice(7000, 7000 + n);
        const whole = run(name, x);
        bench.reset();
        const y = bench.put(x);
        for (const [begin, end] of [
          [0, n >> 1],
          [n >> 1, n],
        ] as const)
          bench.kernels.f32_unary(y, y, UnaryCode[name], p, q, begin, end);
        bench.checkGuards();
        expect(bench.f32(y, n)).toEqual(whole);
      }
    }
  });
});
