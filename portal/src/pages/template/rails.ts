// Lays a lineage out as rows: each version has a row, and its piece of the rail to the left of it.
import type { Schemas } from "../../api/client";

type LineageNode = Schemas["LineageNode"];

export type Part = "whole" | "top" | "bottom";
export interface Line { column: number; part: Part; trunk: boolean }
export interface Row {
  node: LineageNode;
  column: number;
  /** How many steps it is below its root: the table beside the picture names the parent instead. */
  depth: number;
  lines: Line[];
  /** The column that the row branches from, where that is not its own. */
  from: number | null;
  trunk: boolean;
}

/** The rows of a lineage. The path to `here` is the trunk: it stays in the leftmost column that it can. */
export function rows(nodes: LineageNode[], here: string): Row[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  // A node whose parent is not shown is a root.
  const parentOf = (node: LineageNode) => (node.parent === node.name ? undefined : byName.get(node.parent ?? ""));
  const trunk = new Set<LineageNode>();
  for (let node = byName.get(here); node && !trunk.has(node); node = parentOf(node)) trunk.add(node);
  // The last child goes on in its parent's column; the others branch off before it.
  const under = (parent?: LineageNode) => nodes.filter((node) => parentOf(node) === parent).sort((a, b) => Number(trunk.has(a)) - Number(trunk.has(b)));

  const rows: Row[] = [];
  const visit = (node: LineageNode, depth: number, above?: number, last = true) => {
    const of = above === undefined ? undefined : rows[above];
    const at = rows.length;
    rows.push({ node, column: of ? of.column + Number(!last) : 0, depth, lines: [], from: of && !last ? of.column : null, trunk: trunk.has(node) });
    if (of && above !== undefined && last) connect(rows, above, at, of.trunk && trunk.has(node));
    under(node).forEach((child, index, all) => visit(child, depth + 1, at, index === all.length - 1));
  };
  for (const root of under()) visit(root, 0);
  return rows;
}

/** Draws the line from a row to the row that goes on in the same column. */
function connect(rows: Row[], from: number, to: number, trunk: boolean) {
  const column = rows[from]!.column;
  for (let row = from; row <= to; row += 1) {
    const part: Part = row === from ? "bottom" : row === to ? "top" : "whole";
    rows[row]!.lines.push({ column, part, trunk });
  }
}

/** Where a column is drawn, in pixels of a rail of 56: columns move together when there are many. */
export function x(column: number, columns: number): number {
  return 14 + column * Math.min(22, 34 / Math.max(1, columns - 1));
}
