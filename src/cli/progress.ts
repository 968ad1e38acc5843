// Progress on a terminal: a bar on stderr while something takes long, and nothing at all where nobody looks.
import { Presets, SingleBar } from "cli-progress";

/** A short wait shows no bar. */
const QUIET_MS = 300;

export class Progress {
  readonly #label: string;
  readonly #started = performance.now();
  #bar: SingleBar | undefined;

  constructor(label: string) {
    this.#label = label;
  }

  /** Shows `done` of `total`; a total of 0 is unknown. */
  update(done: number, total: number): void {
    if (!process.stderr.isTTY || total <= 0 || performance.now() - this.#started < QUIET_MS) return;
    if (!this.#bar) {
      this.#bar = new SingleBar(
        { format: `${this.#label} {bar} {percentage} %`, stream: process.stderr, clearOnComplete: true, hideCursor: true },
        Presets.rect,
      );
      this.#bar.start(total, 0);
    }
    this.#bar.setTotal(total);
    this.#bar.update(done);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
