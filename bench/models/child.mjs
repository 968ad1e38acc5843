// One engine with one model, in a process of its own. Told a number of milliseconds on its input, it runs for that long
// and answers with a line of JSON: the median, the fastest and the number of samples.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { startSession } from "./session.mjs";

const { engine, job } = JSON.parse(process.argv[2]);
const say = (message) => process.stdout.write(`\n\u0001${JSON.stringify(message)}\n`);
const withBytes = (input) => (input.file ? { ...input, bytes: new Uint8Array(readFileSync(input.file)) } : input);

try {
  const { state, time } = await startSession(
    await import(`./engines/${engine}.mjs`),
    { ...job, inputs: job.inputs.map(withBytes) },
    new Uint8Array(readFileSync(job.file)),
  );
  say({ ...state, memoryMib: process.memoryUsage().rss / 2 ** 20 });
  for await (const line of createInterface({ input: process.stdin })) say(await time(Number(line)));
} catch (error) {
  say({ error: String(error?.message ?? error).slice(0, 200) });
}
process.exit(0);
