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

test("an instance for each of three members: the plan first, then each of them on the command line", async (t) => {
  const { server, json, instances } = await course(t);
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}/course`, { wait: ".card" });
  await press(page, /^Launch for the class…$/);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Template" }).waitFor();
  // A button that lacks something moves the focus there.
  await press(page, /^Launch for the class$/);
  await dialog.locator(".field-error").waitFor();
  await page.keyboard.type("python-ml");
  await dialog.getByText("3 instances together").waitFor();
  await type(page, /^Names begin with$/, "lab1");
  await press(page, /^All 3 by name$/);
  await dialog.getByText("lab1-dana").waitFor();
  const plan = await json("project", "launch", COURSE, "python-ml", "--for-each-member", "--dry-run");
  const price = plan.plan.usd_per_hour.toLocaleString("en-US", { style: "currency", currency: "USD" });
  await dialog.getByText(`${price} an hour`).first().waitFor();
  assert.equal(await dialog.getByRole("row").filter({ hasText: "gil" }).count(), 0, "a viewer is none of the class");
  await tabTo(page, /^Never/);
  await page.keyboard.press("ArrowDown");
  await type(page, /^How long$/, "3");
  await tabTo(page, /^Unit$/);
  // The list of a select is the browser's own.
  await page.keyboard.type("weeks");
  await dialog.getByText("Each will be stopped on").waitFor();
  await dialog.getByText(/Its owner is warned on/).waitFor();
  const each = (plan.plan.usd_per_hour / 3).toLocaleString("en-US", { style: "currency", currency: "USD" });
  await dialog.getByText(`if it runs all the time, at ${each} an hour`).waitFor();
  assert.equal(await dialog.getByText("Save it first as").count(), 0, "the instances of several members have no last save");
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(await instances(), [], "nothing is launched before the button is pressed");
  await press(page, /^Launch 3 instances$/);
  await dialog.getByText("3 of 3", { exact: true }).waitFor();
  await dialog.locator(".dialog-foot").getByText("Close").waitFor();
  assert.equal(await focused(page), "Close", "the focus stays on the button that was pressed");
  assert.deepEqual(await violations(page), []);
  const found = await instances();
  assert.deepEqual(found.map(({ name, owner, template }) => [name, owner, template]), CLASS.map((user) => [`lab1-${user}`, user, "python-ml"]));
  for (const { owner, launched_at: from } of found) {
    const { instances: [{ end }] } = await json("--as", owner, "list");
    assert.ok(Math.abs(new Date(end.at) - new Date(from) - 3 * 604_800_000) < 86_400_000, `${from}, ${end.at}`);
  }
  for (const { owner, id } of found) await dialog.getByRole("row").filter({ hasText: owner }).filter({ hasText: id }).getByText("launched").waitFor();
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await focused(page), "Launch for the class…");
  // Whoever manages the project sees when they end.
  await page.getByRole("link", { name: "Work", exact: true }).click();
  await page.getByRole("columnheader", { name: "Ends" }).waitFor();
  await page.getByRole("row").filter({ hasText: "lab1-dana" }).getByText(/^Stops on/).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a launch that fails is named with its reason, the others go on, and the rest is planned again", async (t) => {
  const { server, instances } = await course(t);
  const { page, context } = await visit(browser, server, `/projects/${COURSE}/course`, { wait: ".card" });
  await press(page, /^Launch for the class…$/);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Template" }).fill("ubuntu");
  await dialog.getByText("3 instances together").waitFor();
  await server.prism("project", "member", "remove", COURSE, "ed");
  await press(page, /^Launch 3 instances$/);
  const failed = dialog.getByRole("row").filter({ hasText: "ed is not in the project" });
  await failed.getByText("failed").waitFor();
  assert.match(await failed.innerText(), /Request ID: [0-9a-f]{16}/);
  await dialog.getByText("2 of 3", { exact: true }).waitFor();
  await dialog.getByText("1 failed.").waitFor();
  assert.deepEqual((await instances()).map(({ owner }) => owner), ["dana", "fay"]);
  await server.prism("project", "member", "add", COURSE, "ed");
  await press(page, /^Plan the rest…$/);
  await dialog.getByText("2 have one already.").waitFor();
  await press(page, /^Launch 1 instance$/);
  await dialog.getByText("1 of 1", { exact: true }).waitFor();
  assert.deepEqual((await instances()).map(({ owner }) => owner), CLASS);
  await context.close();
});

test("a run that is stopped requests no further launch, and says for whom none was requested", async (t) => {
  const { server, instances } = await course(t);
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}/course`, { wait: ".card" });
  // Long enough to press a key before the second launch.
  await page.route("**/launch-plan", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), interval_ms: 8000 } });
  });
  const dialog = page.getByRole("dialog");
  const begin = async (count) => {
    await press(page, named(`Launch ${count} instances`));
    await dialog.getByText(`1 of ${count}`, { exact: true }).waitFor();
  };
  await press(page, /^Launch for the class…$/);
  await dialog.getByRole("combobox", { name: "Template" }).fill("ubuntu");
  await begin(3);
  await page.keyboard.press("Escape");
  await dialog.getByText("What was requested is finished first.").waitFor();
  for (const name of ["ubuntu-ed", "ubuntu-fay"]) await dialog.getByRole("row").filter({ hasText: name }).getByText("not requested").waitFor();
  assert.deepEqual((await instances()).map(({ owner }) => owner), ["dana"]);
  await press(page, /^Plan the rest…$/);
  // A browser closes a dialog at the second Esc, whatever the page wants: the run goes with it.
  await begin(2);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await press(page, /^Launch for the class…$/);
  await dialog.getByRole("combobox", { name: "Template" }).fill("ubuntu");
  await dialog.getByText("2 have one already.").waitFor();
  assert.deepEqual((await instances()).map(({ owner }) => owner), ["dana", "ed"]);
  assert.deepEqual(faults, []);
  await context.close();
});

