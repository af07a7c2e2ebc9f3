// What the pages of a team say is what the API says: people to share with, runs that are due, and events as a file.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launched, serve, visit } from "./harness.mjs";
import { LONG, seed } from "./pages.mjs";
import { DERIVED, PROJECT, SCHEDULE, TEMPLATE } from "./team.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** What the API returns to the user of the pages. */
async function api(path) {
  const response = await fetch(server.origin + path, { headers: { authorization: `Bearer ${server.token}` } });
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.json();
}

test("people whom the user works with are proposed for sharing, and others are not", async () => {
  const { page, context } = await visit(browser, server, `/templates/${TEMPLATE}`, { wait: ".lineage li" });
  await page.getByRole("button", { name: "Share…" }).first().click();
  await page.getByLabel("User name").fill("ch");
  await page.locator('datalist option[value="chen"]').waitFor({ state: "attached" });
  assert.equal(await page.locator("datalist option").count(), 1);
  await context.close();
});

test("the calendar has each run that is due in the month, and its table has the same", async () => {
  const next = (await api(`/v1/schedules/${SCHEDULE}`)).next_runs[0];
  const month = next.slice(0, 7);
  const { page, context } = await visit(browser, server, `/schedules/${SCHEDULE}?month=${month}`, { wait: ".month-runs li" });
  const shown = await page.locator(".month-runs li").count();
  await page.getByText(/^As a table/).click();
  const rows = page.getByRole("table", { name: "Runs of the month" }).last().locator("tbody tr");
  const listed = await rows.count();
  assert.equal(shown, listed);
  assert.ok(await rows.filter({ hasText: "Due" }).count() > 0, "no run is due");
  await context.close();
});

test("how a schedule ended last stands apart from when it is due next", async () => {
  const { page, context } = await visit(browser, server, "/", { wait: ".budgets" });
  const row = page.getByRole("region", { name: "Schedules due next" }).getByRole("listitem").filter({ has: page.getByRole("link", { name: SCHEDULE, exact: true }) });
  await row.getByText(/^Last run:/).waitFor();
  const words = { succeeded: "Saved", running: "In progress", failed: "Failed" };
  const day = (at) => new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }).format(new Date(at));
  // Another run may begin at any time, and the page shows it with its next read.
  let found;
  for (let tries = 0; tries < 60 && !found?.wanted.test(found.text); tries += 1) {
    if (found) await page.waitForTimeout(500);
    const { due_schedules: due } = await api("/v1/overview");
    const { last_run: last, next_run: next } = due.find(({ name }) => name === SCHEDULE);
    const wanted = new RegExp(`^Due ${SCHEDULE} .* Last run: ${words[last.state]} \\w+ ${day(last.began_at)}, [\\d:]+ Next run: \\w+ ${day(next)}, [\\d:]+$`);
    found = { wanted, text: (await row.innerText()).replaceAll(/\s+/g, " ") };
  }
  assert.match(found.text, found.wanted);
  await context.close();
});

test("the events of a project are exported as they are listed, and a time leaves others out", async () => {
  const { page, context, faults } = await visit(browser, server, `/audit?project=${PROJECT}`, { wait: ".table tbody tr" });
  const csv = async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
    assert.equal(download.suggestedFilename(), "audit.csv");
    return readFileSync(await download.path(), "utf8").trim().split("\n");
  };
  const { items } = await api(`/v1/audit?project=${PROJECT}&limit=100`);
  const lines = await csv();
  // A description of the seed has no line break, so that each event is a line, after the names of the columns.
  assert.equal(lines.length, items.length + 1);
  assert.ok(lines.some((line) => line.includes("template.share")));
  await page.getByLabel("From", { exact: true }).fill("2099-01-01");
  await page.getByText("No events found").waitFor();
  assert.equal((await csv()).length, 1);
  assert.deepEqual(faults, []);
  await context.close();
});

