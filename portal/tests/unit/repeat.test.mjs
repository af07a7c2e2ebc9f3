// What is the same request has the same key, and what is requested again on purpose has another one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { repeatable } = await load("src/api/repeat.ts");
const keyOf = ({ "Idempotency-Key": key }) => key;
const lost = () => Promise.reject(new Error("no answer"));

test("a form that is sent again after a success asks for something new", async () => {
  const keys = [];
  for (let sent = 0; sent < 2; sent += 1) await repeatable({ template: "a" }, async (headers) => keys.push(keyOf(headers)));
  assert.notEqual(keys[0], keys[1]);
});

test("a form that is sent again long after an answer was lost asks for something new", async () => {
  const keys = [];
  const send = (headers) => {
    keys.push(keyOf(headers));
    return lost();
  };
  for (const minute of [0, 9, 11]) await assert.rejects(repeatable({ template: "d" }, send, minute * 60_000), /no answer/);
  assert.deepEqual([keys[0] === keys[1], keys[0] === keys[2]], [true, false]);
});

test("a form that is sent again without an answer, or before it, asks for the same", async () => {
  const keys = [];
  const send = (answer) => (headers) => {
    keys.push(keyOf(headers));
    return answer();
  };
  await assert.rejects(repeatable({ template: "b" }, send(lost)), /no answer/);
  const first = repeatable({ template: "b" }, send(() => new Promise(setImmediate)));
  await Promise.all([first, repeatable({ template: "b" }, send(() => new Promise(setImmediate)))]);
  assert.equal(new Set(keys).size, 1);
  assert.equal(await repeatable({ template: "c" }, async (headers) => keys.includes(keyOf(headers))), false, "another form has a key of its own");
});