test("a launch for a group, of a template that not all of them may launch", async (t) => {
  const { server, instances } = await course(t, async (prism) => {
    await prism("project", "group", "add", COURSE, "lab2", "ed", "fay");
    await prism("launch", "ubuntu", "prep");
    await prism("save", "prep", "lab-env", "--yes", "--publish-sensitive");
    await prism("template", "share", "lab-env", "--user", "ed", "--yes", "--publish-sensitive");
  });
  const { page, context } = await visit(browser, server, `/projects/${COURSE}/course`, { wait: ".table tbody tr" });
  await press(page, /^Launch for the class…$/);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Template" }).fill("lab-env");
  await dialog.getByText("2 are refused.").waitFor();
  await tabTo(page, /^For whom$/);
  // The list of a select is the browser's own.
  await page.keyboard.type("lab2");
  await dialog.getByText("1 is refused.").waitFor();
  await dialog.locator("table").first().getByRole("row").filter({ hasText: "fay" }).getByText("refused").waitFor();
  await press(page, /^Launch 1 instance$/);
  await dialog.getByText("1 of 1", { exact: true }).waitFor();
  assert.deepEqual((await instances()).map(({ owner, template }) => [owner, template]), [["ed", "lab-env@1"]]);
  await context.close();
});

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

test("a join link is made, copied, used by somebody, and withdrawn", async (t) => {
  const { server, json } = await course(t);
  const links = async () => (await json("project", "link", "list", COURSE)).links;
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}/course`, { wait: ".card" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await press(page, /^Make a join link…$/);
  const dialog = page.getByRole("dialog");
  await press(page, /^Make the link$/);
  await dialog.getByText("Choose a day from today on").waitFor();
  await page.waitForFunction(() => document.activeElement?.labels?.[0]?.textContent === "Last day");
  const day = new Date(Date.now() + 60 * 86_400_000);
  const two = (value) => String(value).padStart(2, "0");
  // The field has a part for each of month, day and year.
  await page.keyboard.type(`${two(day.getMonth() + 1)}${two(day.getDate())}${day.getFullYear()}`);
  await type(page, /^How many can join$/, "2");
  await type(page, /^Group$/, "lab1");
  assert.deepEqual(await links(), []);
  await press(page, /^Make the link$/);
  await dialog.getByText("which is shown this once").waitFor();
  assert.deepEqual(await violations(page), []);
  await press(page, /^Copy the code$/);
  await page.getByRole("status").getByText("The code is copied.").waitFor();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  const code = await copied();
  await press(page, /^Copy the link$/);
  await page.getByRole("status").getByText("The link is copied.").waitFor();
  assert.equal(await copied(), `${server.origin}/join#code=${code}`);
  await press(page, /^Close$/);
  await dialog.waitFor({ state: "hidden" });
  const [link] = await links();
  assert.deepEqual([link.uses, link.used, link.role, link.group], [2, 0, "member", "lab1"]);
  const end = new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1);
  assert.equal(new Date(link.until).getTime(), end.getTime(), "the last day is not included");
  assert.ok(!(await page.content()).includes(code), "the code is still in the page");
  await server.prism("--as", "hal", "project", "join", code);
  const { members } = await json("project", "member", "list", COURSE);
  assert.deepEqual(members.find(({ user }) => user === "hal").groups, ["lab1"]);
  await press(page, named(`Withdraw ${link.id}`));
  await dialog.waitFor();
  await press(page, /^Withdraw the link$/);
  await page.getByText("Whoever has a join link adds themselves").waitFor();
  assert.deepEqual(await links(), []);
  await assert.rejects(server.prism("--as", "ida", "project", "join", code), /JoinCodeInvalid|code/);
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
  // Who leaves the list of files without a choice is still in the dialog.
  await dialog.getByLabel("CSV file").dispatchEvent("cancel");
  await dialog.getByLabel("CSV file").setInputFiles({ name: "class.csv", mimeType: "text/csv", buffer: Buffer.from("\u{feff}Name;User\r\n\"Lovelace; Ada\";ada@uni.edu\r\n") });
  await dialog.getByRole("button", { name: "Add 1 person", exact: true }).click();
  await dialog.getByText("Done:").waitFor();
  assert.ok((await json("project", "member", "list", COURSE)).members.some(({ user }) => user === "ada@uni.edu"));
  await context.close();
});