test("the figures of a project are those of the API", async () => {
  const costs = await api(`/v1/projects/${PROJECT}/costs`);
  const { page, context } = await visit(browser, server, `/projects/${PROJECT}`, { wait: ".plot-bar" });
  const money = (usd) => usd.toLocaleString("en-US", { style: "currency", currency: "USD" });
  // What has accrued grows while the page is open.
  const shown = Number(/\$([\d,.]+)/.exec(await page.locator(".figures .figure-value").first().innerText())[1].replaceAll(",", ""));
  const later = await api(`/v1/projects/${PROJECT}/costs`);
  assert.ok(costs.month_usd - 0.01 <= shown && shown <= later.month_usd + 0.01, `${costs.month_usd}, ${shown}, ${later.month_usd}`);
  for (const { user, usd_per_month: usd } of costs.people) {
    await page.getByRole("table", { name: "Costs by person" }).getByRole("row").filter({ hasText: user }).filter({ hasText: money(usd) }).waitFor();
  }
  const { months } = await api(`/v1/projects/${PROJECT}/costs/history?months=12`);
  assert.equal(await page.locator(".plot-bar").count(), months.length);
  await context.close();
});

test("costs of more templates than are read say so", async () => {
  const { page, context } = await visit(browser, server, "/projects", { wait: ".table tbody tr" });
  await page.route(/\/costs\?/, async (route) => {
    const response = await route.fetch({ url: route.request().url().replace(/cursor=\w+&?/, "") });
    return route.fulfill({ response, json: { ...(await response.json()), cursor: "more" } });
  });
  await page.getByRole("link", { name: PROJECT }).click();
  await page.getByText(/templates are counted one by one, and there are more/).waitFor();
  await context.close();
});

test("costs of more instances than are counted one by one say so, and the rest is under others", async () => {
  const { page, context } = await visit(browser, server, "/projects", { wait: ".table tbody tr" });
  await page.route(/\/costs\?/, async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    const compute = { ...json.compute, total: { ...json.compute.total, usd: 7 }, people: [], templates: [], incomplete: true };
    return route.fulfill({ response, json: { ...json, compute } });
  });
  await page.getByRole("link", { name: PROJECT }).click();
  await page.getByText(/so many instances that not all of them are counted/).waitFor();
  for (const what of ["template", "person"]) {
    await page.getByRole("table", { name: `Costs by ${what}` }).getByRole("row").filter({ hasText: "Others" }).filter({ hasText: "$7.00" }).waitFor();
  }
  assert.equal(await page.getByText("templates that you may not see").count(), 0);
  await context.close();
});

test("versions and instances are in the costs by template and by person, however many pages they take, and the dearest is the first", async () => {
  const { page, context } = await visit(browser, server, "/projects", { wait: ".table tbody tr" });
  const told = [];
  await page.route(/\/costs\?/, async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("limit", "1");
    const response = await route.fetch({ url: url.href });
    const json = await response.json();
    // Somebody who has saved nothing, a template without a version here, and one that the reader may not see.
    const spent = (usd) => ({ ...json.compute.total, usd });
    json.compute.people.push({ name: "dana", spending: spent(7) });
    json.compute.templates.push({ name: "python-ml", spending: spent(4) });
    json.compute.total.usd += 7;
    told.push(json);
    return route.fulfill({ response, json });
  });
  await page.getByRole("link", { name: PROJECT }).click();
  await page.getByRole("table", { name: "Costs by person" }).waitFor();
  assert.ok(told.length > 1);
  const { people, compute, usd_per_month: versions } = told.at(-1);
  const templates = told.flatMap((one) => one.templates.map(({ template, ...cost }) => ({ user: template, ...cost })));
  for (const [what, saved, spent] of [["template", templates, compute.templates], ["person", people, compute.people]]) {
    const rows = new Map(saved.map(({ user, usd_per_month: usd }) => [user, [usd, 0]]));
    for (const { name, spending } of spent) rows.set(name, [rows.get(name)?.[0] ?? 0, spending.usd]);
    const wanted = [...rows].map(([name, usd]) => [name, ...usd]).sort((a, b) => b[1] + b[2] - a[1] - a[2]);
    const left = compute.total.usd - spent.reduce((sum, { spending }) => sum + spending.usd, 0);
    if (what === "template") wanted.push(["Others", 0, left]);
    wanted.push(["All", versions, compute.total.usd]);
    const shown = await page.getByRole("table", { name: `Costs by ${what}` }).evaluate((table) => [...table.querySelectorAll("tbody tr, tfoot tr")].map((row) => {
      const usd = (label) => Number(row.querySelector(`[data-label="${label}"]`).innerText.replace(/[$,]/g, ""));
      return [(row.querySelector("th :is(a, b)") ?? row.querySelector("th")).innerText, usd("Versions"), usd("Compute")];
    }));
    assert.deepEqual(shown.map(([name]) => name), wanted.map(([name]) => name), what);
    shown.flat().forEach((value, at) => typeof value === "number" && assert.ok(Math.abs(value - wanted.flat()[at]) < 0.006, `${shown}, ${wanted}`));
  }
  await context.close();
});

