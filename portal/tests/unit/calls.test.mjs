// Requests are as the API's document describes them, and answers are read as they are sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { client } = await load("src/api/calls.ts");
const ORIGIN = "http://127.0.0.1:1";

/** Makes a call that is answered with this, and returns what was sent and what came of it. */
async function called(make, body = null, init = {}) {
  let sent;
  const api = client(ORIGIN, async (request) => {
    sent = request;
    return new Response(body, init);
  });
  const came = await make(api);
  return { came, sent, body: await sent.text() };
}

test("a path has its parts, whatever characters they have, and a query what is given of it", async () => {
  const params = { path: { name: "a/b?c", version: 3 }, query: { user: "arn:aws:x/y z+1", empty: undefined, none: null, dry_run: true, kind: ["a", "b&c"] } };
  const { sent } = await called((api) => api.GET("/v1/templates/{name}/versions/{version}", { params }));
  assert.equal(sent.url, `${ORIGIN}/v1/templates/a%2Fb%3Fc/versions/3?user=arn%3Aaws%3Ax%2Fy%20z%2B1&dry_run=true&kind=a&kind=b%26c`);
  assert.equal((await called((api) => api.GET("/v1/me", {}))).sent.url, `${ORIGIN}/v1/me`);
  assert.equal((await called((api) => api.GET("/v1/me"))).sent.url, `${ORIGIN}/v1/me`);
});

test("a body is sent as JSON, with the headers that are given", async () => {
  const options = { body: { limit: 0 }, headers: { "Idempotency-Key": "k" }, params: { header: { "If-Match": '"7"', "If-None-Match": null } } };
  const { sent, body } = await called((api) => api.PATCH("/v1/notify", options));
  assert.deepEqual([sent.method, body], ["PATCH", '{"limit":0}']);
  assert.deepEqual(Object.fromEntries(sent.headers), { "content-type": "application/json", "idempotency-key": "k", "if-match": '"7"' });
  const without = await called((api) => api.DELETE("/v1/x", {}));
  assert.deepEqual([without.sent.method, without.body, [...without.sent.headers]], ["DELETE", "", []]);
  assert.deepEqual([sent.credentials, sent.referrerPolicy], ["omit", "no-referrer"]);
});

test("an answer is its JSON, nothing, or its text", async () => {
  const get = (options) => (api) => api.GET("/v1/x", options);
  assert.deepEqual((await called(get(), '{"a":1}')).came.data, { a: 1 });
  assert.equal((await called(get(), null, { status: 204 })).came.data, undefined);
  assert.equal((await called(get({ parseAs: "text" }), '{"a":1}')).came.data, '{"a":1}');
});

test("a refusal is its problem, also if it is none of the API's", async () => {
  const get = (api) => api.GET("/v1/x");
  const refused = (await called(get, '{"code":"NotAllowed"}', { status: 403 })).came;
  assert.deepEqual([refused.data, refused.error, refused.response.status], [undefined, { code: "NotAllowed" }, 403]);
  assert.equal((await called(get, "<html>", { status: 502 })).came.error, "<html>");
  assert.equal((await called(get, null, { status: 304 })).came.data, undefined);
});

test("a call that is given up is given up where it is sent", async () => {
  const gone = new AbortController();
  const { sent } = await called((api) => api.GET("/v1/x", { signal: gone.signal }));
  gone.abort();
  assert.ok(sent.signal.aborted);
});