test("the end of a project is set, changed and removed, and its members read what happens then", async (t) => {
  const { server, json } = await course(t);
  const end = async () => (await json("project", "show", COURSE)).project.end;
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}`, { wait: ".table tbody tr" });
  const open = async () => {
    await press(page, /^More about this project$/);
    await press(page, /^Set the end…$/);
    await page.getByRole("dialog").getByLabel("Ends").waitFor();
  };
  await open();
  const dialog = page.getByRole("dialog");
  const year = new Date().getFullYear() + 1;
  // The field has a part for each of month, day, year, hour and minute; a year may have more than four digits.
  await page.keyboard.type(`0701${year}`);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type("0600PM");
  await dialog.getByText("Its instances are stopped").waitFor();
  await tabTo(page, /^Save each instance first/);
  await page.keyboard.press("Space");
  await dialog.getByText("and then terminated.").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(await end(), null);
  await press(page, /^Set the end$/);
  await dialog.waitFor({ state: "hidden" });
  const first = await end();
  assert.deepEqual([first.last_save, new Date(first.at).getTime()], [true, new Date(year, 6, 1, 18).getTime()]);
  await page.getByText(/^The project ends on /).waitFor();
  await page.getByText("and then terminated.").waitFor();
  await open();
  await tabTo(page, /^Save each instance first/);
  await page.keyboard.press("Space");
  await press(page, /^Set the end$/);
  await dialog.waitFor({ state: "hidden" });
  assert.deepEqual([(await end()).last_save, (await end()).at], [false, first.at]);
  await page.getByText("Its instances are stopped").waitFor();
  await open();
  await press(page, /^Remove the end$/);
  await dialog.getByText("Instances are launched and started for the project as before").waitFor();
  assert.notEqual(await end(), null);
  await press(page, /^Remove the end$/);
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await end(), null);
  await page.getByText(/^The project ends on /).waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("a group is made, changed and deleted, and its members stay", async (t) => {
  const { server, json } = await course(t);
  const groups = async () => (await json("project", "group", "list", COURSE)).groups;
  const { page, context, faults } = await visit(browser, server, `/projects/${COURSE}/course`, { wait: ".card" });
  await press(page, /^Make a group…$/);
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("dana").waitFor();
  await type(page, /^Group$/, "lab2");
  await press(page, /^Make the group$/);
  await dialog.getByText("Choose at least one member").waitFor();
  for (const user of ["dana", "ed"]) {
    await tabTo(page, named(user));
    await page.keyboard.press("Space");
  }
  assert.deepEqual(await groups(), []);
  await press(page, /^Make the group$/);
  await dialog.waitFor({ state: "hidden" });
  assert.deepEqual(await groups(), [{ name: "lab2", members: ["dana", "ed"] }]);
  await press(page, /^Change lab2$/);
  await dialog.getByLabel("fay").waitFor();
  for (const user of ["dana", "fay"]) {
    await tabTo(page, named(user));
    await page.keyboard.press("Space");
  }
  await press(page, /^Change lab2$/);
  await dialog.waitFor({ state: "hidden" });
  assert.deepEqual(await groups(), [{ name: "lab2", members: ["ed", "fay"] }]);
  await press(page, /^Delete lab2$/);
  await dialog.getByText("Its members stay in the project").waitFor();
  await press(page, /^Delete lab2$/);
  await page.getByText("Groups are labels of members").waitFor();
  assert.deepEqual(await groups(), []);
  assert.equal((await json("project", "member", "list", COURSE)).members.length, 5);
  assert.deepEqual(faults, []);
  await context.close();
});
