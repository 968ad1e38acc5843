// Plans every model of a folder for the shapes of its first case, and fails when an arena is above 1.10 × its lower bound.
//   node test/models/arena.mjs FOLDER [REGEX]
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { convert } from "../../dist/convert.js";
import { load } from "../../dist/index.js";

const LIMIT = 1.1;
const [folder, pattern = "."] = process.argv.slice(2);
let bad = 0;
for (const name of readdirSync(folder).sort()) {
  const described = path.join(folder, name, "meta.json");
  if (!existsSync(described) || !new RegExp(pattern).test(name)) continue;
  const { file, cases } = JSON.parse(readFileSync(described, "utf8"));
  try {
    const model = await load(await convert(new Uint8Array(readFileSync(path.join(folder, name, file)))));
    const shapes = Object.fromEntries(cases[0].inputs.map((input) => [input.name, cases[0].steps ? input.shape.slice(1) : input.shape]));
    const { arenaBytes, arenaLowerBound, weightBytes, partial } = model.plan(shapes);
    const ratio = arenaLowerBound ? arenaBytes / arenaLowerBound : 1;
    if (ratio > LIMIT) bad++;
    const verdict = ratio > LIMIT ? "FAIL" : "ok  ";
    console.log(
      `${verdict} ${name.padEnd(30)} arena ${arenaBytes} bytes = ${ratio.toFixed(3)} × the bound · weights ${weightBytes}${partial ? " · first part only" : ""}`,
    );
    model.dispose();
  } catch (error) {
    bad++;
    console.log(`FAIL ${name.padEnd(30)} ${error.message.split("\n")[0]}`);
  }
}
process.exit(bad ? 1 : 0);
