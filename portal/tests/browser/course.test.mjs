// The instructor's side of a project, by the keyboard alone, and what the command line says of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, violations, visit } from "./harness.mjs";
import { tabTo } from "./tabbing.mjs";

const COURSE = "cs229";
const CLASS = ["dana", "ed", "fay"];
let browser;
before(async () => {
  browser = await launched();
});
after(() => browser?.close());

/** A course of three, and of a fourth person who only looks on. */
async function course(t, more = async () => undefined) {
  const server = await serve({ user: "prof", seed: async (prism) => {
    await prism("project", "create", COURSE);
    await prism("project", "member", "add", COURSE, ...CLASS);
    await prism("project", "member", "add", COURSE, "gil", "--role", "viewer");
    await more(prism);
  } });
  t.after(server.close);
  const json = async (...args) => JSON.parse(await server.prism("--json", ...args));
  return { server, json, instances: async () => (await json("list", "--project", COURSE)).instances };
}

/** Presses a button that is reached with the keyboard. */
async function press(page, name) {
  await tabTo(page, name);
  await page.keyboard.press("Enter");
}

/** Types over what a field has. */
async function type(page, label, words) {
  await tabTo(page, label);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(words);
}

const named = (name) => new RegExp(`^${name}$`);
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);

test("an instance of a member is stopped, and its owner sees by whom", async (t) => {
  const { server, json, instances } = await course(t, (prism) => prism("--as", "dana", "launch", "ubuntu", "homework", "--project", COURSE));
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}/work`, { wait: ".table tbody tr" });
  await press(page, /^Stop homework of dana…$/);
  const dialog = page.getByRole("dialog");
  await dialog.getByText("You cannot start it again").waitFor();
  assert.equal((await instances())[0].state, "running");
  await press(page, /^Stop homework$/);
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("row").filter({ hasText: "homework" }).getByText("Stopped").waitFor();
  assert.equal((await instances())[0].state, "stopped");
  const { instance } = await json("--as", "dana", "show", "homework");
  assert.equal(instance.stopped_by.user, "prof");
  assert.deepEqual(faults, []);
  await context.close();
});
