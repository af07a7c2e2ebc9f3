// Ends of instances, and what they cost: set, extended and removed in the portal, as the command line then has them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, violations, visit } from "./harness.mjs";
import { tabTo } from "./tabbing.mjs";

const NAME = "earthquake-analysis";
const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;

let server;
let browser;
before(async () => {
  const seed = async (prism) => {
    await prism("launch", "python-ml", NAME);
    await prism("launch", "ubuntu", "short");
  };
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const shown = async (name = NAME) => JSON.parse(await server.prism("show", name, "--json")).instance;
const endOf = async (name) => (await shown(name)).end ?? null;
const row = (page, name = NAME) => page.getByRole("row").filter({ hasText: name });
const dialog = (page) => page.getByRole("dialog");

/** Opens the question with the keyboard alone. */
async function open(page, name = NAME) {
  await tabTo(page, new RegExp(`^More for ${name}$`));
  await page.keyboard.press("Enter");
  await tabTo(page, /^End…$/);
  await page.keyboard.press("Enter");
  await dialog(page).locator("form").waitFor();
}

/** Types over what a field has. */
async function type(page, label, words) {
  await tabTo(page, label);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(words);
}

async function press(page, label) {
  await tabTo(page, label);
  await page.keyboard.press("Enter");
  await dialog(page).waitFor({ state: "detached" });
}

test("an end is set by the keyboard alone, with what happens when", async () => {
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  assert.equal(await page.getByRole("columnheader", { name: "Ends" }).count(), 0);
  await open(page);
  await type(page, /^How long$/, "3");
  await tabTo(page, /^Unit$/);
  // The list of a select is the browser's own.
  await page.keyboard.type("weeks");
  await tabTo(page, /^Stop it/);
  await page.keyboard.press("ArrowDown");
  const plan = dialog(page).locator(".dialog-plan");
  await plan.getByText("Nothing is saved first.").waitFor();
  await type(page, /^Save it first as$/, "kept-env");
  await plan.getByText("Nothing is saved first.").waitFor({ state: "detached" });
  assert.match(await plan.innerText(), /about \$\d[\d.,]* if it runs all the time, at \$\d\.\d\d an hour/);
  for (const words of ["It will be terminated on", "In about 21", "You are warned on", "It is stopped and not terminated, and you are told why."]) await plan.getByText(words).waitFor();
  await plan.getByText("At the end, it is saved as the next version of kept-env").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(await endOf(), null, "the end was set before the button was pressed");
  await press(page, new RegExp(`^Set the end of ${NAME}$`));
  const end = await endOf();
  assert.deepEqual([end.then, end.last_save, end.warn_minutes, end.state], ["terminate", "kept-env", 15, "ahead"]);
  assert.ok(Math.abs(new Date(end.at) - new Date(end.set_at) - 3 * WEEK) <= MINUTE, `${end.set_at} to ${end.at}`);
  await row(page).getByText(/^Is terminated on /).waitFor();
  await row(page).getByText("saved first as kept-env").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), `More for ${NAME}`, "the focus does not return");
  assert.deepEqual(faults, []);
  await context.close();
});

