// `lanewise digits`: the main job, embedded. Reads a page of handwritten digits that no training has seen, with the
// models that the package ships, and touches no network.
import { readFile } from "node:fs/promises";
import { decode } from "fast-png";
import colors from "picocolors";
import { load, Tensor } from "../index.ts";
import type { Model } from "../runtime/model.ts";

const FOLDER = new URL("../models/digits/", import.meta.url);
const SIZE = 28;
const TIMED_RUNS = 400;

interface Manifest {
  /** Digits held out of training, on which `accuracy` was measured. */
  readonly heldOut: number;
  readonly page: { readonly columns: number; readonly rows: number; readonly digits: readonly number[] };
  readonly models: { readonly [name: string]: { readonly bytes: number; readonly accuracy: number } };
}

/** Reads the page with the float32 and the int8 model and prints what they see. */
export async function readDigits(): Promise<void> {
  const manifest: Manifest = JSON.parse(await readFile(new URL("digits.json", FOLDER), "utf8"));
  const images = cutPage(decode(await readFile(new URL("page.png", FOLDER))), manifest.page);
  for (const [name, { bytes, accuracy }] of Object.entries(manifest.models)) {
    const started = performance.now();
    const model = await load(new URL(`${name}.safetensors`, FOLDER));
    const [first] = await recognise(model, images.slice(0, 1));
    const firstMs = performance.now() - started;
    const answers = await recognise(model, images);
    const runMs = timeRun(model, images[0]!);
    if (name === Object.keys(manifest.models)[0]) printPage(images, answers, manifest.page);
    const right = answers.filter((answer, i) => answer === manifest.page.digits[i]).length;
    console.log(
      `\n${colors.bold(name)} (${(bytes / 1024).toFixed(1)} KB): ${right} of ${images.length} on this page, ` +
        `${(accuracy * 100).toFixed(1)} % of ${manifest.heldOut} digits held out of training`,
    );
    console.log(
      `  ${(runMs * 1000).toFixed(0)} µs an image · first answer (${first}) ${firstMs.toFixed(0)} ms after the start of loading · ` +
        `tier ${model.tier} · ${(model.memoryBytes / 1024).toFixed(0)} KB of WebAssembly memory`,
    );
    model.dispose();
  }
}

/** The page's digits, row by row: pixels 0 (paper) to 1 (ink). */
function cutPage(page: { width: number; data: ArrayLike<number> }, { columns, rows }: Manifest["page"]): Float32Array[] {
  return Array.from({ length: columns * rows }, (_, i) => {
    const corner = Math.floor(i / columns) * SIZE * page.width + (i % columns) * SIZE;
    return Float32Array.from({ length: SIZE * SIZE }, (_, p) => page.data[corner + Math.floor(p / SIZE) * page.width + (p % SIZE)]! / 255);
  });
}

const imageTensor = (pixels: Float32Array): Tensor => new Tensor("float32", [1, SIZE, SIZE, 1], pixels);

async function recognise(model: Model, images: readonly Float32Array[]): Promise<number[]> {
  const answers: number[] = [];
  for (const pixels of images) {
    const { scores } = await model.run({ image: imageTensor(pixels) });
    const data = scores!.data as Float32Array;
    answers.push(data.indexOf(Math.max(...data)));
  }
  return answers;
}

/** Median milliseconds of a run. */
function timeRun(model: Model, pixels: Float32Array): number {
  const image = imageTensor(pixels);
  const times = Array.from({ length: TIMED_RUNS }, () => {
    const start = performance.now();
    model.runSync({ image });
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[TIMED_RUNS >> 1]!;
}

/** Draws each row of digits in half size, and under each digit the answer: green when right, red when wrong. */
function printPage(images: readonly Float32Array[], answers: readonly number[], { columns, rows, digits }: Manifest["page"]): void {
  for (let row = 0; row < rows; row++) {
    const cells = images.slice(row * columns, (row + 1) * columns).map(drawDigit);
    for (let line = 0; line < cells[0]!.length; line++) console.log(cells.map((cell) => cell[line]).join(" "));
    const labels = cells.map((_, column) => {
      const i = row * columns + column;
      const right = answers[i] === digits[i];
      const text = right ? `${answers[i]}` : `${answers[i]} (is ${digits[i]})`;
      return (right ? colors.green : colors.red)(text.padStart(4).padEnd(7));
    });
    console.log(labels.join(" "));
  }
}

/** Fourteen dots each way, two by four of them to a Braille character. */
function drawDigit(pixels: Float32Array): string[] {
  const inked = (x: number, y: number) => {
    if (y >= SIZE / 2) return false;
    const at = 2 * y * SIZE + 2 * x;
    return (pixels[at]! + pixels[at + 1]! + pixels[at + SIZE]! + pixels[at + SIZE + 1]!) / 4 > 0.35;
  };
  const DOTS = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
  return Array.from({ length: 4 }, (_, row) =>
    Array.from({ length: 7 }, (_, column) => {
      const bits = DOTS.reduce((sum, bit, i) => (inked(column * 2 + (i & 1), row * 4 + (i >> 1)) ? sum | bit : sum), 0);
      return String.fromCharCode(0x2800 + bits);
    }).join(""),
  );
}
