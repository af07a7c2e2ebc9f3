// What an attacker or an accident could send: names that look like markup, a stolen URL, a server that is gone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, visit } from "./harness.mjs";
import { HOSTILE, idOf } from "./pages.mjs";

let server;
let browser;
before(async () => {
  const seed = (prism) => prism("launch", "ubuntu", HOSTILE);
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test("a name never becomes markup", async () => {
  const id = await idOf(server, HOSTILE);
  for (const path of ["/", "/instances", `/instances?save=us-east-1/${id}`]) {
    const { page, context, faults } = await visit(browser, server, path, { wait: ".table tbody tr" });
    await page.getByText(HOSTILE).first().waitFor();
    assert.equal(await page.locator("img").count(), 0);
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test("the token is in the page's memory alone: a reload, or the address, gives nobody access", async () => {
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  assert.equal(page.url(), `${server.origin}/instances`);
  assert.equal(await page.evaluate(() => history.length), 2);
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a wrong token is refused, and says what to do", async () => {
  const wrong = { ...server, token: "0".repeat(64) };
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${wrong.origin}/#token=${wrong.token}`);
  await page.getByText("this server does not accept it").waitFor();
  await context.close();
});

test("a refusal has its code, its hint and the ID of the request", async () => {
  const { page, context } = await visit(browser, server, "/saves/save-00000000000000000000", { wait: ".note.is-bad" });
  const note = page.locator(".note.is-bad");
  await note.locator("summary").click();
  assert.match(await note.innerText(), /SaveNotFound/);
  assert.match(await note.innerText(), /Request ID\s+[0-9a-f]{16}/);
  await context.close();
});

test("a server that is gone is said so, and what was read stays", async (t) => {
  const other = await serve({ seed: (prism) => prism("launch", "ubuntu", "left") });
  t.after(other.close);
  const { page, context } = await visit(browser, other, "/instances", { wait: ".table tbody tr" });
  await other.close();
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByText("Prism cannot be reached").waitFor();
  assert.equal(await page.locator(".table tbody tr").count(), 1);
  await context.close();
});
