// The forms of a launch and of a save, with all that they offer: by the keyboard alone, and with what each choice costs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launched, leave, serve, violations, visit } from "./harness.mjs";
import { KEY } from "./pages.mjs";
import { tabTo } from "./tabbing.mjs";

const NAME = "earthquake-analysis";
let server;
let browser;
before(async () => {
  const seed = (prism) => prism("launch", "python-ml", NAME);
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Types over what a field has. */
async function type(page, words) {
  await page.keyboard.press("Control+A");
  await page.keyboard.type(words);
}

test("a launch by the keyboard alone: its plan first, a key on the way, the processor and the disk", async () => {
  const { page, context, faults } = await visit(browser, server, "/launch", { wait: "form" });
  await tabTo(page, /^Template$/);
  await type(page, "ubuntu");
  await tabTo(page, /^Name$/);
  await type(page, "by-keyboard");
  const plan = page.locator(".dialog-plan");
  await plan.getByText("None: connect with a session.").waitFor();
  await tabTo(page, /^Processor and disk$/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^Processor$/);
  // The list of a select is the browser's own.
  await page.keyboard.type("Graviton");
  await plan.getByText("arm64").first().waitFor();
  await tabTo(page, /^Root disk in GiB$/);
  await type(page, "64");
  await plan.getByText("64\u00a0GiB").waitFor();
  await plan.getByText("deleted with the instance").waitFor();
  assert.deepEqual(await violations(page), []);
  // The form stays as it is while a key is added, and the plan has it afterwards.
  await tabTo(page, /^Add a key…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.insertText(readFileSync(KEY, "utf8"));
  assert.deepEqual(await violations(page), []);
  await tabTo(page, /^Add the key$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await plan.getByText("ada@laptop").waitFor();
  assert.equal((await instance(server, "by-keyboard")), undefined, "nothing is launched before the button is pressed");
  await tabTo(page, /^Launch ubuntu$/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/instances");
  assert.match((await instance(server, "by-keyboard")).instance_type, /^t4g/);
  assert.deepEqual(faults, []);
  await context.close();
});

const instance = async ({ prism }, name) => JSON.parse(await prism("--json", "list")).instances.find((one) => one.name === name);

test("launching the same again launches another instance", async () => {
  const { page, context, faults } = await visit(browser, server, "/launch", { wait: "form" });
  const found = [];
  for (let round = 0; round < 2; round += 1) {
    await page.getByRole("combobox", { name: "Template" }).fill("ubuntu");
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("once-more");
    await page.getByRole("button", { name: "Launch ubuntu" }).click();
    await page.waitForURL("**/instances");
    const { instances } = JSON.parse(await server.prism("--json", "list"));
    found.push(...instances.filter(({ name, state }) => name === "once-more" && /pending|running/.test(state)).map(({ id }) => id));
    await server.prism("terminate", "once-more", "--yes");
    await page.getByRole("link", { name: "Launch an instance" }).first().click();
  }
  assert.equal(new Set(found).size, 2, found.join());
  assert.deepEqual(faults, []);
  await context.close();
});

/** The plans of saves, as if the instance had two volumes more. */
async function withVolumes(page) {
  const asked = [];
  await page.route("**/v1/saves?dry_run=true", async (route) => {
    const body = route.request().postDataJSON();
    asked.push(body);
    const response = await route.fetch({ postData: JSON.stringify({ ...body, exclude_volumes: [] }) });
    const json = await response.json();
    // A name of one letter is refused.
    if (!json.plan) return route.fulfill({ response });
    const more = ["f", "g"].map((letter) => ({ id: `vol-0000000${letter}`, device: `/dev/sd${letter}`, size_gib: 100 }));
    const isOut = ({ device }) => body.exclude_volumes?.includes(device);
    json.plan.instance.captured.push(...more.filter((one) => !isOut(one)));
    json.plan.instance.excluded = more.filter(isOut);
    return route.fulfill({ response, json });
  });
  return asked;
}

test("a save by the keyboard alone: what stopping and rebooting cost, copies, and volumes that are left out", async () => {
  const { page, faults } = await visit(browser, server, "/instances", { wait: ".table tbody tr" });
  const asked = await withVolumes(page);
  await tabTo(page, new RegExp(`^Save ${NAME}…$`));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Template").waitFor();
  await type(page, "seismic-ml");
  for (const how of ["Stop it", "Reboot it"]) {
    const choice = dialog.getByRole("radio", { name: new RegExp(`^${how}.*down for about \\d+`) });
    await choice.waitFor();
  }
  await tabTo(page, /^Stop it/);
  await page.keyboard.press("ArrowDown");
  await dialog.locator(".dialog-plan").getByText("It boots while the AMI is finished.").waitFor();
  await tabTo(page, /^Also copy to other Regions/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^eu-west-1$/);
  await page.keyboard.press("Space");
  await dialog.getByText(/in 2 Regions/).waitFor();
  await tabTo(page, /^Leave out volumes/);
  await page.keyboard.press("Enter");
  await tabTo(page, /^\/dev\/sdg/);
  await page.keyboard.press("Space");
  await dialog.getByText("Left out: /dev/sdg.").waitFor();
  assert.deepEqual(await violations(page), []);
  const { how, copy_to, exclude_volumes } = asked.findLast((body) => body.how === "reboot");
  assert.deepEqual({ how, copy_to, exclude_volumes }, { how: "reboot", copy_to: ["eu-west-1"], exclude_volumes: ["/dev/sdg"] });
  assert.deepEqual(JSON.parse(await server.prism("--json", "saves", "list")).saves, []);
  assert.deepEqual(faults, []);
  await leave(page);
});
