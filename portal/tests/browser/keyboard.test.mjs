// What changes something is done with the keyboard alone: sharing, and going back to an earlier version.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, visit } from "./harness.mjs";
import { seed } from "./pages.mjs";
import { tabTo } from "./tabbing.mjs";
import { TEMPLATE } from "./team.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test("a template is shared with the keyboard alone", async () => {
  const { page, context, faults } = await visit(browser, server, `/templates/${TEMPLATE}`, { wait: ".lineage li" });
  await tabTo(page, /^Share…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, /^User name$/);
  await page.keyboard.type("dana");
  const consent = page.getByRole("checkbox", { name: "I have checked these files" });
  await page.getByText(/Published to|may be confidential/).first().waitFor();
  if (await consent.count()) {
    await tabTo(page, /^I have checked/);
    await page.keyboard.press("Space");
  }
  await page.getByText("Published to dana").waitFor();
  await tabTo(page, new RegExp(`^Share ${TEMPLATE} with dana$`));
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Unshare with dana" }).waitFor();
  const back = await page.evaluate(() => document.activeElement?.textContent);
  assert.equal(back, "Share…", "the focus does not return to where it was");
  assert.deepEqual(faults, []);
  await context.close();
});

test("an earlier version becomes the latest with the keyboard alone", async () => {
  const { page, context, faults } = await visit(browser, server, `/templates/${TEMPLATE}`, { wait: ".lineage li" });
  await tabTo(page, /^More for version 2$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Make it the latest…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText("Launches by name use version 2 from now on").waitFor();
  await tabTo(page, new RegExp(`^Make ${TEMPLATE}@2 the latest$`));
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByRole("row").filter({ hasText: /^Version 2/ }).getByText("Latest").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("Esc leaves a question, and nothing was changed", async () => {
  const { page, context } = await visit(browser, server, `/templates/${TEMPLATE}`, { wait: ".lineage li" });
  const before = await server.prism("--json", "template", "versions", TEMPLATE);
  await page.getByRole("button", { name: "More about this template" }).click();
  await page.getByRole("button", { name: "Delete the template…" }).click();
  await page.getByRole("dialog").getByText("This cannot be undone.").waitFor();
  await page.getByRole("dialog").getByText("It is still used:").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal(await server.prism("--json", "template", "versions", TEMPLATE), before);
  await context.close();
});
