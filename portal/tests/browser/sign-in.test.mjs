// The sign-in of a deployment: authorisation code with PKCE, against an issuer of this test's own.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launched, violationsInBoth } from "./harness.mjs";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "../../dist");
const TYPES = { css: "text/css", html: "text/html", js: "text/javascript", svg: "image/svg+xml" };
const CLIENT = "prism-portal";

/** Starts a server; `answer(url, body, headers)` returns the status, the headers and the body. */
async function listen(answer) {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const [status, headers, text] = answer(new URL(request.url, `http://${request.headers.host}`), body, request.headers);
    response.writeHead(status, headers).end(text);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

const json = (value, status = 200, more = {}) => [status, { "content-type": "application/json", ...more }, JSON.stringify(value)];
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An identity provider: one code for each question, a token only for who asked it, and each refresh token for one renewal. */
function issuer(state) {
  const codes = new Map();
  const refreshing = new Set();
  return ({ origin, pathname, searchParams }, body) => {
    const cors = { "access-control-allow-origin": "*" };
    if (pathname === "/.well-known/openid-configuration") {
      return json({ issuer: origin, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` }, 200, cors);
    }
    if (pathname === "/authorize") {
      assert.equal(searchParams.get("client_id"), CLIENT);
      assert.equal(searchParams.get("response_type"), "code");
      assert.equal(searchParams.get("code_challenge_method"), "S256");
      const code = randomBytes(8).toString("hex");
      codes.set(code, searchParams.get("code_challenge"));
      const back = new URL(searchParams.get("redirect_uri"));
      back.search = new URLSearchParams({ code, state: searchParams.get("state") });
      return [302, { location: back.href }, ""];
    }
    const asked = new URLSearchParams(body);
    if (asked.get("grant_type") === "refresh_token") {
      if (state.refuses || !refreshing.delete(asked.get("refresh_token"))) return json({ error: "invalid_grant" }, 400, cors);
    } else {
      const challenge = createHash("sha256").update(asked.get("code_verifier")).digest("base64url");
      assert.equal(challenge, codes.get(asked.get("code")), "the verifier is that of the challenge");
      codes.delete(asked.get("code"));
    }
    const now = Math.floor(Date.now() / 1000);
    state.token = `${part({ alg: "none" })}.${part({ iss: origin, aud: CLIENT, sub: "1", email: "ann@university.edu", iat: now, exp: now + state.lives })}.${randomBytes(8).toString("hex")}`;
    const refresh = state.renews ? randomBytes(8).toString("hex") : undefined;
    if (refresh) refreshing.add(refresh);
    return json({ access_token: "an-access-token", id_token: state.token, refresh_token: refresh, token_type: "Bearer", expires_in: state.lives }, 200, cors);
  };
}

/** A deployment: the built files, the configuration, and an API that knows the issuer's last token. */
function deployment(state) {
  return ({ pathname }, _, headers) => {
    if (pathname === "/v1/config") return json({ sign_in: { issuer: state.issuer, client_id: CLIENT }, sizes: [], regions: [] });
    if (pathname.startsWith("/v1/")) {
      if (headers.authorization !== `Bearer ${state.token}`) return json({ code: "NotAuthenticated", detail: "no", hint: "" }, 401);
      return json(pathname === "/v1/me" ? { user: "ann@university.edu" } : { items: [], projects: [], cursor: null }, 200, { etag: '"1"' });
    }
    const name = pathname.startsWith("/assets/") ? pathname.slice(1) : "index.html";
    const policy = `default-src 'self'; connect-src 'self' ${state.issuer}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
    return [200, { "content-type": TYPES[name.split(".").at(-1)], "content-security-policy": policy }, readFileSync(join(DIST, name))];
  };
}

const state = { lives: 3600, renews: false, refuses: false, token: undefined, issuer: undefined };
let servers;
let browser;
before(async () => {
  const provider = await listen(issuer(state));
  state.issuer = provider.origin;
  servers = [provider, await listen(deployment(state))];
  browser = await launched();
});
after(async () => {
  await browser?.close();
  servers?.forEach((server) => server.close());
});

test("whoever comes to a page signs in, and is back there, with the tokens in memory alone", async () => {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  const { origin } = servers[1];
  await page.goto(`${origin}/saves?x=1`);
  await page.getByRole("heading", { name: "Saves", exact: true }).waitFor();
  assert.equal(page.url(), `${origin}/saves?x=1`, "the address has neither a code nor a state");
  const account = page.getByRole("button", { name: "Account: ann@university.edu" });
  await account.waitFor();
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
  for (const secret of [state.token, "an-access-token"]) assert.ok(!stored.includes(secret), stored);
  assert.deepEqual(faults, []);
  await page.close();
});

test("a join link keeps its code over the sign-in, and no longer", async () => {
  const page = await browser.newPage();
  const { origin } = servers[1];
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${origin}/join#code=prism-join-1-2`);
  await page.getByRole("textbox", { name: "Code" }).waitFor();
  assert.ok(asked.some((url) => url.includes("/authorize?")), "nobody was asked to sign in");
  assert.equal(await page.getByRole("textbox", { name: "Code" }).inputValue(), "prism-join-1-2");
  assert.equal(page.url(), `${origin}/join`);
  assert.deepEqual(asked.filter((url) => new URL(url).search.includes("prism-join")), []);
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
  assert.ok(!stored.includes("prism-join"), stored);
  await page.close();
});

/** Opens the launch form of a user who is signed in, and types into it; then the session ends. */
async function interrupted(context) {
  const page = await context.newPage();
  await page.goto(`${servers[1].origin}/launch`);
  await page.getByLabel("Name", { exact: true }).fill("half-an-hour-of-work");
  state.token = "another";
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByRole("dialog", { name: "Your access has ended" }).waitFor();
  return page;
}

test("a session that the provider does not renew is signed in again in another tab, and what was typed stays", async () => {
  const context = await browser.newContext();
  const page = await interrupted(context);
  const [tab] = await Promise.all([context.waitForEvent("page"), page.getByRole("button", { name: "Sign in again" }).click()]);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "half-an-hour-of-work");
  // The page's requests have the new token.
  const [request] = await Promise.all([
    page.waitForRequest((request) => request.url().includes("/v1/templates")),
    page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))),
  ]);
  assert.equal(await request.headerValue("authorization"), `Bearer ${state.token}`);
  // Browsers that do not let a page close itself show that it can be closed.
  if (!tab.isClosed()) await tab.getByRole("heading", { name: "You are signed in" }).waitFor().catch(() => assert.ok(tab.isClosed()));
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]));
  assert.ok(!stored.includes(state.token), stored);
  await context.close();
});

