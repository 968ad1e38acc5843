// Engines in headless Chromium: each has a page of its own (page.html), whose files come from a server in this process.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const PAGE = "/bench/models/page.html";
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Of a model's loading and first run, in milliseconds. */
const PATIENCE = 60_000;

/** Serves the repository's files, and at /given/… the files that `give` was called for. */
async function serve() {
  const given = new Map();
  const fileAt = (url) => given.get(url) ?? path.join(ROOT, path.normalize(url));
  const server = createServer((request, response) => {
    const url = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const file = fileAt(url);
    if ((!given.has(url) && !file.startsWith(ROOT)) || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const give = (file) => {
    const url = `/given/${given.size}`;
    given.set(url, file);
    return url;
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, give, close: () => server.close() };
}

/** The browser's driver, which test/platform installs. */
function importDriver() {
  const require = createRequire(path.join(ROOT, "test/platform/run.mjs"));
  try {
    return require("playwright-core");
  } catch {
    throw new Error("playwright-core is missing: npm install --prefix test/platform --ignore-scripts");
  }
}

/** Where engines run that are given pages of a browser; only Chromium is known. */
export async function openBrowser(name) {
  if (name !== "chromium") throw new Error(`--browser ${name} is not known: it is chromium`);
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find((file) => file && existsSync(file));
  if (!executablePath) throw new Error("no Chromium: set CHROMIUM, or install it (Debian: apt-get install chromium)");
  const server = await serve();
  const browser = await importDriver().chromium.launch({ executablePath, args: FLAGS });
  return {
    version: `Chromium ${browser.version()}`,
    start: (engine, job) => new EnginePage(browser, server, engine, job),
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** `ready` resolves to the state after the first run; `time` runs for a while. */
class EnginePage {
  #page;

  constructor(browser, server, engine, job) {
    const inputs = job.inputs.map((input) => (input.file ? { ...input, file: server.give(input.file) } : input));
    this.ready = this.#open(browser, server.origin, engine, { ...job, file: server.give(job.file), inputs });
  }

  async #open(browser, origin, engine, job) {
    // A context of its own gives the page a process of its own.
    const context = await browser.newContext();
    this.#page = await context.newPage();
    this.#page.setDefaultTimeout(PATIENCE);
    await this.#page.goto(`${origin}${PAGE}`);
    await this.#page.waitForFunction(() => globalThis.start);
    return this.#page.evaluate(([name, told]) => globalThis.start(name, told), [engine, job]);
  }

  time(milliseconds) {
    return this.#page.evaluate((budget) => globalThis.time(budget), Number(milliseconds));
  }

  close() {
    return this.#page.context().close();
  }
}
