// How a lineage is laid out as rows with a rail.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { rows, x } = await load("src/pages/template/rails.ts");
const node = (name, parent = null) => ({ name, parent, kind: parent ? "saved" : "built-in", state: "active", latest: false });

/** The tree in letters: a row for each node, a column for each line that passes it. */
function drawn(nodes, here) {
  return rows(nodes, here).map((row) => {
    const cells = [];
    for (const { column, part } of row.lines) cells[column] = part === "whole" ? "|" : (cells[column] ?? "o");
    cells[row.column] = "o";
    return `${Array.from(cells, (cell) => cell ?? " ").join("")} ${row.node.name}${row.trunk ? "*" : ""}`;
  });
}

test("the path to the latest version is the trunk, and the others branch off before it", () => {
  const tree = [node("python-ml"), node("a@1", "python-ml"), node("a@2", "python-ml"), node("course@1", "a@2"), node("a@3", "a@2"), node("b@1", "python-ml")];
  assert.deepEqual(drawn(tree, "a@3"), ["o python-ml*", "|o a@1", "|o b@1", "o a@2*", "|o course@1", "o a@3*"]);
});

test("a line joins each version with the one that goes on in its column", () => {
  const [root, branch, last] = rows([node("python-ml"), node("a@1", "python-ml"), node("a@2", "python-ml")], "a@2");
  assert.deepEqual(root.lines, [{ column: 0, part: "bottom", trunk: true }]);
  assert.deepEqual(branch.lines, [{ column: 0, part: "whole", trunk: true }]);
  assert.deepEqual([branch.from, branch.column], [0, 1]);
  assert.deepEqual(last.lines, [{ column: 0, part: "top", trunk: true }]);
  assert.equal(last.from, null);
});

test("versions whose origin is not shown are roots", () => {
  assert.deepEqual(drawn([node("a@2", "hidden@1"), node("b@1")], "a@2"), ["o b@1", "o a@2*"]);
  assert.deepEqual(drawn([], "a@1"), []);
});

test("many columns move together, and stay within the rail", () => {
  assert.equal(x(0, 1), 14);
  assert.equal(x(1, 2), 36);
  for (let columns = 2; columns < 40; columns += 1) assert.ok(x(columns - 1, columns) <= 48);
});