test("whoever signs out instead is asked to sign in, and nothing stays", async () => {
  const context = await browser.newContext();
  const page = await interrupted(context);
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  assert.deepEqual(await violationsInBoth(page), []);
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.getByLabel("Name", { exact: true }).waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "");
  await context.close();
});

test("a tab that was opened to sign in for another one is a portal of its own if there is none", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${servers[1].origin}/?sign-in=again`);
  await page.getByRole("heading", { name: "Home", exact: true }).waitFor();
  await context.close();
});

test("requests that need a new token at the same time renew it once", async (t) => {
  state.renews = true;
  t.after(() => Object.assign(state, { lives: 3600, renews: false }));
  const page = await browser.newPage();
  const renewals = [];
  page.on("request", (request) => {
    const asked = request.postData() ?? "";
    if (asked.includes("grant_type=refresh_token")) renewals.push(asked);
  });
  await page.goto(`${servers[1].origin}/launch`);
  await page.getByLabel("Name", { exact: true }).waitFor();
  // Almost an hour later, the token is about to end; the next one lasts.
  state.lives = 7200;
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3_570_000;
  });
  // The page of projects reads them and what they cost at the same time.
  await page.getByRole("link", { name: "Projects", exact: true }).click();
  await page.getByRole("heading", { name: "No projects yet" }).waitFor();
  assert.equal(renewals.length, 1, renewals.join("\n"));
  assert.equal(await page.getByRole("dialog").count(), 0);
  await page.close();
});

test("a provider that refuses to renew ends the session, and what was typed stays", async (t) => {
  Object.assign(state, { renews: true, refuses: true });
  t.after(() => Object.assign(state, { renews: false, refuses: false }));
  const page = await browser.newPage();
  await page.goto(`${servers[1].origin}/launch`);
  await page.getByLabel("Name", { exact: true }).fill("half-an-hour-of-work");
  const renewed = page.waitForRequest((request) => request.postData()?.includes("grant_type=refresh_token"));
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3_570_000;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await renewed;
  // What is left of the token is used until the API refuses it.
  assert.equal(await page.getByRole("dialog").count(), 0);
  state.token = "another";
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByRole("dialog", { name: "Your access has ended" }).waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "half-an-hour-of-work");
  await page.close();
});
