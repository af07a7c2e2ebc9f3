// Saves as people make and watch them: by the keyboard alone, and beside the command line.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, leave, serve, violations, visit } from "./harness.mjs";

const NAME = "earthquake-analysis";

let server;
let browser;
before(async () => {
  const seed = (prism) => prism("launch", "python-ml", NAME);
  [server, browser] = await Promise.all([serve({ seed, speed: 20 }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Presses Tab until the focus is on something with this name. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
    if (found.trim() === name) return;
  }
  assert.fail(`the keyboard does not reach ${name}`);
}

test("a save by the keyboard alone, with its plan first, and watched on the command line", async () => {
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await tabTo(page, `Save ${NAME}…`);
  await page.keyboard.press("Enter");
  await page.locator("dialog form").waitFor();
  const focused = await page.evaluate(() => document.activeElement?.labels?.[0]?.textContent);
  assert.equal(focused, "Template", "the focus is on the first field");
  // Esc closes it, nothing has happened, and the focus is where it was.
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), `Save ${NAME}…`);
  await page.keyboard.press("Enter");
  await page.locator("dialog form").waitFor();
  // Pressing the button with a field missing moves the focus there and begins nothing.
  await tabTo(page, "Save it");
  await page.keyboard.press("Enter");
  await page.locator("dialog .field-error").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.labels?.[0]?.textContent), "Template");
  await page.keyboard.type("seismic-ml");
  await page.getByText("about 1 min", { exact: true }).waitFor();
  await page.getByText(/at most \$1\.50 a month/).waitFor();
  assert.deepEqual(JSON.parse(await server.prism("--json", "saves", "list")).saves, []);
  await tabTo(page, "Save as seismic-ml@1");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/saves\/save-/);
  await page.locator(".signal.is-full").waitFor();
  const id = new URL(page.url()).pathname.split("/").at(-1);
  const { saves } = JSON.parse(await server.prism("--json", "saves", "list"));
  assert.deepEqual(saves.map((save) => save.save_id), [id]);
  await server.prism("saves", "watch", id);
  await page.getByText("Your instance was down for").waitFor();
  await page.locator(".head .badge", { hasText: "Saved" }).waitFor();
  // What the picture shows enlarged is in the table, too.
  for (const phase of ["Stopping", "Snapshots begin", "Starting"]) {
    const row = page.getByRole("table", { name: "Steps of the save" }).getByRole("row").filter({ hasText: `Down: ${phase}` });
    assert.match(await row.innerText(), /Down.*\d\d:\d\d:\d\d.*\d\ss/s, phase);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("cancelling says what it does, and brings the instance back", async () => {
  // A save of a volume that was saved before is short: the page needs time to cancel it.
  await server.prism("local", "speed", "2");
  const { save_id: id } = JSON.parse(await server.prism("--json", "save", NAME, "seismic-ml", "--yes", "--no-wait"));
  const { page, context, faults } = await visit(browser, server, `/saves/${id}`, { wait: ".signal.is-full" });
  await page.getByRole("button", { name: "Cancel this save…" }).click();
  await page.locator("dialog").getByText("The instance is brought back to the state it was in").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Cancel the save", exact: true }).click();
  await server.prism("local", "speed", "20");
  await page.locator(".head .badge", { hasText: "Cancelled" }).waitFor({ timeout: 60_000 });
  await server.prism("saves", "watch", id).catch(() => undefined);
  const { instances } = JSON.parse(await server.prism("--json", "list"));
  assert.equal(instances[0].state, "running");
  assert.deepEqual(faults, []);
  await context.close();
});

/** The page of a save, as if it had ended otherwise: the embedded cloud lets nobody break its instances. */
async function ended(changes) {
  const [{ save_id: id }] = JSON.parse(await server.prism("--json", "saves", "list")).saves;
  const visited = await visit(browser, server, "/saves", { wait: ".table tbody tr" });
  const sent = [];
  await visited.page.route(new RegExp(`/v1/saves/${id}`), async (route) => {
    if (route.request().method() === "POST") {
      sent.push(new URL(route.request().url()).pathname);
      return route.fulfill({ status: 202, contentType: "application/json", body: "{}" });
    }
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), ...changes } });
  });
  await visited.page.locator(`a[href="/saves/${id}"]`).click();
  return { ...visited, id, sent };
}

