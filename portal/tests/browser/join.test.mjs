// Joining a project by a link: the code comes in the fragment of the address or is typed, and goes nowhere else.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { launched, serve, violationsInBoth, visit } from "./harness.mjs";
import { tabTo } from "./tabbing.mjs";

const PROJECT = "statistics";
let server;
let browser;
before(async () => {
  const seed = (prism) => prism("--as", "ada", "project", "create", PROJECT);
  // Slow enough that a link which ends soon can be made, and fast enough to wait for its end.
  [server, browser] = await Promise.all([serve({ user: "ben", speed: 200, seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});
// Each test begins with ada alone in the project.
beforeEach(async () => {
  for (const { user } of await members()) if (user !== "ada") await ada("project", "member", "remove", PROJECT, user);
});

const ada = (...args) => server.prism("--as", "ada", ...args);
const members = async () => JSON.parse(await ada("--json", "project", "member", "list", PROJECT)).members;
const roleOf = async (user) => (await members()).find((one) => one.user === user)?.role;

/** The cloud's time in milliseconds. It is ahead of this machine's. */
const cloudNow = async () => Date.parse((await fetch(`${server.origin}/`)).headers.get("date"));
const DAY_MS = 86_400_000;

/** Makes a link as ada, and returns its code. */
async function link({ uses = 5, role = "member", until } = {}) {
  const made = await ada("--json", "project", "link", "create", PROJECT, "--uses", String(uses), "--role", role, "--until", new Date(until ?? (await cloudNow()) + 30 * DAY_MS).toISOString());
  return JSON.parse(made).code;
}

test("a link is followed, and one joins when one says so, by the keyboard alone", async () => {
  const code = await link({ role: "viewer" });
  const { page, context, faults } = await visit(browser, server, "/join", { fragment: `&code=${code}` });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.getByText("You join as ben.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Code" }).inputValue(), code);
  const kept = () => page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
  assert.ok(!(await kept()).includes(code), "the code is kept");
  for (const fact of [PROJECT, "Viewer", "ada"]) await page.getByRole("status").getByText(fact, { exact: true }).first().waitFor();
  assert.deepEqual(await violationsInBoth(page), []);
  assert.equal(await roleOf("ben"), undefined, "nobody joins before the button is pressed");
  await tabTo(page, /^Join$/);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/projects/${PROJECT}`);
  await page.getByRole("status").getByText(`You are in ${PROJECT}. Your role: viewer.`).waitFor();
  assert.equal(await roleOf("ben"), "viewer");
  assert.ok(!(await kept()).includes(code) && !asked.some((url) => url.includes(code)), "the code is in an address");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a code is typed, and the project can be launched for at once", async () => {
  const code = await link();
  const { page, context, faults } = await visit(browser, server, "/launch", { wait: "form" });
  // The form has read which projects there are.
  assert.equal(await page.getByLabel("For the project").count(), 0);
  await page.getByRole("link", { name: "Projects" }).click();
  await page.getByRole("link", { name: "Join a project…" }).click();
  await page.getByRole("button", { name: "Show the project" }).click();
  await page.getByText("Paste the code.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.labels?.[0]?.innerText), "Code");
  await page.keyboard.type(` ${code.toUpperCase()} `);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Join", exact: true }).waitFor();
  assert.equal(await roleOf("ben"), undefined, "nobody joins before the plan is seen");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/projects/${PROJECT}`);
  assert.equal(await roleOf("ben"), "member");
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("link", { name: "Launch an instance" }).first().click();
  await page.locator("form option", { hasText: PROJECT }).waitFor({ state: "attached" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("a link that is opened in a page that is there already is taken as well", async () => {
  const code = await link();
  const { page, context } = await visit(browser, server, "/join", { wait: "form" });
  await page.evaluate((code) => { location.hash = `code=${code}`; }, code);
  await page.waitForFunction((code) => document.querySelector("input").value === code && location.hash === "", code);
  await context.close();
});

const REFUSED = {
  expired: async () => {
    const until = (await cloudNow()) + 1_200_000;
    const code = await link({ until });
    while ((await cloudNow()) <= until + 1000) await new Promise((done) => setTimeout(done, 100));
    return code;
  },
  "used up": async () => {
    const code = await link({ uses: 1 });
    await server.prism("--as", "chen", "project", "join", code);
    return code;
  },
  mistyped: async () => `${(await link()).slice(0, -1)}x`,
};
for (const [what, made] of Object.entries(REFUSED)) {
  test(`a link that is ${what} is refused with the API's problem, and nobody joins`, async () => {
    const code = await made();
    const { page, context, faults } = await visit(browser, server, "/join", { fragment: `&code=${code}` });
    const alert = page.getByRole("alert");
    await alert.getByText("The join code is not valid. You were not added to any project. Check the code, or ask for a new one: it may be mistyped, expired, used up or revoked.").waitFor();
    await alert.getByText("Details for an administrator").click();
    await alert.getByText("JoinCodeInvalid").waitFor();
    await alert.getByText("Request ID").waitFor();
    assert.equal(new URL(page.url()).pathname, "/join");
    assert.equal(await roleOf("ben"), undefined);
    assert.deepEqual(faults, []);
    await context.close();
  });
}
