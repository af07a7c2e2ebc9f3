// The first page is usable within a second on a slow mobile network: its heading and its data are shown. The network is
// Lighthouse's Slow 4G; the processor is this machine's, and the time in which it did other work is not counted. The median
// of several counts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, LENIENCE, serve } from "../browser/harness.mjs";
import { seed } from "../browser/pages.mjs";

const SLOW_4G = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
const NO_WAIT = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
const MOST_MS = 1000;
const LIMIT_MS = LENIENCE * MOST_MS;
const VISITS = 5;

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Notes in the page itself when its heading and this selector are there and painted: the test's own time does not count. */
function noteShown(selector) {
  const look = new MutationObserver(() => {
    if (!document.querySelector("h1:not(.hide)") || !document.querySelector(selector)) return;
    look.disconnect();
    requestAnimationFrame(() => setTimeout(() => { globalThis.shownAfter = performance.now(); }));
  });
  look.observe(document, { childList: true, subtree: true });
}

/** How long after the navigation the first page is usable, and how long its thread worked, in milliseconds. */
async function visited(network) {
  const context = await browser.newContext({ viewport: { width: 412, height: 823 } });
  const page = await context.newPage();
  await page.addInitScript(noteShown, ".table tbody tr");
  const tools = await context.newCDPSession(page);
  await tools.send("Network.enable");
  await tools.send("Network.emulateNetworkConditions", network);
  await tools.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${server.origin}/#token=${server.token}`);
  const taken = await (await page.waitForFunction(() => globalThis.shownAfter)).jsonValue();
  const { metrics } = await tools.send("Performance.getMetrics");
  const worked = metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  await context.close();
  return { taken, worked };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

test(`the first page is usable within ${LIMIT_MS} ms`, async (t) => {
  const [slow, held] = [[], []];
  for (let visit = 0; visit < VISITS; visit += 1) {
    slow.push((await visited(SLOW_4G)).taken);
    // Without a network to wait for, what a visit takes beyond its own work is what the machine did meanwhile.
    const { taken, worked } = await visited(NO_WAIT);
    held.push(Math.max(0, taken - worked));
  }
  const [all, others] = [median(slow), median(held)].map(Math.round);
  t.diagnostic(`${all} ms, of which the machine held it up for ${others} ms`);
  assert.ok(all - others <= LIMIT_MS, `${all} ms, less ${others} ms`);
});
