// Starts `prism local serve` on a fresh embedded cloud, and opens its pages in a real browser.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { filesOf } from "./files.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(HERE, "../../../target");
const PROGRAM = process.env.PRISM_BIN ?? join(TARGET, "debug/prism");
const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const run = promisify(execFile);
/** How long a browser or a server may take for what has no limit of its own, in milliseconds. */
const MOST_MS = 60_000;

/** A browser or a server did not do this in time. */
export class Hung extends Error {}

/** What a promise gives, or `Hung` if that takes too long. */
export async function bounded(what, promise) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Hung(`${what}: not within ${MOST_MS} ms`)), MOST_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A server of a fresh cloud. `prism` runs the command line on the same cloud; `more` is further environment of both. */
export async function serve({ speed = 1000, user = "ada", seed, more } = {}) {
  const home = mkdtempSync(join(tmpdir(), "prism-portal-"));
  const env = { PATH: process.env.PATH, HOME: home, USER: user, PRISM_HOME: home, NO_COLOR: "1", ...more };
  const prism = async (...args) => (await run(PROGRAM, args, { env })).stdout;
  await prism("local", "speed", String(speed));
  if (seed) await seed(prism);
  const server = { home, prism };
  const begin = async (user, port = 0) => Object.assign(server, { user }, await begun(["--as", user, "local", "serve", "--port", String(port)], env));
  await begin(user);
  /** The same cloud for another user: it has one server at a time, and a server has one user. */
  server.become = async (other) => {
    await server.stop();
    await begin(other);
  };
  /** Ends the server, and starts another one at the same address, perhaps for another user: it has a new token. */
  server.again = async (user = server.user) => {
    await server.stop();
    await begin(user, new URL(server.origin).port);
  };
  server.close = async () => {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  };
  return server;
}

/** Starts a server, and reads from its output how it is reached. */
async function begun(args, env) {
  const child = spawn(PROGRAM, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((done) => child.once("exit", done));
  const said = [];
  const portal = await bounded("prism local serve says where its portal is", new Promise((found, failed) => {
    createInterface(child.stderr).on("line", (line) => {
      said.push(line);
      if (line.startsWith("Portal: ")) found(line.slice("Portal: ".length));
    });
    child.once("exit", () => failed(new Error(`prism local serve ended: ${said.join("\n")}`)));
    child.once("error", failed);
  }));
  const { origin, hash } = new URL(portal);
  const stop = async () => {
    child.kill("SIGTERM");
    await bounded("prism local serve ends", ended);
  };
  return { origin, token: hash.slice("#token=".length), portal, stop };
}

export const launched = () => chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/** By how much a limit of time is longer, unless somebody measures on an idle machine (PRISM_MEASURES=1). */
export const LENIENCE = process.env.PRISM_MEASURES === "1" ? 1 : 2;

/**
 * A page that is signed in, at a path. `faults` collects what no page may do; `fragment` is more of the address,
 * and `zone` the reader's time zone.
 */
export async function visit(browser, server, path, { theme = "light", width = 1440, height = 900, wait, fragment = "", zone } = {}) {
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height }, timezoneId: zone, reducedMotion: "reduce" });
  await filesOf(context, server);
  const page = await context.newPage();
  const faults = [];
  watch(page, server, faults);
  await page.goto(`${server.origin}${path}#token=${server.token}${fragment}`);
  await page.locator("h1:visible").waitFor();
  if (wait) await page.locator(wait).first().waitFor();
  return { page, context, faults };
}

/** Notes violations of the Content Security Policy, errors of scripts, and a token where none may be. */
function watch(page, server, faults) {
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (text.includes(server.token)) faults.push("the console has the token");
    // What the API refuses is reported by the page; the browser logs it, too.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) faults.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== server.origin) faults.push(`another origin: ${url.origin}`);
    if (url.search.includes(server.token) || url.pathname.includes(server.token)) faults.push("a URL has the token");
    if (request.headers().referer) faults.push(`a referrer: ${request.headers().referer}`);
  });
}

/** Closes a page whose requests the test answers: one that waits for a change of a save is answered by nobody then. */
export async function leave(page) {
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.context().close();
}

/** What axe-core finds wrong in a page. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
}

/** The same in both themes. */
export async function violationsInBoth(page) {
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    found.push(...await violations(page));
  }
  return found;
}

/** Whether the page is wider than its window: nobody scrolls sideways to read. */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
