// The access ends, or the network goes, while somebody works: what was typed stays, and the work goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, violations, visit } from "./harness.mjs";

const NAME = "earthquake-analysis";
let browser;
before(async () => {
  browser = await launched();
});
after(() => browser?.close());

const seed = (prism) => prism("launch", "python-ml", NAME);
const dialog = (page, name) => page.getByRole("dialog", { name });
/** What `prism local serve` prints is opened in another tab of the same browser. */
async function opened(context, server) {
  const tab = await context.newPage();
  await tab.goto(server.portal);
  await tab.getByRole("heading", { name: "Home", exact: true }).waitFor();
  return tab;
}

/** Opens the form of a save and types into it. */
async function typed(server) {
  const one = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await one.page.getByRole("link", { name: `Save ${NAME}` }).click();
  const form = dialog(one.page, `Save ${NAME}`);
  await form.getByLabel("Template").fill("seismic-ml");
  await form.getByLabel("What changed").fill("Half an hour of words");
  // The plans of both ways to save are there, for what was typed last.
  await form.getByText("down for about").nth(1).waitFor();
  await form.locator(".button.is-primary:not(.is-busy)").waitFor();
  return { ...one, form };
}

test("a token that ends in the middle of work: another tab signs in, and what was typed is saved", async (t) => {
  const server = await serve({ seed });
  t.after(server.close);
  const { page, context, form } = await typed(server);
  await server.again();
  await form.getByRole("button", { name: "Save as seismic-ml@1" }).click();
  const asked = dialog(page, "Your access has ended");
  await asked.getByText("What you have typed is kept.").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(JSON.parse(await server.prism("--json", "saves", "list")).saves, []);
  // Whoever closes it reads on; what needs access asks again.
  await page.keyboard.press("Escape");
  await asked.waitFor({ state: "detached" });
  assert.equal(await form.getByLabel("What changed").inputValue(), "Half an hour of words");
  // So does whoever wants to leave what waits for it.
  await form.getByRole("button", { name: "Cancel" }).click();
  await asked.waitFor();
  await opened(context, server);
  await page.waitForURL("**/saves/save-*");
  await page.getByText("Half an hour of words").first().waitFor();
  await context.close();
});

test("a token that ends while a form is filled in: the form stays, and goes on", async (t) => {
  const server = await serve({ seed });
  t.after(server.close);
  const { page, context, form } = await typed(server);
  await server.again();
  await form.getByLabel("Template").fill("seismic-own");
  await dialog(page, "Your access has ended").waitFor();
  await opened(context, server);
  await dialog(page, "Your access has ended").waitFor({ state: "detached" });
  await form.getByRole("button", { name: "Save as seismic-own@1" }).click();
  await page.waitForURL("**/saves/save-*");
  await context.close();
});

test("another user who signs in finds nothing of the one before, and does nothing for that one", async (t) => {
  const server = await serve({ seed });
  t.after(server.close);
  const { page, context, form } = await typed(server);
  await server.again("ben");
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && !request.url().includes("dry_run") && sent.push(request.url()));
  await form.getByRole("button", { name: "Save as seismic-ml@1" }).click();
  await dialog(page, "Your access has ended").waitFor();
  await opened(context, server);
  await page.getByRole("button", { name: "Account: ben" }).waitFor();
  await dialog(page, "Your access has ended").waitFor({ state: "detached" });
  assert.equal(await page.getByText(NAME).count(), 0);
  assert.ok(!(await page.evaluate(() => document.body.innerHTML)).includes("Half an hour of words"));
  // It was sent once, as the user before, whose token was refused.
  assert.equal(sent.length, 1, sent.join());
  await context.close();
});

test("a network that was lost comes back by itself, and the form is as it was", async (t) => {
  const server = await serve({ seed });
  t.after(server.close);
  const { page, context, form } = await typed(server);
  await context.setOffline(true);
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByText("Prism cannot be reached").first().waitFor();
  await form.getByLabel("Template").fill("seismic-own");
  await form.locator(".dialog-plan").getByText("Prism cannot be reached").waitFor();
  await page.getByText(`--port ${new URL(server.origin).port}`).first().waitFor();
  await context.setOffline(false);
  await page.waitForFunction(() => !document.body.innerText.includes("Prism cannot be reached"));
  await form.getByRole("button", { name: "Save as seismic-own@1" }).click();
  await page.waitForURL("**/saves/save-*");
  await context.close();
});
