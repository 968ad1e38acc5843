// What is run: architectures with random weights, and folders of models with a meta.json beside each.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ARCHITECTURES } from "../../models/architectures.mjs";

/**
 * Jobs whose names match `wanted`: { name, format, macs, file, inputs, isChecked }. The architectures are written into
 * `scratch`; `from` is a folder of models. `isChecked` says that all engines must give the same output.
 */
export function* jobsOf({ wanted, from, scratch }) {
  for (const [name, build] of Object.entries(ARCHITECTURES)) {
    if (!wanted.test(name)) continue;
    const { bytes, macs, input } = build();
    const file = path.join(scratch, `${name}.onnx`);
    writeFileSync(file, bytes);
    const isChecked = !name.startsWith("int8");
    yield { name, format: "onnx", isRecipe: true, isChecked, macs, file, inputs: [{ ...input, dataType: "float32" }] };
  }
  for (const name of from ? readdirSync(from).sort() : []) {
    const described = path.join(from, name, "meta.json");
    if (!wanted.test(name) || !existsSync(described)) continue;
    const { format, file, macs = 0, cases } = JSON.parse(readFileSync(described, "utf8"));
    if (cases[0].steps) continue;
    const inputs = cases[0].inputs.map((input) => ({
      name: input.name,
      dataType: input.dtype,
      shape: input.shape,
      file: path.resolve(from, name, input.file),
    }));
    yield { name, format, macs, file: path.resolve(from, name, file), inputs };
  }
}