test("an end is extended by a time that counts from it, and what is not changed stays", async () => {
  await server.prism("extend", NAME, "--for", "4w", "--then", "terminate", "--last-save", "kept-env", "--warn-before", "2h");
  const before = await endOf();
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await open(page);
  // What is wrong is said, gets the focus, and nothing is sent.
  await type(page, /^How long$/, "0.5");
  await tabTo(page, new RegExp(`^Extend ${NAME}$`));
  await page.keyboard.press("Enter");
  await dialog(page).getByText("Use a whole number.").waitFor();
  await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent === "How long");
  assert.deepEqual(await endOf(), before);
  await page.keyboard.press("Control+A");
  await page.keyboard.type("1");
  await tabTo(page, /^Unit$/);
  await page.keyboard.type("weeks");
  await press(page, new RegExp(`^Extend ${NAME}$`));
  const end = await endOf();
  assert.equal(new Date(end.at) - new Date(before.at), WEEK);
  assert.deepEqual([end.then, end.last_save, end.warn_minutes], ["terminate", "kept-env", 120]);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an end is moved to a date of the reader's zone, and to stopping", async () => {
  await server.prism("extend", NAME, "--for", "8w", "--then", "terminate", "--last-save", "kept-env");
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await open(page);
  const until = await page.evaluate((week) => {
    const at = new Date(Date.now() + 9 * week);
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }, WEEK);
  await dialog(page).getByRole("radio", { name: "At a time" }).check();
  await dialog(page).getByLabel("Date and time").fill(until);
  await dialog(page).getByRole("radio", { name: /^Stop it/ }).check();
  await dialog(page).getByLabel("Save it first as").fill("");
  await dialog(page).locator(".dialog-plan").getByText("It will be stopped on").waitFor();
  await dialog(page).getByRole("button", { name: `Set the end of ${NAME}` }).click();
  await dialog(page).waitFor({ state: "detached" });
  const end = await endOf();
  const wanted = await page.evaluate((until) => new Date(until).toISOString(), until);
  assert.equal(new Date(end.at).toISOString(), wanted);
  assert.deepEqual([end.then, end.last_save], ["stop", null]);
  await row(page).getByText(/^Stops on /).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("an end is removed by the keyboard alone", async () => {
  await server.prism("extend", NAME, "--for", "8w");
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await row(page).getByText(/^Stops on /).waitFor();
  await open(page);
  await tabTo(page, /^Later by a time/);
  await page.keyboard.press("ArrowUp");
  await dialog(page).locator(".dialog-plan").getByText("It runs until somebody stops it.").waitFor();
  assert.equal((await endOf()).state, "ahead");
  await press(page, new RegExp(`^Remove the end of ${NAME}$`));
  assert.equal(await endOf(), null);
  await row(page).getByText(/^Stops on /).waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("an instance that was stopped at its end says so, until it is started again", async () => {
  await server.prism("extend", "short", "--for", "5m", "--warn-before", "2m");
  const { page, context, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await row(page, "short").getByText(/^Stopped on /).waitFor();
  await row(page, "short").getByText("at its end").waitFor();
  assert.equal((await shown("short")).state, "stopped");
  await page.getByRole("button", { name: "Start short…" }).click();
  await page.getByRole("button", { name: "Start short", exact: true }).click();
  await row(page, "short").getByText("Running").waitFor();
  assert.equal(await row(page, "short").getByText("at its end").count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("each instance has what it cost this month, and what it costs an hour as it is", async () => {
  const money = (usd) => {
    const digits = usd < 0.01 ? 4 : 2;
    return usd.toLocaleString("en-US", { style: "currency", currency: "USD", minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  // A month of the fast clock is over soon, and costs are of a month.
  await server.prism("local", "speed", "20");
  const before = await shown();
  const { page, context } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  const text = await row(page).innerText();
  const after = await shown();
  const spent = Number(/\$([\d,.]+) so far/.exec(text)?.[1].replaceAll(",", ""));
  assert.ok(before.spending.usd - 0.01 <= spent && spent <= after.spending.usd + 0.01, `${before.spending.usd}, ${text}, ${after.spending.usd}`);
  assert.ok(text.includes(`${money(after.spending.usd_per_hour)} an hour`), text);
  await server.prism("stop", "short");
  const stopped = (await shown("short")).spending.usd_per_hour;
  assert.ok(stopped > 0);
  await context.close();
  const again = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  await row(again.page, "short").getByText(`${money(stopped)} an hour, disk only`).waitFor();
  await again.context.close();
  await server.prism("local", "speed", "1000");
});

test("a launch has an end from its plan on", async () => {
  const { page, context, faults } = await visit(browser, server, "/launch?template=ubuntu", { wait: "form" });
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("with-an-end");
  await page.getByRole("radio", { name: "After a time" }).check();
  const plan = page.locator(".dialog-plan");
  // Without a time there is neither a plan nor a launch.
  await page.getByLabel("How long").fill("");
  await plan.getByText("Say when it ends").waitFor();
  await page.getByRole("button", { name: "Launch ubuntu" }).click();
  await page.getByText("Use a whole number.").waitFor();
  await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent === "How long");
  await page.getByLabel("How long").fill("2");
  await page.getByLabel("Unit").selectOption("weeks");
  await page.getByRole("radio", { name: /^Terminate it/ }).check();
  await page.getByLabel("Save it first as").fill("kept-env");
  await page.getByLabel("Warn me before").selectOption("1 day");
  await plan.getByText("It will be terminated on").waitFor();
  await plan.getByText("At the end, it is saved as the next version of kept-env").waitFor();
  await page.getByText("an hour, from now until its end.").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Launch ubuntu" }).click();
  await page.waitForURL("**/instances");
  const end = await endOf("with-an-end");
  assert.deepEqual([end.then, end.last_save, end.warn_minutes], ["terminate", "kept-env", 1440]);
  assert.ok(Math.abs(new Date(end.at) - new Date(end.set_at) - 2 * WEEK) <= MINUTE, `${end.set_at} to ${end.at}`);
  await row(page, "with-an-end").getByText(/^Is terminated on /).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});
