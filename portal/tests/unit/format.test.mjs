// Figures and times in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { about, bytes, duration, gib, money, percent } = await load("src/text/format.ts");
const plain = (text) => text.replaceAll("\u00a0", " ");

test("durations have two units at most, and the second one two digits", () => {
  const cases = { 0: "0 s", 51: "51 s", 59.6: "1 min 00 s", 62: "1 min 02 s", 3599: "59 min 59 s", 7500: "2 h 05 min", 86400: "1 day", 400000: "4 days" };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(plain(duration(Number(seconds))), text);
  assert.equal(plain(duration(-3)), "0 s");
});

test("what is not known exactly is round", () => {
  const cases = { 1: "5 s", 22: "20 s", 60: "1 min", 89: "1 min", 300: "5 min", 7200: "2 h", 200000: "2 days" };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(plain(about(Number(seconds))), text);
});

test("money keeps the fractions of a cent that prices have", () => {
  const cases = { 0: "$0.00", 0.42: "$0.42", 0.0084: "$0.0084", 1234.5: "$1,234.50", 3: "$3.00" };
  for (const [usd, text] of Object.entries(cases)) assert.equal(money(Number(usd)), text);
});

test("sizes and shares have units, after a space that does not break", () => {
  assert.equal(bytes(2706379394), "2.5\u00a0GiB");
  assert.equal(bytes(52428800), "50\u00a0MiB");
  assert.equal(gib(1024), "1,024\u00a0GiB");
  assert.equal(percent(85.6), "86\u00a0%");
});
