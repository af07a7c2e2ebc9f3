// Each question is accessible and fits its window, Esc leaves it, and the focus returns to what opened it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, overflow, serve, violations, visit } from "./harness.mjs";
import { seed } from "./pages.mjs";
import { QUESTIONS } from "./questions.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

for (const { name, path, open, wait } of QUESTIONS) {
  test(`the question ${name}`, async () => {
    for (const [theme, width] of [["light", 1440], ["dark", 360]]) {
      const { page, context, faults } = await visit(browser, server, path, { theme, width });
      await open(page);
      const dialog = page.getByRole("dialog");
      await dialog.waitFor();
      if (wait) await page.locator(wait).first().waitFor();
      assert.deepEqual(await violations(page), [], theme);
      assert.ok((await overflow(page)) <= 0, "the page is wider than its window");
      assert.ok(await dialog.evaluate((one) => one.scrollWidth <= one.clientWidth), "the dialog is wider than its window");
      assert.ok(await dialog.evaluate((one) => one.contains(document.activeElement)), "the focus is not in the dialog");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      assert.ok(await page.evaluate(() => document.activeElement !== document.body), "the focus is lost");
      assert.deepEqual(faults, []);
      await context.close();
    }
  });
}
