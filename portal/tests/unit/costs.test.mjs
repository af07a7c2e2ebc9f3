// The lines of the tables of costs add up, and say no more about what is left than is known.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { linesByPerson, linesByTemplate } = await load("src/pages/project/cost-lines.ts");
const TEMPLATES = [{ template: "seismic-ml", owner: "ada", usd_per_month: 2, versions: [{ frees_at_least_usd: 1 }] }];
const PEOPLE = [{ user: "ada", versions: 1, usd_per_month: 2 }];
const spent = (name, usd) => ({ name, spending: { usd } });

/** The costs of a project, whose instances have cost 10 dollars. */
const costs = (compute) => ({ templates: TEMPLATES, people: PEOPLE, compute: { total: { usd: 10 }, templates: [], people: [], incomplete: false, ...compute } });
const shown = (lines) => lines.map(({ name, usd, compute }) => [name, usd, compute]);

test("what instances have cost beyond those that are told apart has its own line", () => {
  const some = costs({ incomplete: true, templates: [spent("seismic-ml", 3)] });
  assert.deepEqual(shown(linesByTemplate(some, true)), [["seismic-ml", 2, 3], ["", 0, 7]]);
  assert.deepEqual(shown(linesByPerson(some)), [["ada", 2, 0], ["", 0, 10]]);
});

test("costs that are complete leave nothing by person", () => {
  const all = costs({ people: [spent("ben", 6), spent("ada", 4)] });
  assert.deepEqual(shown(linesByPerson(all)), [["ada", 2, 4], ["ben", 0, 6]]);
});

test("what is left is said to be for unseen templates only if it can be for nothing else", () => {
  const why = (manages, incomplete) => linesByTemplate(costs({ incomplete }), manages).at(-1).sub;
  assert.equal(why(false, false), "templates that you may not see");
  for (const [manages, incomplete] of [[true, false], [false, true], [true, true]]) assert.equal(why(manages, incomplete), undefined);
});
