// Notices: each way is set, tested and removed by the keyboard alone, and the command line shows the same.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { launched, serve, violations, visit } from "./harness.mjs";
import { hook, mailbox, verified } from "./post.mjs";
import { tabTo } from "./tabbing.mjs";

const SCHEMAS = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8")).components.schemas;
const EVENTS = SCHEMAS.NoticeEvent.enum.filter((event) => event !== "test");
let server;
let browser;
let mails;
let posts;
before(async () => {
  [mails, posts, browser] = await Promise.all([mailbox(), hook(), launched()]);
  // A code is valid for 18 seconds then, and a test may be sent every third of a second.
  server = await serve({ speed: 200, more: mails.more });
});
after(async () => {
  await browser?.close();
  await server?.close();
  mails?.close();
  posts?.close();
});
// Each test begins with nothing set.
beforeEach(async () => {
  posts.status = 204;
  await server.prism("notify", "off");
});

const shown = async () => JSON.parse(await server.prism("--json", "notify", "show"));
const open = () => visit(browser, server, "/notices", { wait: ".table tbody tr" });
const dialog = (page) => page.getByRole("dialog");
const row = (page, way) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${way}`) }) });

/** Goes to a button with Tab, and presses it. */
async function press(page, name) {
  await tabTo(page, name);
  await page.keyboard.press("Enter");
}

/** Types over what the field of a dialog has, which has the focus, and sends it. */
async function answer(page, label, words) {
  await dialog(page).getByLabel(label, { exact: true }).waitFor();
  await tabTo(page, new RegExp(`^${label}$`));
  await page.keyboard.press("Control+A");
  await page.keyboard.type(words);
  await page.keyboard.press("Enter");
}

/** Sets the webhook of the test, and returns its secret. */
async function setWebhook(page) {
  await press(page, /^Webhook: (Set|Change)…$/);
  await answer(page, "URL", posts.url);
  return takeSecret(page);
}

/** Reads the secret in its dialog, and closes that. */
async function takeSecret(page) {
  const secret = await dialog(page).getByLabel("Secret", { exact: true }).inputValue();
  assert.equal(await page.evaluate(() => document.activeElement.value), secret, "the keyboard does not reach the secret");
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  return secret;
}

test("an e-mail address is set, confirmed by its code, and removed", async () => {
  const { page, context, faults } = await visit(browser, server, "/", { wait: "h1" });
  await press(page, /^Account: ada$/);
  await press(page, /^Notices$/);
  await page.getByText("No notice is sent to you yet").waitFor();
  await press(page, /^E-mail: Set…$/);
  await answer(page, "E-mail address", "ada@example.org");
  await dialog(page).getByText("The eight digits in the e-mail to ada@example.org.").waitFor();
  const code = /prism notify confirm (\d{8})/.exec(await mails.next())[1];
  await answer(page, "Code", code === "00000000" ? "00000001" : "00000000");
  await dialog(page).getByRole("alert").getByText("The code is wrong.").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal((await shown()).email.confirmed, false);
  // It can be put off: the row says that it is not confirmed.
  await page.keyboard.press("Escape");
  await row(page, "E-mail").getByText("Not confirmed").waitFor();
  assert.deepEqual(await violations(page), []);
  await press(page, /^E-mail: Confirm…$/);
  await answer(page, "Code", "1234");
  await dialog(page).getByText("Type the eight digits of the code.").waitFor();
  await page.keyboard.press("Escape");
  // A new code comes when the address is set again.
  await press(page, /^E-mail: Change…$/);
  await answer(page, "E-mail address", "ada@example.org");
  await dialog(page).getByText("The eight digits in the e-mail to ada@example.org.").waitFor();
  const again = /prism notify confirm (\d{8})/.exec(await mails.next())[1];
  await answer(page, "Code", again);
  await dialog(page).waitFor({ state: "detached" });
  await row(page, "E-mail").getByText("On", { exact: true }).waitFor();
  assert.equal(await page.getByText("No notice is sent to you yet").count(), 0);
  const { address, confirmed } = (await shown()).email;
  assert.deepEqual([address, confirmed], ["ada@example.org", true]);
  await press(page, /^Send a test$/);
  assert.match(await mails.next(), /^Subject: \[Prism\] test: /m);
  await page.getByRole("status").getByText(/^E-mail: delivered/).waitFor();
  await press(page, /^E-mail: Remove…$/);
  await press(page, /^Remove the address$/);
  await row(page, "E-mail").getByText("Off", { exact: true }).waitFor();
  assert.equal((await shown()).email, null);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a webhook is set with a secret that is shown once, tested, and removed", async () => {
  const { page, context, faults } = await open();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const logged = [];
  page.on("console", (message) => logged.push(message.text()));
  const secret = await setWebhook(page);
  assert.ok(secret.length >= 32, "no secret");
  await row(page, "Webhook").getByText(posts.url).waitFor();
  assert.equal((await shown()).webhook.url, posts.url);
  await press(page, /^Send a test$/);
  const got = await posts.next();
  assert.equal(got.headers["prism-event"], "test");
  assert.equal(await verified(secret, got), true);
  assert.equal(await verified(`${secret}x`, got), false);
  await page.getByRole("status").getByText(/^Webhook: delivered/).waitFor();
  await page.getByRole("status").getByText(`The test has the ID ${JSON.parse(got.body).id}.`).waitFor();
  // Both secrets sign after a new one.
  await press(page, /^Webhook: New secret…$/);
  await press(page, /^Make a new secret$/);
  const next = await takeSecret(page);
  assert.notEqual(next, secret);
  await row(page, "Webhook").getByText(/^The former secret signs until/).waitFor();
  await press(page, /^Send a test$/);
  const both = await posts.next();
  for (const one of [secret, next]) assert.equal(await verified(one, both), true);
  for (const one of [secret, next]) {
    const kept = await page.evaluate(() => JSON.stringify([document.documentElement.outerHTML, [...document.querySelectorAll("input")].map(({ value }) => value), location.href, { ...localStorage }, { ...sessionStorage }, history.state]));
    assert.ok(![kept, ...asked, ...logged].some((text) => text.includes(one)), "the secret is kept somewhere");
  }
  await press(page, /^Webhook: Remove…$/);
  await press(page, /^Remove the webhook$/);
  await row(page, "Webhook").getByText("Off", { exact: true }).waitFor();
  assert.equal((await shown()).webhook, null);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a test that is refused for good says so, and why", async () => {
  const { page, context, faults } = await open();
  await setWebhook(page);
  posts.status = 410;
  await press(page, /^Send a test$/);
  await posts.next();
  await page.getByRole("status").getByText("Webhook: not delivered, and given up: it responded with the status 410.").waitFor();
  await row(page, "Webhook").getByText("it responded with the status 410").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(faults, []);
  await context.close();
});

test("the desktop is turned on and off", async () => {
  const { page, context, faults } = await open();
  await press(page, /^Desktop: Turn on…$/);
  await press(page, /^Turn it on$/);
  await row(page, "Desktop").getByText("On", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Turn off…", "the focus is lost");
  assert.equal((await shown()).desktop, true);
  await press(page, /^Desktop: Turn off…$/);
  await press(page, /^Turn it off$/);
  await row(page, "Desktop").getByText("Off", { exact: true }).waitFor();
  assert.equal((await shown()).desktop, false);
  assert.deepEqual(faults, []);
  await context.close();
});

test("the events are chosen, and a choice that was made elsewhere is not lost unseen", async () => {
  const { page, context, faults } = await open();
  const defaults = (await shown()).on;
  assert.equal(await page.getByRole("checkbox").count(), EVENTS.length);
  assert.equal(await page.locator("input:checked").count(), defaults.length);
  const save = async () => press(page, /^Save the choice$/);
  await tabTo(page, /^A save is done$/);
  await page.keyboard.press("Space");
  await tabTo(page, /^A copy failed$/);
  await page.keyboard.press("Space");
  await save();
  await page.getByRole("status").getByText("Your choice is saved.").waitFor();
  const chosen = [...defaults.filter((one) => one !== "copy.failed"), "save.succeeded"];
  assert.deepEqual((await shown()).on.sort(), chosen.sort());
  await tabTo(page, /^A template was shared with you$/);
  await page.keyboard.press("Space");
  await server.prism("notify", "set", "--on", "budget.crossed");
  await save();
  await page.getByRole("alert").getByText("The choice was changed elsewhere in the meantime, to: A project that you manage passed an alert of its budget.").waitFor();
  assert.deepEqual((await shown()).on, ["budget.crossed"]);
  assert.deepEqual(await violations(page), []);
  await save();
  await page.getByRole("alert").waitFor({ state: "detached" });
  assert.deepEqual((await shown()).on.sort(), [...chosen, "share.received"].sort());
  // Nor is one that is made after the page has looked.
  await page.route("**/v1/notify", async (route) => {
    if (route.request().method() === "PATCH") await server.prism("notify", "set", "--on", "save.failed");
    await route.continue();
  });
  await tabTo(page, /^A copy failed$/);
  await page.keyboard.press("Space");
  await save();
  await page.getByRole("alert").getByText("How you are notified was changed since it was read.").waitFor();
  assert.deepEqual((await shown()).on, ["save.failed"]);
  await page.unroute("**/v1/notify");
  await press(page, /^Return to the defaults$/);
  await page.getByText("Defaults", { exact: true }).waitFor();
  const now = await shown();
  assert.deepEqual([now.defaults, now.on], [true, defaults]);
  assert.deepEqual(faults, []);
  await context.close();
});

test("what the deployment refuses is said, with what an administrator needs", async () => {
  const { page, context } = await open();
  await press(page, /^Webhook: Set…$/);
  await dialog(page).getByLabel("URL", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await dialog(page).getByText("Type the URL.").waitFor();
  await answer(page, "URL", "https://169.254.169.254/");
  const alert = dialog(page).getByRole("alert");
  await alert.getByText("Details for an administrator").click();
  await alert.getByText("InvalidInput").waitFor();
  await alert.getByText("Request ID").waitFor();
  assert.equal((await shown()).webhook, null);
  await page.keyboard.press("Escape");
  await press(page, /^Send a test$/);
  await page.getByRole("alert").getByText("There is nothing to test").waitFor();
  await context.close();
});
