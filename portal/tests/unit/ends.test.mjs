// What the form of an end asks of the API, and what it refuses before that.
process.env.TZ = "Europe/Berlin";
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { endErrors, endPreview, endRequest, endValues, isAhead } = await load("src/parts/end/values.ts");
const NOW = new Date("2026-03-28T12:00:30Z");
const KNOWN = { at: "2026-03-28T18:00:07Z", then: "terminate", last_save: "kept-env", warn_minutes: 45, state: "ahead" };

test("without an end so far, a time counts from when the API is asked", () => {
  const values = { ...endValues(NOW), amount: "3", unit: "days" };
  assert.deepEqual(endRequest(values, NOW), { for_minutes: 3 * 1440, then: "stop", last_save: null, warn_minutes: 15 });
  assert.equal(endPreview(values, NOW).at, "2026-03-31T12:00:30.000Z");
});

test("a time is added to the end so far, and what is not changed stays", () => {
  const values = { ...endValues(NOW, KNOWN), amount: "2", unit: "hours" };
  assert.deepEqual(endRequest(values, NOW, KNOWN), { at: "2026-03-28T20:00:07.000Z", then: "terminate", last_save: "kept-env", warn_minutes: 45 });
});

test("a date is of the reader's zone, and one that is left alone keeps its seconds", () => {
  const values = { ...endValues(NOW, KNOWN), when: "until" };
  assert.equal(values.until, "2026-03-28T19:00");
  assert.equal(endRequest(values, NOW, KNOWN).at, "2026-03-28T18:00:07.000Z");
  // The clocks are set forward in between.
  assert.equal(endRequest({ ...values, until: "2026-03-29T19:00" }, NOW, KNOWN).at, "2026-03-29T17:00:00.000Z");
});

test("only an end that lies ahead is extended", () => {
  assert.ok(isAhead(KNOWN, NOW));
  assert.ok(!isAhead({ ...KNOWN, state: "ended" }, NOW));
  assert.ok(!isAhead(KNOWN, new Date("2026-03-28T18:00:08Z")));
});

test("times are at least a minute and at most a year ahead, and the last save has the name of a template", () => {
  const of = (part, known) => endErrors({ ...endValues(NOW, known), ...part }, NOW, known);
  const fine = { time: undefined, lastSave: undefined };
  for (const part of [{ amount: "1", unit: "minutes" }, { amount: "366", unit: "days" }, { when: "until", until: "2027-03-29T13:00" }, { lastSave: " kept-env " }]) assert.deepEqual(of(part), fine, JSON.stringify(part));
  for (const part of [
    { amount: "" }, { amount: "0" }, { amount: "-4" }, { amount: "1.5" }, { amount: "four" }, { amount: "367", unit: "days" },
    { when: "until", until: "" }, { when: "until", until: "2026-03-28T13:01" }, { when: "until", until: "2027-03-30T13:00" },
  ]) assert.ok(of(part).time, JSON.stringify(part));
  assert.ok(of({ lastSave: "No Name" }).lastSave);
  assert.deepEqual(of({ when: "never", amount: "", lastSave: "No Name" }), {});
});
