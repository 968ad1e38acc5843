import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { encode as encodePng } from "fast-png";
import { afterAll, describe, expect, it } from "vitest";
import { readNpy, writeNpy } from "../../src/cli/npy.ts";
import { writeCompact } from "../../src/format/write.ts";
import { Tensor } from "../../src/index.ts";
import { writeOnnx } from "../support/onnx.ts";
import { input, node, transposeModel } from "../support/small-models.ts";

const command = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "lanewise-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, bytes: Uint8Array): string => {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
const lanewise = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } }, (error, out, err) => {
      resolve({ code: error ? (error.code as unknown as number) : 0, out, err });
    });
  });

const model = write("model.safetensors", transposeModel());
const x = write("x.npy", writeNpy(new Tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6])));

function openModel(): Uint8Array {
  const [image, flipped] = [input("image", "uint8", [Number.NaN, Number.NaN, 3]), { name: "out/put:0" }];
  return writeCompact({ inputs: [image], outputs: [flipped], nodes: [node("transpose", [image], [flipped], { perm: [1, 0, 2] })] });
}
const open = write("open.safetensors", openModel());

describe.skipIf(!existsSync(command))("the built command", () => {
  it("tells how it is used", async () => {
    const { code, out } = await lanewise("--help");
    expect(code).toBe(0);
    for (const name of ["convert", "run", "inspect", "profile", "bench", "digits"]) expect(out).toContain(name);
    expect((await lanewise("--version")).out.trim()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each([[["fly"]], [["run"]], [["run", "m", "--tier", "avx"]], [["bench", "m", "--time", "soon"]], [["inspect", "m", "--no-such"]]])(
    "leaves with 2 when it is used wrongly: %s",
    async (args) => {
      const { code, err } = await lanewise(...args);
      expect(code).toBe(2);
      expect(err).toMatch(/^error: /);
    },
  );

  it.each<[string[], string]>([
    [["run", "nothing.onnx"], "error (format): the model cannot be read from nothing.onnx: ENOENT"],
    [["run", model], 'error (input): input "x" is missing: expected float32[2,3]'],
    [["run", model, "--input", "x=nothing.npy"], "error (input): nothing.npy: there is no such file"],
    [["run", model, "--input", `y=${x}`], `error (input): "y=${x}" is not NAME=…; the model's inputs are "x"`],
    [["run", model, "--input", `x=${model}`], "raw bytes do not make float32[2,3]"],
    [["convert", model], `error (input): ${model} is a compact file already`],
    [["inspect", x], "error (format): expected a model (compact, ONNX or TFLite), found"],
  ])("leaves with 1 and a line that says why: %s", async (args, message) => {
    const { code, err } = await lanewise(...args);
    expect([code, err.trim().split("\n").length]).toEqual([1, 1]);
    expect(err).toContain(message);
  });

  it("runs on .npy files and writes them", async () => {
    const { code, out } = await lanewise("run", model, "--input", `x=${x}`, "--out", path.join(folder, "out"));
    expect([code, out]).toEqual([0, expect.stringContaining("y: float32[3,2] → ")]);
    expect(readNpy(readFileSync(path.join(folder, "out/y.npy")))).toEqual(new Tensor("float32", [3, 2], [1, 4, 2, 5, 3, 6]));
  });

  it("runs on raw bytes, and speaks JSON", async () => {
    const raw = write("x.bin", new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
    const { out } = await lanewise("run", model, "--input", raw, "--json", "--tier", "simd128");
    const result = JSON.parse(out);
    expect(result).toMatchObject({ tier: "simd128", outputs: { y: { dataType: "float32", shape: [3, 2], data: [1, 4, 2, 5, 3, 6] } } });
  });

  it("finds one open dimension of raw bytes, beside an open batch", async () => {
    const raw = write("rgb.bin", new Uint8Array(12));
    expect((await lanewise("run", open, "--input", raw)).out).toContain("uint8[4,1,3]");
  });

  it("runs on pictures", async () => {
    const picture = write("p.png", encodePng({ width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }));
    const { out } = await lanewise("run", open, "--input", `image=${picture}`, "--out", folder);
    expect(out).toContain("out/put:0: uint8[2,1,3] → ");
    expect(readNpy(readFileSync(path.join(folder, "out_put_0.npy")))).toEqual(new Tensor("uint8", [2, 1, 3], [1, 2, 3, 4, 5, 6]));
  });

  it.each([
    [["inspect", model, "--svg", path.join(folder, "none", "arena.svg")], "there is no such folder to write to"],
    [["profile", model, "--runs", "1", "--trace", folder], "it is a directory"],
    [["run", model, "--input", x, "--out", x], "it is a file"],
  ])("says which file cannot be written: %s", async (args, reason) => {
    const { code, err } = await lanewise(...args);
    expect(code).toBe(1);
    expect(err).toBe(`error (input): ${args.at(-1)}: ${reason}\n`);
  });

  it("inspects", async () => {
    const { out } = await lanewise("inspect", model);
    expect(out).toContain("input %x:f32[2,3]");
    expect(out).toContain("%y:f32[3,2] = transpose(%x) {perm=[1,0]}");
    expect(JSON.parse((await lanewise("inspect", model, "--json")).out)).toMatchObject({
      format: "compact",
      nodes: 2,
      operators: { transpose: 1, concat: 1 },
    });
  });

  it("shows the plan, and draws it", async () => {
    const { out } = await lanewise("inspect", model, "--plan", "--svg", path.join(folder, "arena.svg"));
    expect(out).toMatch(/tensor +offset +bytes +first +last/);
    expect(out).toMatch(/x +\d+ +24 +0 +1/);
    expect(readFileSync(path.join(folder, "arena.svg"), "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect((await lanewise("inspect", open, "--plan", "--shape", "image=4,5,3")).out).toContain("u8[5,4,3]");
  });

  it("profiles, and writes a trace", async () => {
    const trace = path.join(folder, "trace.json");
    const { out } = await lanewise("profile", model, "--runs", "2", "--trace", trace);
    expect(out).toMatch(/transpose +1 +[\d.]+ +[\d.]+ % +[\d.]+ GB\/s/);
    expect(JSON.parse(readFileSync(trace, "utf8")).traceEvents.length).toBeGreaterThan(0);
  });

  it("benches, with inputs made up where none are given", async () => {
    const { out } = await lanewise("bench", open, "--time", "0.05", "--shape", "image=4,4,3", "--json");
    expect(JSON.parse(out)).toMatchObject({ runs: expect.any(Number), medianMs: expect.any(Number), memoryBytes: expect.any(Number) });
  });

  it("converts", async () => {
    const onnx = write(
      "abs.onnx",
      writeOnnx({
        inputs: [{ name: "x", type: "float32", shape: [2] }],
        outputs: [{ name: "y", type: "float32", shape: [2] }],
        nodes: [{ op: "Abs", inputs: ["x"], outputs: ["y"] }],
      }),
    );
    const { code, out, err } = await lanewise("convert", onnx);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("abs.safetensors: ");
    const values = write("ab.bin", new Uint8Array(Float32Array.of(-1, 2).buffer));
    const run = await lanewise("run", path.join(folder, "abs.safetensors"), "--input", values, "--json");
    expect(JSON.parse(run.out).outputs.y.data).toEqual([1, 2]);
  });
});
