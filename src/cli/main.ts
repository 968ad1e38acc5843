#!/usr/bin/env node
// The `lanewise` command. An error is one line with its code on stderr: exit code 1, or 2 for wrong usage.
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import colors from "picocolors";
import { messageOf } from "../errors.ts";
import { addBench } from "./bench.ts";
import { addConvert } from "./convert.ts";
import { readDigits } from "./digits.ts";
import { addInspect } from "./inspect.ts";
import { addProfile } from "./profile.ts";
import { addRun } from "./run.ts";

const USAGE_ERROR = 2;

/** The command runs from dist/, beside which package.json lies. */
const readVersion = (): string => JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;

function makeProgram(): Command {
  const program = new Command("lanewise")
    .description("Runs trained neural networks on this device: compact, ONNX and TFLite models.")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(--help lists commands and flags)");
  addConvert(program);
  addRun(program);
  addInspect(program);
  addProfile(program);
  addBench(program);
  program.command("digits").description("read a page of handwritten digits with the models that the package brings").action(readDigits);
  return program;
}

try {
  await makeProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR; // commander has said it
  const code = typeof error === "object" && error !== null && "code" in error ? ` (${error.code})` : "";
  console.error(`${colors.red("error")}${code}: ${messageOf(error)}`);
  if (!code || process.env.DEBUG) console.error(error instanceof Error ? error.stack : error);
  return 1;
}