test("the cost of a project in the list has its versions and its instances", async () => {
  const cost = async () => {
    const { usd_per_month: versions, compute_usd: instances } = (await api("/v1/overview")).projects.find(({ name }) => name === PROJECT);
    return { instances, all: versions + instances };
  };
  let [least, shown, most] = [0, 0, -1];
  // In a month of the fast clock that has just begun, they have cost nothing yet.
  while (most < least) {
    while ((await cost()).instances < 0.05);
    least = (await cost()).all;
    const { page, context } = await visit(browser, server, "/projects", { wait: ".table tbody tr" });
    const row = await page.getByRole("row").filter({ hasText: PROJECT }).innerText();
    shown = Number(/\$([\d,.]+)/.exec(row)[1].replaceAll(",", ""));
    await context.close();
    most = (await cost()).all;
  }
  assert.ok(least - 0.01 <= shown && shown <= most + 0.01, `${least}, ${shown}, ${most}`);
});

test("the day of the prices is the same west of Greenwich", async () => {
  const { prices_of: day } = await api("/v1/overview");
  const { page, context } = await visit(browser, server, "/", { wait: ".budgets", zone: "America/Los_Angeles" });
  const shown = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(day));
  await page.getByText(`Prices of us-east-1, ${shown}`).waitFor();
  await context.close();
});

test("filters of the audit that are cleared stay so, and another kind is one at once", async () => {
  const { page, context, faults } = await visit(browser, server, `/audit?project=${PROJECT}`, { wait: ".table tbody tr" });
  const user = page.getByLabel("By user");
  await user.fill("nobody");
  await user.press("Enter");
  await page.getByText("No events found").waitFor();
  assert.ok(await user.evaluate((one) => one === document.activeElement), "the focus is lost");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.locator(".table tbody tr").first().waitFor();
  assert.equal(await user.inputValue(), "");
  await user.focus();
  await user.press("Tab");
  assert.equal(new URL(page.url()).search, "");
  const name = page.getByLabel("Its name or ID");
  await name.fill(SCHEDULE);
  await name.press("Enter");
  await page.waitForURL((url) => url.searchParams.get("resource") === `template:${SCHEDULE}`);
  await page.getByLabel("Kind").selectOption("schedule");
  await page.waitForURL((url) => url.searchParams.get("resource") === `schedule:${SCHEDULE}`);
  await page.getByRole("row").filter({ hasText: "made the schedule" }).waitFor();
  assert.equal(await name.inputValue(), SCHEDULE);
  assert.deepEqual(faults, []);
  await context.close();
});

test("saves are found by state, instance and template, and older ones are shown when they are asked for", async () => {
  const { page, context, faults } = await visit(browser, server, "/", { wait: ".budgets" });
  await page.route(/\/v1\/saves\?/, (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("limit", "2");
    return route.continue({ url: url.href });
  });
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Saves" }).click();
  const rows = page.getByRole("table", { name: "Saves" }).locator("tbody tr");
  await rows.first().waitFor();
  assert.equal(await rows.count(), 2);
  const known = async () => (await api("/v1/saves?limit=100")).items.length;
  assert.ok(await known() > 3);
  // A schedule may begin another one meanwhile.
  let complete = false;
  for (let tries = 0; tries < 20 && !complete; tries += 1) {
    await page.getByRole("button", { name: "Show more" }).click({ timeout: 2000 }).catch(() => {});
    complete = await rows.count() === await known();
  }
  assert.ok(complete, "older saves are not shown");
  const template = page.getByLabel("Template");
  await template.fill("no-such-template");
  await template.press("Enter");
  await page.getByRole("heading", { name: "No save fits" }).waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).first().click();
  await rows.first().waitFor();
  await template.fill(TEMPLATE);
  await template.press("Enter");
  await page.getByLabel("Instance").fill("earthquake-analysis");
  await page.getByLabel("Instance").press("Enter");
  await page.getByLabel("State").selectOption("succeeded");
  await page.waitForURL((url) => url.search === `?template=${TEMPLATE}&instance=earthquake-analysis&state=succeeded`);
  await rows.first().waitFor();
  for (const row of await rows.allInnerTexts()) assert.match(row, new RegExp(`^earthquake-analysis\\s[^]*${TEMPLATE}[^]*Saved`));
  assert.deepEqual(faults, []);
  await context.close();
});

