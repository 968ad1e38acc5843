// Every public name, and every member of it, says what it is: that is what an editor shows to whoever uses it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const src = path.join(import.meta.dirname, "../../src");
const DECLARATION = /^export (?:async )?(?:interface|class|type|function|const) (\w+)/;
const MEMBER = /^ {2}(?:readonly |get |async |static )*(\w+|\[[\w.]+\])\??[(:<]/;

/** Names that an entry point exports, with the file that declares each. */
function exportsOf(entry: string): [name: string, file: string][] {
  const text = readFileSync(path.join(src, entry), "utf8");
  const passedOn = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)].flatMap(([, names, from]) =>
    names!
      .split(",")
      .map((name): [string, string] => [name.replace("type ", "").trim(), path.join(path.dirname(entry), from!)])
      .filter(([name]) => name !== ""),
  );
  const own = text
    .split("\n")
    .flatMap((line): [string, string][] => (DECLARATION.test(line) ? [[DECLARATION.exec(line)![1]!, entry]] : []));
  return [...passedOn, ...own];
}

/** What has no docblock of a declaration: the name itself and its members. */
function undocumented(name: string, file: string): string[] {
  const lines = readFileSync(path.join(src, file), "utf8").split("\n");
  const start = lines.findIndex((line) => DECLARATION.exec(line)?.[1] === name);
  if (start < 0) return [`${name}: not declared in ${file}`];
  const isDocumented = (at: number) => lines[at - 1]!.trimEnd().endsWith("*/");
  const missing = isDocumented(start) ? [] : [name];
  if (!/^export (interface|class)/.test(lines[start]!)) return missing;
  for (let at = start + 1; lines[at] !== "}"; at++) {
    const member = MEMBER.exec(lines[at]!)?.[1];
    if (member && !isDocumented(at)) missing.push(`${name}.${member}`);
  }
  return missing;
}

test.each(["index.ts", "convert/index.ts"])("src/%s", (entry) => {
  const names = exportsOf(entry);
  expect(names.length).toBeGreaterThan(1);
  expect(names.flatMap(([name, file]) => undocumented(name, file))).toEqual([]);
});
