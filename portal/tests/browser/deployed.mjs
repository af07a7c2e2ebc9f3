// Uses the portal of a deployment, with its issuer: node tests/browser/deployed.mjs ORIGIN ISSUER
import assert from "node:assert/strict";
import { launched } from "./harness.mjs";

const [origin, issuer] = process.argv.slice(2);
const browser = await launched();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
const page = await context.newPage();
const faults = [];
let token;
page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
page.on("console", (message) => {
  const text = message.text();
  if (message.type() === "error" && !text.startsWith("Failed to load resource")) faults.push(`console: ${text}`);
});
page.on("request", (request) => {
  const { origin: to, href } = new URL(request.url());
  if (to !== origin && to !== issuer) faults.push(`another origin: ${to}`);
  const sent = request.headers().authorization?.replace("Bearer ", "");
  if (sent && to !== origin) faults.push(`the token was sent to ${to}`);
  token ??= sent;
  if (token && href.includes(token)) faults.push("a URL has the token");
});

// Whoever follows a link comes back to it after the sign-in.
await page.goto(`${origin}/launch?template=python-ml`);
await page.waitForURL(`${issuer}/authorize?**`);
await page.getByLabel("E-mail").fill("pia@example.org");
await page.getByRole("button", { name: "Sign in" }).click();
await page.waitForURL(`${origin}/launch?template=python-ml`);
await page.getByRole("textbox", { name: "Name", exact: true }).fill("pias-work");
await page.getByRole("button", { name: /^Launch python-ml/ }).click();
await page.waitForURL(`${origin}/instances`);
await page.getByRole("row").filter({ hasText: "pias-work" }).getByText("Running").waitFor({ timeout: 60_000 });

await page.getByRole("link", { name: "Save pias-work" }).click();
const dialog = page.getByRole("dialog");
await dialog.getByLabel("Template").fill("pias-own");
await dialog.getByRole("button", { name: "Save as pias-own@1" }).click();
await page.waitForURL(`${origin}/saves/save-*`);
await page.getByText("Saved", { exact: true }).first().waitFor({ timeout: 120_000 });

// Nobody can sign in again with what the tab keeps.
const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
assert.ok(token && !kept.includes(token), "the browser keeps the token");
assert.deepEqual(faults, []);
await browser.close();
console.log("signed in, launched, saved");