test("a schedule is offered instances of its own Region alone, and a new one those of all", async () => {
  const { page, context } = await visit(browser, server, "/schedules", { wait: ".month-runs li" });
  const options = async () => {
    const field = page.getByRole("dialog").getByLabel("Instance");
    await field.locator("option", { hasText: "variant-calling" }).waitFor({ state: "attached" });
    return field.locator("option").allTextContents();
  };
  const elsewhere = `${LONG} in eu-west-1`;
  await page.getByRole("button", { name: "Make a schedule…" }).first().click();
  assert.ok((await options()).includes(elsewhere));
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: SCHEDULE, exact: true }).first().click();
  await page.getByRole("button", { name: "Change…", exact: true }).click();
  const offered = await options();
  assert.ok(!offered.includes(elsewhere), offered.join());
  assert.ok(offered.length > 2, offered.join());
  await context.close();
});

test("an AMI that is gone says so", async () => {
  const { page, context } = await visit(browser, server, "/templates", { wait: ".table tbody tr" });
  // As the API writes it when somebody has deregistered the AMI in EC2.
  await page.route(`**/v1/templates/${TEMPLATE}`, async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    const [region, images] = Object.entries(json.version.amis)[0];
    json.faults = { [region]: { [Object.values(images)[0]]: "gone" } };
    await route.fulfill({ response, json });
  });
  await page.getByRole("link", { name: TEMPLATE, exact: true }).click();
  await page.getByText("This AMI no longer exists.").waitFor();
  assert.equal(await page.getByText("This AMI no longer exists.").count(), 1);
  await context.close();
});

test("a template is deleted by its owner and the owner of its project, and not by an admin of it", async () => {
  // Ada owns the project and one template, Ben is its admin and owns the other.
  for (const [user, template, deletes] of [["ada", DERIVED, 1], ["ben", DERIVED, 1], ["ben", TEMPLATE, 0]]) {
    if (server.user !== user) await server.become(user);
    const { page, context } = await visit(browser, server, `/templates/${template}`, { wait: ".lineage li" });
    await page.getByRole("button", { name: "More about this template" }).click();
    await page.getByRole("button", { name: "Edit the description…" }).waitFor();
    // Who owns the project is read beside the page.
    if (deletes) await page.getByRole("button", { name: "Delete the template…" }).waitFor();
    await page.getByRole("button", { name: /^More for version/ }).first().click();
    await page.getByRole("button", { name: "Edit the notes…" }).waitFor();
    assert.deepEqual([await page.getByRole("button", { name: "Delete the template…", includeHidden: true }).count(), await page.getByRole("button", { name: "Delete…" }).count()], [deletes, deletes], `${user}, ${template}`);
    await context.close();
  }
  await server.become("ada");
});

test("a change that somebody else made meanwhile is not lost", async () => {
  const { page, context } = await visit(browser, server, `/templates/${TEMPLATE}`, { wait: ".lineage li" });
  await page.getByRole("button", { name: "More about this template" }).click();
  await page.getByRole("button", { name: "Edit the description…" }).click();
  await page.getByRole("dialog").getByLabel("Description").fill("What I think of it");
  await server.prism("template", "edit", TEMPLATE, "--notes", "What a colleague wrote meanwhile");
  await page.getByRole("button", { name: `Change ${TEMPLATE}` }).click();
  await page.getByRole("dialog").getByRole("alert").getByText("Details for an administrator").click();
  await page.getByRole("dialog").getByText("PreconditionFailed").waitFor();
  assert.equal((await api(`/v1/templates/${TEMPLATE}`)).template.notes, "What a colleague wrote meanwhile");
  await context.close();
});

test("a save that begins elsewhere shows up in its template, and becomes a version there", async () => {
  // Slow enough for the save to be seen. Before the page is open: what the server waits for goes by its clock.
  await server.prism("local", "speed", "10");
  const { page, context, faults } = await visit(browser, server, `/templates/${TEMPLATE}`, { wait: ".lineage li" });
  const { newest } = (await api(`/v1/templates/${TEMPLATE}`)).template;
  const saved = server.prism("save", "earthquake-analysis", TEMPLATE, "--yes", "--publish-sensitive");
  await page.getByText("Being saved").waitFor();
  await server.prism("local", "speed", "50");
  await saved;
  await page.getByRole("row").filter({ hasText: new RegExp(`^Version ${newest + 1}`) }).waitFor();
  await page.getByText("Being saved").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
});