const FAILURE = { code: "NoCapacity", message: "EC2 has no room for it.", hint: "Try again later.", step: "RestartInstance" };

test("an instance that did not come back: what to do, and a start is asked about with its price", async () => {
  const guide = { cause: "NoCapacity", happened: "There is no capacity for its type.", steps: [{ text: "Try to start it:", command: `prism start ${NAME}` }] };
  const { page, faults, id, sent } = await ended({ state: "stranded", failure: FAILURE, guide });
  await page.getByText("There is no capacity for its type.").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Try again now" }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/^It costs \$0\.\d\d an hour while it runs/).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(sent, []);
  await page.getByRole("button", { name: "Try again now" }).press("Enter");
  await dialog.getByText("It costs").waitFor();
  await dialog.getByRole("button", { name: `Start ${NAME}` }).press("Enter");
  await page.getByRole("status").getByText("The save is being recovered.").waitFor();
  assert.deepEqual(sent, [`/v1/saves/${id}/recover`]);
  assert.deepEqual(faults, []);
  await leave(page);
});

test("an instance is started even while EC2 does not tell its price", async () => {
  const { page, faults, id, sent } = await ended({ state: "stranded", failure: FAILURE });
  await page.route(/\/v1\/instances\//, (route) => route.fulfill({ status: 503, json: { code: "Unavailable", detail: "EC2 does not respond." } }));
  await page.getByRole("button", { name: "Try again now" }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Prism tries to start the instance").waitFor();
  assert.equal(await dialog.getByText("It costs").count(), 0);
  await dialog.getByRole("button", { name: `Start ${NAME}` }).press("Enter");
  await page.getByRole("status").getByText("The save is being recovered.").waitFor();
  assert.deepEqual(sent, [`/v1/saves/${id}/recover`]);
  assert.deepEqual(faults, []);
  await leave(page);
});

test("a save that failed says why, and offers no start", async () => {
  const { page, faults } = await ended({ state: "failed", failure: FAILURE, leftovers: "An AMI could not be removed." });
  await page.getByText("EC2 has no room for it.").waitFor();
  await page.getByText("An AMI could not be removed.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Try again now" }).count(), 0);
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(faults, []);
  await leave(page);
});

