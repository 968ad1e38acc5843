// Every kernel bench in this folder:  node bench/kernels/index.mjs [regular expression on "suite case"]
import { readdirSync } from "node:fs";

const files = readdirSync(new URL(".", import.meta.url)).filter(
  (file) => file.endsWith(".mjs") && file !== "index.mjs" && file !== "harness.mjs",
);
for (const file of files.sort()) {
  console.log(`\n── ${file}`);
  await import(`./${file}`);
}
