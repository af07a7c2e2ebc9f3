// What holds for every page: accessible, no wider than its window, within its policy, and silent about the token.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, overflow, serve, violations, violationsInBoth, visit } from "./harness.mjs";
import { PAGES, SAVED, seed } from "./pages.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

for (const { name, path, wait } of PAGES) {
  for (const theme of ["light", "dark"]) {
    for (const width of [360, 768, 1440]) {
      test(`${name}, ${theme}, ${width} px`, async () => {
        const where = typeof path === "function" ? await path(server) : path;
        const { page, context, faults } = await visit(browser, server, where, { theme, width, wait });
        assert.deepEqual(await violations(page), []);
        assert.ok((await overflow(page)) <= 0, "the page is wider than its window");
        assert.ok(!page.url().includes(server.token), "the address still has the token");
        const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
        assert.ok(!stored.includes(server.token), "the token is stored");
        assert.deepEqual(faults, []);
        await context.close();
      });
    }
  }
}

test("the lineage as a table, and the page of whoever has not signed in", async () => {
  const { page, context, faults } = await visit(browser, server, `/templates/${SAVED}`, { wait: ".lineage li" });
  await page.getByRole("button", { name: "As a table" }).click();
  await page.getByRole("table", { name: "Lineage" }).waitFor();
  assert.deepEqual(await violationsInBoth(page), []);
  // The token is in memory alone.
  await page.reload();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  assert.deepEqual(await violationsInBoth(page), []);
  assert.deepEqual(faults, []);
  await context.close();
});
