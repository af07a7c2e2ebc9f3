// What holds for every page: accessible, no wider than its window, within its policy, and silent about the token.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, overflow, serve, violations, visit } from "./harness.mjs";
import { PAGES, seed } from "./pages.mjs";

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
