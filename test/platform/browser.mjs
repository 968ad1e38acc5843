// A page that imports the built package as a module from a local server, in headless Chromium.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
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

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find((file) => file && existsSync(file));
if (!executablePath) throw new Error("no Chromium: set CHROMIUM, or install it (Debian: apt-get install chromium)");

const server = createServer((request, response) => {
  const file = path.join(ROOT, path.normalize(new URL(request.url, "http://localhost").pathname));
  if (!file.startsWith(ROOT) || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({ executablePath, args: FLAGS });
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(`page: ${message.text()}`));
  await page.goto(`http://127.0.0.1:${server.address().port}/test/platform/page.html`);
  await page.waitForFunction(() => document.getElementById("result").textContent !== "running", undefined, { timeout: 60_000 });
  const result = await page.textContent("#result");
  if (!result.startsWith("ok: ")) throw new Error(result);
  console.log(`${result.slice(4)} (Chromium ${browser.version()})`);
} finally {
  await browser.close();
  server.close();
}
