// Every text that a page shows, whoever wrote it: no text becomes an element, an attribute, an address or a script.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launched, overflow, serve, visit } from "./harness.mjs";
import { INSTANCE, PAGES, SAVED, seed } from "./pages.mjs";
import { HOSTILE as MARKUP, LONG as LONG_NAME, LONG_USER, PROJECT, SCHEDULE, TEMPLATE } from "./team.mjs";
import { HOSTILE, LONG, WRITABLE, hostileAnswer, withText } from "./texts.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([serve({ seed }), launched()]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** What came of a text that should have stayed one. */
function escaped() {
  const found = [];
  const NEVER = "img, script, iframe, frame, object, embed, base, style, link, meta, audio, video, form[action], [formaction], [srcdoc], [style]";
  for (const element of document.body.querySelectorAll(NEVER)) found.push(element.outerHTML.slice(0, 200));
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) found.push(`${element.tagName} ${name}`);
      const isAddress = ["href", "src", "action", "xlink:href"].includes(name);
      if (isAddress && new URL(value, location.href).origin !== location.origin) found.push(`${element.tagName} ${name}=${value.slice(0, 100)}`);
    }
  }
  if (globalThis.ran) found.push("a script ran");
  return found;
}

/** What makes a page wider than its window. */
const widest = () => [...document.querySelectorAll("#app *")]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map((one) => `${one.tagName}.${one.className}`).slice(-3).join(" ");

/** Goes to a page as a click on a link does: nothing is loaded again. */
async function follow(page, path, wait) {
  await page.evaluate((path) => {
    const link = Object.assign(document.createElement("a"), { href: path });
    document.body.append(link);
    link.click();
    link.remove();
  }, path);
  // What was replaced may be what the page asks on with: then it says what went wrong.
  await page.locator(wait).or(page.locator(".note.is-bad")).first().waitFor({ timeout: 10_000 });
}

/** Opens all pages, and says on which of them some of this text is shown. */
async function throughAll(page, faults, text) {
  const shown = [];
  for (const { name, path, wait } of PAGES) {
    const where = typeof path === "function" ? await path(server) : path;
    await follow(page, where, wait).catch((error) => assert.fail(`${name} shows nothing: ${[error.message, ...faults].join("; ")}`));
    assert.deepEqual(await page.evaluate(escaped), [], name);
    assert.ok((await overflow(page)) <= 0, `${name} is wider than its window: ${await page.evaluate(widest)}`);
    assert.deepEqual(faults, [], name);
    if (await page.evaluate((text) => document.querySelector("#app").textContent.includes(text), text.slice(0, 60))) shown.push(name);
  }
  return shown;
}

for (const [what, text] of [["a hostile text", HOSTILE], ["a text of 2,000 characters", LONG]]) {
  test(`${what} in every field of every answer stays a text`, async () => {
    const { page, context, faults } = await visit(browser, server, "/no/such/page");
    await page.route("**/v1/**", async (route) => {
      const response = await route.fetch().catch(() => undefined);
      if (!response) return route.abort().catch(() => undefined);
      const { pathname } = new URL(route.request().url());
      const isJson = response.headers()["content-type"]?.startsWith("application/json");
      if (!response.ok() || !isJson || response.status() === 204) return route.fulfill({ response }).catch(() => undefined);
      const json = hostileAnswer(route.request().method(), pathname, await response.json(), text);
      return route.fulfill({ response, json }).catch(() => undefined);
    });
    const shown = await throughAll(page, faults, text);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    // Who joins is shown nothing before.
    const silent = PAGES.map(({ name }) => name).filter((name) => !shown.includes(name) && !["missing", "join"].includes(name));
    assert.deepEqual(silent, [], "pages that show nothing of it");
    await context.close();
  });
}

/** Pages that show these words, where each must be read as it was written. */
const SHOWN = [
  ["the description of a template", `/templates/${LONG_NAME}`, MARKUP],
  ["the notes of a template", `/templates/${TEMPLATE}`, MARKUP],
  ["the description of a project", `/projects/${PROJECT}`, MARKUP],
  ["a long template", "/templates", LONG_NAME],
  ["a long user name in a project", `/projects/${PROJECT}`, LONG_USER],
  ["a long user name in shares", `/templates/${TEMPLATE}/sharing`, LONG_USER],
  ["a long user name in the audit", `/audit?project=${PROJECT}`, LONG_USER],
];
for (const [what, path, words] of SHOWN) {
  test(`${what} is shown as it is`, async () => {
    const { page, context } = await visit(browser, server, path, { width: 360 });
    await page.getByText(words).first().waitFor();
    await context.close();
  });
}

