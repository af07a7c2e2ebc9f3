// While an answer is awaited, its dialog stays: a late answer would close the one that is open by then.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, visit } from "./harness.mjs";
import { KEY } from "./pages.mjs";

const NAME = "earthquake-analysis";
let server;
let browser;
before(async () => {
  const seed = async (prism) => {
    await prism("key", "add", KEY);
    await prism("launch", "ubuntu", NAME);
  };
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** What is open, how it is sent, and what is said when it is done. */
const DIALOGS = [
  { name: "the end of an instance", path: "/instances", button: `Set the end of ${NAME}`, said: `${NAME} ends on`, open: async (page) => {
    await press(page, `More for ${NAME}`);
    await press(page, "End…");
    // The clock of the tests is fast: it must not end before they do.
    await page.getByRole("dialog").getByLabel("Unit").selectOption("weeks");
  } },
  { name: "stopping an instance", path: "/instances", button: `Stop ${NAME}`, said: `${NAME} is stopping.`, open: async (page) => {
    await press(page, `More for ${NAME}`);
    await press(page, "Stop…");
  } },
  { name: "a question", path: "/keys", button: "Remove the key", said: "ada@laptop is removed.", open: (page) => press(page, "Remove ada@laptop") },
];

for (const { name, path, open, button, said } of DIALOGS) {
  test(`${name}: neither Esc nor a button leaves it while it is sent`, async () => {
    const { page, context, faults } = await visit(browser, server, path, { wait: ".table tbody tr" });
    let release;
    const answered = new Promise((done) => { release = done; });
    await page.route("**/v1/**", async (route) => {
      if (route.request().method() !== "GET") await answered;
      await route.continue();
    });
    await open(page);
    const dialog = page.getByRole("dialog");
    await Promise.all([page.waitForRequest((request) => request.method() !== "GET"), press(page, button)]);
    // The browser lets no page refuse the second one.
    for (let pressed = 0; pressed < 3; pressed += 1) {
      await page.keyboard.press("Escape");
      await page.waitForTimeout(200);
      assert.ok(await dialog.isVisible(), `it is gone after ${pressed + 1} times Esc`);
    }
    for (const leave of ["Cancel", "Close"]) assert.ok(await dialog.getByRole("button", { name: leave, exact: true }).isDisabled(), leave);
    release();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("status").getByText(said).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("what is refused can be left again", async () => {
  const { page, context } = await visit(browser, server, "/keys");
  await page.route("**/v1/keys", (route) => (route.request().method() === "GET" ? route.continue() : route.abort()));
  await press(page, "Add a key…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Public key").fill("ssh-ed25519 x");
  await press(page, "Add the key");
  await dialog.getByRole("alert").waitFor();
  await press(page, "Cancel");
  await dialog.waitFor({ state: "detached" });
  await context.close();
});
