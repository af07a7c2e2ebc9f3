// What changes who is in a project: the focus stays on the page, and whoever has left launches nothing for it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, serve, violations, visit } from "./harness.mjs";

let server;
let browser;
before(async () => {
  const seed = async (prism) => {
    for (const name of ["geo-ml", "to-delete"]) await prism("project", "create", name);
    for (const user of ["chen", "dana"]) await prism("project", "member", "add", "geo-ml", user, "--role", "member");
    await prism("--as", "ben", "project", "create", "to-leave");
    await prism("--as", "ben", "project", "member", "add", "to-leave", "ada", "--role", "member");
  };
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const dialog = (page) => page.getByRole("dialog");

/** Answers a question with the keyboard, and sees that the focus is at the head of a page that is shown again. */
async function answer(page, button) {
  await dialog(page).getByRole("button", { name: button, exact: true }).press("Enter");
  await dialog(page).waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.tagName === "H1");
}

test("the focus is not lost after a change of a role, a removal and an approval", async () => {
  const { page, context, faults } = await visit(browser, server, "/projects/geo-ml", { wait: ".table select" });
  const role = page.getByLabel("Role of chen");
  await role.focus();
  await role.selectOption("viewer");
  await answer(page, "Make chen viewer");
  await page.waitForFunction(() => document.querySelector("[aria-label='Role of chen']")?.value === "viewer");
  await page.getByRole("button", { name: "Remove dana", exact: true }).press("Enter");
  await answer(page, "Remove dana");
  await page.getByRole("row").filter({ hasText: "dana" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Approve a template…" }).press("Enter");
  await dialog(page).getByLabel("Template").fill("python-ml");
  await answer(page, "Approve python-ml");
  await page.getByRole("link", { name: "python-ml" }).waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("a project that one has left or deleted is not offered any more", async () => {
  const { page, context, faults } = await visit(browser, server, "/launch", { wait: "form" });
  const main = (name) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
  const offered = async () => {
    const field = page.getByLabel("For the project");
    await field.waitFor();
    return field.locator("option").allTextContents();
  };
  assert.deepEqual((await offered()).sort(), ["None", "geo-ml", "to-delete", "to-leave"]);
  await main("Projects");
  await page.getByRole("link", { name: "to-leave" }).click();
  await press(page, "Leave…");
  await dialog(page).getByText("You no longer see the project").waitFor();
  assert.deepEqual(await violations(page), []);
  await press(page, "Leave to-leave");
  await page.waitForURL("**/projects");
  await main("Instances");
  await page.getByRole("link", { name: "Launch an instance" }).first().click();
  assert.deepEqual((await offered()).sort(), ["None", "geo-ml", "to-delete"]);
  await main("Projects");
  await page.getByRole("link", { name: "to-delete" }).click();
  await press(page, "More about this project");
  await press(page, "Delete the project…");
  await press(page, "Delete to-delete");
  await page.waitForURL("**/projects");
  await main("Instances");
  await page.getByRole("link", { name: "Launch an instance" }).first().click();
  assert.deepEqual((await offered()).sort(), ["None", "geo-ml"]);
  assert.deepEqual(faults, []);
  await context.close();
});
