// An engine with a model in a process of its own (child.mjs).
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));

/** Where engines run that are given processes of the Node at `node`. */
export const processes = (node) => ({
  start: (name, job) => new EngineProcess(node, name, job),
  close: async () => {},
});

/** `ready` resolves to the state after the first run; `time` runs for a while. */
class EngineProcess {
  #process;
  #waiting = () => {};

  constructor(node, engine, job) {
    const argument = JSON.stringify({ engine, job });
    this.#process = spawn(node, ["--no-warnings", CHILD, argument], { stdio: ["pipe", "pipe", "ignore"] });
    this.ready = this.#next();
    let text = "";
    this.#process.stdout.on("data", (data) => {
      text += data;
      const lines = text.split("\n");
      text = lines.pop();
      for (const line of lines) if (line.startsWith("\u0001")) this.#waiting(JSON.parse(line.slice(1)));
    });
    this.#process.on("exit", () => this.#waiting({ error: "its process ended" }));
  }

  #next() {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  time(milliseconds) {
    const answer = this.#next();
    this.#process.stdin.write(`${milliseconds}\n`);
    return answer;
  }

  close() {
    this.#process.stdin.end();
  }
}
