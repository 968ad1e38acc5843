// Trains the digits network and writes its weights to weights.json: per convolution, OHWI weights and bias.
import { writeFileSync } from "node:fs";
import { generator, loadDigits, SIZE, shuffle } from "./data.mjs";
import { DigitsNetwork } from "./network.mjs";

const EPOCHS = 40;
const BATCH = 32;
const RATE = 0.003;

/** Moves a digit by up to two pixels each way: more variety than 8,000 digits have. */
function shifted(pixels, random) {
  const dx = Math.floor(random() * 5) - 2;
  const dy = Math.floor(random() * 5) - 2;
  const moved = new Float32Array(SIZE * SIZE);
  for (let y = Math.max(0, dy); y < Math.min(SIZE, SIZE + dy); y++)
    for (let x = Math.max(0, dx); x < Math.min(SIZE, SIZE + dx); x++) moved[y * SIZE + x] = pixels[(y - dy) * SIZE + (x - dx)];
  return moved;
}

const argMax = (values) => values.indexOf(Math.max(...values));
const accuracy = (network, digits) => digits.filter(({ pixels, digit }) => argMax(network.scores(pixels)) === digit).length / digits.length;

const { training, heldOut } = loadDigits();
const network = new DigitsNetwork(7);
const random = generator(3);
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  const rate = RATE * 0.5 * (1 + Math.cos((Math.PI * epoch) / EPOCHS)) + 1e-5;
  shuffle(training, random);
  let loss = 0;
  for (let at = 0; at < training.length; at += BATCH) {
    const batch = training.slice(at, at + BATCH);
    for (const { pixels, digit } of batch) loss += network.learn(shifted(pixels, random), digit);
    network.update(rate, batch.length);
  }
  const heldOutShare = (accuracy(network, heldOut) * 100).toFixed(2);
  console.log(`epoch ${epoch + 1}/${EPOCHS}: loss ${(loss / training.length).toFixed(4)}, held out ${heldOutShare} %`);
}
const weights = network.convs.map(({ filters, kernel, channels, weights: { values }, bias }) => ({
  shape: [filters, kernel, kernel, channels],
  weights: Array.from(values, (x) => Number(x.toPrecision(9))),
  bias: Array.from(bias.values, (x) => Number(x.toPrecision(9))),
}));
writeFileSync(new URL("weights.json", import.meta.url), JSON.stringify(weights));