test("older saves that cannot be read say so, and are asked for again, even if none is shown yet", async () => {
  const { page, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  let fail;
  const failed = new Promise((done) => { fail = done; });
  let asked = 0;
  await page.route(/\/v1\/saves\?/, async (route) => {
    const url = new URL(route.request().url());
    if (!url.searchParams.has("cursor")) return route.fulfill({ json: { items: [], cursor: "more" } });
    asked += 1;
    if (asked === 1) {
      await failed;
      return route.fulfill({ status: 503, json: { code: "Throttled", detail: "Too many requests." } });
    }
    url.searchParams.delete("cursor");
    const response = await route.fetch({ url: url.href });
    return route.fulfill({ response, json: { ...(await response.json()), cursor: null } });
  });
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Saves" }).click();
  const none = page.getByRole("heading", { name: "No save fits" });
  const more = page.getByRole("button", { name: "Show more" });
  await none.waitFor();
  await more.click();
  // Nothing is said about saves that are being read.
  await none.waitFor({ state: "detached" });
  fail();
  await page.getByRole("alert").getByText("Too many requests.").waitFor();
  await none.waitFor();
  assert.deepEqual(await violations(page), []);
  await more.click();
  await page.getByRole("table", { name: "Saves" }).locator("tbody tr").first().waitFor();
  assert.deepEqual(faults, []);
  await leave(page);
});

test("a version that is saved for later leaves the latest one as it is", async () => {
  const shown = async () => JSON.parse(await server.prism("--json", "template", "show", "seismic-ml")).template;
  const { latest } = await shown();
  await server.prism("template", "share", "seismic-ml", "--user", "ben", "--yes");
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await tabTo(page, `Save ${NAME}…`);
  await page.keyboard.press("Enter");
  const dialog = page.locator("dialog");
  await dialog.locator("form").waitFor();
  const keeps = dialog.getByRole("checkbox", { name: /^Keep the latest version/ });
  await page.keyboard.type("new-ml");
  await dialog.getByText("A new template, and yours.").waitFor();
  assert.equal(await keeps.count(), 0, "a new template has no version to keep");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("seismic-ml");
  await keeps.focus();
  await page.keyboard.press("Space");
  await dialog.getByText(/^This becomes version \d+\.$/).waitFor();
  await dialog.getByText("the user ben", { exact: true }).waitFor();
  const wanted = dialog.getByRole("button", { name: /^Save as seismic-ml@/ });
  const next = Number((await wanted.textContent()).split("@")[1]);
  assert.ok(next > latest, `${next}, ${latest}`);
  // While its plan is made, the button does nothing.
  await dialog.locator(".button.is-primary:not(.is-busy)").waitFor();
  await wanted.press("Enter");
  await page.waitForURL(/\/saves\/save-/);
  await server.prism("saves", "watch", new URL(page.url()).pathname.split("/").at(-1));
  const after = await shown();
  assert.deepEqual([after.latest, after.newest], [latest, next]);
  // What is asked before it becomes the latest names the same people, and has changed nothing.
  await page.goto(`${server.origin}/templates/seismic-ml#token=${server.token}`);
  await page.getByRole("button", { name: `More for version ${next}` }).click();
  await page.getByRole("button", { name: "Make it the latest…" }).click();
  await dialog.getByText("the user ben", { exact: true }).waitFor();
  assert.equal((await shown()).latest, latest);
  assert.deepEqual(faults, []);
  await context.close();
});

test("saving the same again makes the next version", async () => {
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  const ids = [];
  for (const version of [1, 2]) {
    await page.getByRole("link", { name: `Save ${NAME}…` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Template").fill("again-ml");
    await dialog.getByLabel("What changed").fill("The same words");
    await dialog.getByRole("button", { name: `Save as again-ml@${version}` }).click();
    await page.waitForURL(/\/saves\/save-/);
    ids.push(new URL(page.url()).pathname.split("/").at(-1));
    await server.prism("saves", "watch", ids.at(-1));
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Instances" }).click();
  }
  assert.notEqual(ids[0], ids[1]);
  assert.equal(JSON.parse(await server.prism("--json", "template", "show", "again-ml")).template.latest, 2);
  assert.deepEqual(faults, []);
  await context.close();
});

test("whoever manages the project watches a save, and its owner alone cancels it", async () => {
  await server.prism("project", "create", "geo-ml");
  await server.prism("project", "member", "add", "geo-ml", "ben", "--role", "admin");
  // Slow enough for a busy machine to look twice while it is in progress.
  await server.prism("local", "speed", "2");
  const { save_id: id } = JSON.parse(await server.prism("--json", "save", NAME, "managed-ml", "--yes", "--no-wait", "--project", "geo-ml"));
  for (const [user, buttons] of [["ben", 0], ["ada", 1]]) {
    await server.become(user);
    const { page, context, faults } = await visit(browser, server, `/saves/${id}`, { wait: ".signal.is-full" });
    await page.getByRole("button", { name: `Account: ${user}` }).waitFor();
    await page.getByRole("heading", { name: "If something fails" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Cancel this save…" }).count(), buttons, user);
    assert.deepEqual(faults, []);
    await context.close();
  }
  await server.prism("local", "speed", "1000");
  await server.prism("saves", "watch", id);
});
