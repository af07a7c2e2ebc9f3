// Every text is in one file, and every text there is used.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { load } from "./load.mjs";

const SRC = join(dirname(fileURLToPath(import.meta.url)), "../../src");
const { en } = await load("src/text/en.ts");
const files = readdirSync(SRC, { recursive: true }).filter((name) => /\.tsx?$/.test(name) && !/en\.ts$|schema\.ts$/.test(name));
const sources = files.map((name) => readFileSync(join(SRC, name), "utf8")).join("\n");

/** Whether a group is used as a whole, such as by an index. */
const isWhole = (group) => new RegExp(`\\.${group}\\b(?!\\??\\.)`).test(sources);
/** Whether the texts of a group are chosen by a value, such as a state. */
const isChosenFrom = (group) => new RegExp(`\\.${group}(?: as [^)]*\\))?\\[`).test(sources);

test("no text is left over", () => {
  const unused = [];
  const visit = (group, path) => {
    for (const [key, value] of Object.entries(group)) {
      const own = [...path, key];
      if (typeof value === "object") visit(value, own);
      else if (!sources.includes(`.${key}`) && !path.slice(1).some(isWhole) && !path.some(isChosenFrom)) unused.push(own.join("."));
    }
  };
  visit(en, []);
  assert.deepEqual(unused, []);
});

test("pages and parts have no text of their own", () => {
  const found = [];
  for (const name of files.filter((name) => name.endsWith(".tsx"))) {
    const text = readFileSync(join(SRC, name), "utf8");
    for (const [whole] of text.matchAll(/>[A-Z][a-z]+[^<>{}=;()]*<\/|(?:aria-label|placeholder|title|alt)="[^"]+"/g)) found.push(`${name}: ${whole}`);
  }
  assert.deepEqual(found, []);
});

test("figures and times have no words of their own", () => {
  assert.doesNotMatch(readFileSync(join(SRC, "text/format.ts"), "utf8"), /`[^`]*\}[A-Za-z%]+[^`]*`/);
});

test("sentences with a number are right for none, one and several", () => {
  const joined = [0, 1, 2].map((used) => en.links.withdrawPlan(used).replace("Nobody can join with it any more. ", ""));
  assert.deepEqual(joined, ["Nobody has joined with it so far.", "1 person has joined, and stays.", "The 2 who have joined stay."]);
  assert.deepEqual([1, 2].map(en.home.missedRuns), ["1 run has been missed since the last one.", "2 runs have been missed since the last one."]);
});
