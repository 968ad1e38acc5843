// Node, Deno and Bun: files are read from disk.
import { readFileSync } from "node:fs";
import * as lanewise from "../../dist/index.js";
import { smoke } from "./smoke.mjs";

const file = (name) => readFileSync(new URL(`../../models/digits/${name}`, import.meta.url));
const models = { digits: new Uint8Array(file("digits.safetensors")), "digits-int8": new Uint8Array(file("digits-int8.safetensors")) };
console.log(await smoke(lanewise, { models, goldens: JSON.parse(file("goldens.json").toString()) }));
