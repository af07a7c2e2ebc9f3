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

test("a list of members with refused lines: the others are added, and the page says what became of each", async (t) => {
  const { server, json } = await course(t);
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}`, { wait: ".table tbody tr" });
  await press(page, /^Add a list…$/);
  const dialog = page.getByRole("dialog");
  await tabTo(page, /^List$/);
  await page.keyboard.insertText("user,role,group\nhal,,lab1\nA B,,\ndana,,\ned,viewer,\nida,member,lab1\nida,viewer,\n");
  await dialog.getByText('Line 3: "A B" is no user name').waitFor();
  await dialog.getByText(/^Line 7: ida: /).waitFor();
  await dialog.getByText("2 added, 1 changed, 1 as before").waitFor();
  assert.deepEqual(await violations(page), []);
  const users = async () => Object.fromEntries((await json("project", "member", "list", COURSE)).members.map(({ user, role }) => [user, role]));
  const before = { prof: "owner", dana: "member", ed: "member", fay: "member", gil: "viewer" };
  assert.deepEqual(await users(), before, "nobody is added before the button is pressed");
  await press(page, /^Add 4 people, without 2 lines$/);
  await dialog.getByText("Done:").waitFor();
  for (const [user, result] of [["hal", "added"], ["dana", "as before"], ["ed", "changed"], ["ida", "added"]]) {
    await dialog.getByRole("row").filter({ hasText: user }).getByText(result).waitFor();
  }
  await dialog.getByText("Line 3: ").waitFor();
  assert.deepEqual(await users(), { ...before, hal: "member", ida: "member", ed: "viewer" });
  await press(page, /^Close$/);
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("row").filter({ hasText: "hal" }).waitFor();
  assert.ok(await page.evaluate(() => document.activeElement !== document.body), "the focus is lost");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a file of a spreadsheet is a list of members", async (t) => {
  const { server, json } = await course(t);
  const { page, context } = await visit(browser, server, `/projects/${COURSE}`, { wait: ".table tbody tr" });
  await page.getByRole("button", { name: "Add a list…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("CSV file").setInputFiles({ name: "class.csv", mimeType: "text/csv", buffer: Buffer.from("\u{feff}Name;User\r\n\"Lovelace; Ada\";ada@uni.edu\r\n") });
  await dialog.getByRole("button", { name: "Add 1 person", exact: true }).click();
  await dialog.getByText("Done:").waitFor();
  assert.ok((await json("project", "member", "list", COURSE)).members.some(({ user }) => user === "ada@uni.edu"));
  await context.close();
});
