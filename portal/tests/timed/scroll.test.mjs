// A list of a thousand templates: it is read page after page, and scrolls without a task of more than 50 ms.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bounded, Hung, launched, LENIENCE, serve, visit } from "../browser/harness.mjs";

const TEMPLATES = 1000;
const PAGE = 100;
const MOST_MS = 50;
// What a task takes depends on the machine, too: with the same files, one took less than 50 ms at one time of a day, and 50 to
// 60 ms at another. So the limit is checked by whoever measures (PRISM_MEASURES=1). Otherwise it is twice as long, and what the
// browser lays out is limited, which is the same on each machine: with all rows at once, it is 32,000 objects, in 250 ms.
const LIMIT_MS = LENIENCE * MOST_MS;
const OBJECTS = 8000;
// A browser that is traced has been seen to hang, which says nothing about the page. It is measured in a new one.
const ATTEMPTS = 3;

let server;
before(async () => {
  server = await serve();
});
after(async () => {
  await server?.close();
});

/** The list, as the API has it, with many items like its own. */
async function many(page) {
  await page.route("**/v1/templates?*", async (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const [one] = (await (await route.fetch({ url: route.request().url().replace(/cursor=\d+&?/, "") })).json()).items;
    const items = Array.from({ length: PAGE }, (_, at) => ({
      ...one, name: `template-${String(from + at).padStart(4, "0")}`, kind: "saved", owner: "ada", latest: 7, launches: from + at,
      updated_at: "2026-11-20T10:00:00Z", last_launched_at: "2026-11-21T10:00:00Z", description: `The environment ${from + at} of the lab`,
    }));
    const next = from + PAGE;
    await route.fulfill({ json: { items, cursor: next < TEMPLATES ? String(next) : null } });
  });
}

/** Scrolls to the end of the list as fast as a hand does. */
const scroll = (page) => page.evaluate(() => new Promise((done) => {
  let moved = performance.now();
  const step = () => {
    const before = window.scrollY;
    window.scrollBy(0, 150);
    if (window.scrollY !== before) moved = performance.now();
    // The next rows are added soon after the end was reached.
    if (performance.now() - moved < 1000) return requestAnimationFrame(step);
    return done();
  };
  requestAnimationFrame(step);
}));

/**
 * The longest task of the page's thread, in milliseconds of its own work: other work of the machine does not count. And the
 * most objects that were laid out.
 */
function longest(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const mains = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(({ pid, tid }) => `${pid}:${tid}`));
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith("RunTask") && mains.has(`${pid}:${tid}`));
  assert.ok(tasks.length > 100, "the trace has no tasks");
  const layouts = traceEvents.filter(({ name, args }) => name === "Layout" && args.beginData);
  assert.ok(layouts.length > 20, "the trace has no layouts");
  return {
    task: Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000,
    objects: Math.max(...layouts.map(({ args }) => args.beginData.totalObjects)),
  };
}

/** The same, while the page scrolls to its end. */
async function measured(browser) {
  const { page, faults } = await visit(browser, server, "/");
  await many(page);
  await page.getByRole("link", { name: "Templates", exact: true }).click();
  await page.getByText(TEMPLATES.toLocaleString("en-US"), { exact: true }).waitFor();
  await bounded("the trace begins", browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline", "devtools.timeline"] }));
  await bounded("the page scrolls", scroll(page));
  const longestOnes = longest(await bounded("the trace ends", browser.stopTracing()));
  assert.equal(await page.locator(".table tbody tr").count(), TEMPLATES, "not all templates are shown at the end");
  assert.deepEqual(faults, []);
  return longestOnes;
}

test(`${TEMPLATES} templates scroll without a frame of more than ${LIMIT_MS} ms`, async (t) => {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    const browser = await launched();
    try {
      const { task, objects } = await measured(browser);
      t.diagnostic(`the longest task took ${task} ms, and ${objects} objects were laid out`);
      assert.ok(task < LIMIT_MS, `a task took ${task} ms`);
      assert.ok(objects < OBJECTS, `${objects} objects were laid out`);
      return await bounded("the browser closes", browser.close());
    } catch (error) {
      // Not waited for: a browser that hangs may not close either.
      browser.close().catch(() => {});
      if (!(error instanceof Hung) || left === 0) throw error;
      t.diagnostic(`${error.message}: once more in a new browser`);
    }
  }
});
