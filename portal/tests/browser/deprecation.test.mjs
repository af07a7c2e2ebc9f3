// Deprecated templates and versions name what replaces them and their end of life, wherever they are about to be used.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, violations, visit } from "./harness.mjs";
import { tabTo } from "./tabbing.mjs";

const OLD = "seismic-ml";
const NEW = "seismic-2027";

let server;
let browser;
before(async () => {
  const seed = async (prism) => {
    await prism("launch", "python-ml", "work");
    for (const save of [[OLD], [OLD], [NEW], [OLD, "--exclude-from-latest"]]) await prism("save", "work", ...save, "--yes");
    await prism("template", "deprecate", `${OLD}@1`, "--replaced-by", `${OLD}@2`);
  };
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const version = (page, number) => page.getByRole("table", { name: `Versions of ${OLD}` }).getByRole("row").filter({ hasText: new RegExp(`^Version ${number}(?!\\d)`) });

test("a deprecated version names its replacement in the list, in its facts and before it is launched", async () => {
  const { page, context, faults } = await visit(browser, server, `/templates/${OLD}?version=1`, { wait: ".lineage li" });
  await version(page, 1).getByText("Deprecated").waitFor();
  const instead = version(page, 1).getByRole("link", { name: `${OLD}@2` });
  assert.equal(await instead.getAttribute("href"), `/templates/${OLD}?version=2`);
  const facts = page.getByRole("region", { name: "Version 1" });
  await facts.getByText("Deprecation", { exact: true }).waitFor();
  await facts.getByRole("link", { name: `${OLD}@2` }).waitFor();
  await page.getByRole("link", { name: "Launch version 1" }).click();
  await page.locator(".dialog-plan").getByText(`${OLD}@1 is deprecated: use ${OLD}@2 instead.`).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a version that was excluded from latest says how it is launched, and so does its save", async () => {
  const { page, context, faults } = await visit(browser, server, `/templates/${OLD}?version=3`, { wait: ".lineage li" });
  await version(page, 3).getByText(`newer than the latest: launched as ${OLD}@3 only`).waitFor();
  await version(page, 2).getByText("Latest", { exact: true }).waitFor();
  assert.equal(await page.getByText("newer than the latest").count(), 1);
  await page.getByRole("region", { name: "Version 3" }).getByRole("link", { name: /^save-/ }).click();
  await page.getByText("It was requested that this does not become the latest version.").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a template gets an end of life and a replacement by the keyboard alone, and loses them again", async () => {
  const template = async () => JSON.parse(await server.prism("template", "show", OLD, "--json")).template;
  const { page, context, faults } = await visit(browser, server, `/templates/${OLD}`, { wait: ".lineage li" });
  await tabTo(page, /^More about this template$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Deprecate the template…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").locator("form").waitFor();
  await tabTo(page, /^Use instead$/);
  await page.keyboard.type(NEW);
  await page.getByRole("dialog").getByLabel("End of life").fill("2099-01-01");
  assert.deepEqual(await violations(page), []);
  assert.equal((await template()).deprecation ?? null, null);
  await tabTo(page, new RegExp(`^Deprecate ${OLD}$`));
  await page.keyboard.press("Enter");
  const note = page.locator(".note.is-warn", { hasText: `${OLD} reaches its end of life on 1 Jan 2099 (UTC).` });
  await note.getByRole("link", { name: NEW }).waitFor();
  assert.deepEqual((await template()).deprecation, { replaced_by: NEW, end_of_life: "2099-01-01T00:00:00Z" });
  // Until then, it does not count as deprecated.
  assert.equal(await page.locator(".head .badge", { hasText: "Deprecated" }).count(), 0);
  await page.getByRole("link", { name: `Launch ${OLD}@2…` }).click();
  await page.locator(".dialog-plan").getByText(`${OLD} reaches its end of life on 1 January 2099 (UTC): use ${NEW} instead.`).waitFor();
  await page.goBack();
  await page.getByRole("button", { name: "More about this template" }).click();
  await page.getByRole("button", { name: "Restore the template…" }).click();
  await page.getByRole("button", { name: `Restore ${OLD}`, exact: true }).click();
  await note.waitFor({ state: "detached" });
  assert.equal((await template()).deprecation ?? null, null);
  assert.deepEqual(faults, []);
  await context.close();
});