test("an address with a hostile name is a name", async () => {
  const { page, context, faults } = await visit(browser, server, `/templates/${encodeURIComponent('"><img src=x onerror=alert(1)>')}`);
  await page.getByRole("alert").waitFor();
  assert.deepEqual(await page.evaluate(escaped), []);
  assert.deepEqual(faults, []);
  await context.close();
});

/** A request that the API takes, for each operation with free texts. */
const REQUESTS = {
  "POST /v1/instances": { path: "/v1/instances", body: { template: "ubuntu", name: "one", region: "us-east-1" } },
  "PATCH /v1/instances/{name}": { path: "/v1/instances/renamed?region=us-east-1", body: {} },
  "POST /v1/join": { path: "/v1/join", body: {} },
  "PATCH /v1/notify": { path: "/v1/notify", body: {} },
  "POST /v1/projects/{name}/launch-plan": { path: `/v1/projects/${PROJECT}/launch-plan`, body: { template: "ubuntu", region: "us-east-1" } },
  "POST /v1/keys": { path: "/v1/keys", body: {}, prefix: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl " },
  "POST /v1/projects": { path: "/v1/projects", body: { name: "hostile-project" } },
  "PATCH /v1/projects/{name}": { path: `/v1/projects/${PROJECT}`, body: {} },
  "POST /v1/saves": { path: "/v1/saves", body: { instance: "variant-calling", template: "hostile-save", region: "us-east-1", publish_sensitive: true } },
  "POST /v1/schedules": { path: "/v1/schedules", body: { name: "hostile-schedule", cadence: "rate(1 day)", request: { instance: INSTANCE, template: "hostile-nightly", region: "us-east-1", publish_sensitive: true } } },
  "PATCH /v1/schedules/{name}": { path: `/v1/schedules/${SCHEDULE}`, body: {} },
  "PATCH /v1/templates/{name}": { path: `/v1/templates/${SAVED}`, body: {} },
  "PATCH /v1/templates/{name}/versions/{version}": { path: `/v1/templates/${SAVED}/versions/2`, body: {} },
  "POST /v1/templates/{name}/import": { path: "/v1/templates/hostile-import/import", body: {} },
  "POST /v1/templates/{name}/shares": { path: `/v1/templates/${SAVED}/shares`, body: {} },
};

/** Stores a text in one field, and says whether the API accepted it. */
async function stored(operation, field, text) {
  const { path, body, prefix = "" } = REQUESTS[operation];
  const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json", "if-match": "*" };
  const request = { method: operation.split(" ")[0], headers, body: JSON.stringify(withText(body, field, prefix + text)) };
  const { status } = await fetch(server.origin + path, request);
  assert.ok(status < 500, `${operation}, ${field}: ${status}`);
  return status < 300;
}

test("what the API stores of it is shown as it is", async () => {
  const accepted = [];
  await server.prism("launch", "ubuntu", "renamed");
  for (const { operation, fields } of WRITABLE) {
    assert.ok(REQUESTS[operation], `${operation} has texts, and no request here`);
    for (const field of fields) {
      if (await stored(operation, field, HOSTILE) || await stored(operation, field, HOSTILE.slice(0, 90))) accepted.push(`${operation} ${field}`);
    }
  }
  // Descriptions and notes are the words of people; they may be anything.
  for (const field of ["PATCH /v1/projects/{name} description", "PATCH /v1/templates/{name} description", "PATCH /v1/templates/{name} notes"]) {
    assert.ok(accepted.includes(field), `${field} was refused: ${accepted.join(", ")}`);
  }
  const { page, context, faults } = await visit(browser, server, "/no/such/page");
  const shown = await throughAll(page, faults, HOSTILE);
  for (const name of ["template", "templates", "project", "projects"]) assert.ok(shown.includes(name), `${name} shows nothing of it: ${shown}`);
  await context.close();
});
