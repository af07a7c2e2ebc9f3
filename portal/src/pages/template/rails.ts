// Lays a lineage out as rows: each version has a row, and its piece of the rail to the left of it.
import { stratify, type HierarchyNode } from "d3-hierarchy";
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

/** The node above all roots: no template has this name. */
const ROOT = "/";
type Node = HierarchyNode<LineageNode | null>;

/** The rows of a lineage. The path to `here` is the trunk: it stays in the leftmost column that it can. */
export function rows(nodes: LineageNode[], here: string): Row[] {
  const names = new Set(nodes.map((node) => node.name));
  const root: Node = stratify<LineageNode | null>()
    .id((node) => node?.name ?? ROOT)
    // A node whose parent is not shown is a root; stratify needs exactly one, which is not drawn.
    .parentId((node) => (node === null ? null : node.parent && names.has(node.parent) ? node.parent : ROOT))([null, ...nodes]);
  const trunk = new Set(root.find((node) => node.id === here)?.ancestors() ?? []);
  // The last child goes on in its parent"s column; the others branch off before it.
  root.sort((a, b) => Number(trunk.has(a)) - Number(trunk.has(b)));

  const rows: Row[] = [];
  const at = new Map<Node, number>();
  root.eachBefore((node) => {
    const parent = node.parent;
    if (node.data === null || parent === null) return;
    const last = parent.children?.at(-1) === node;
    const under = at.get(parent);
    const of = under === undefined ? undefined : rows[under];
    const column = of ? of.column + Number(!last) : 0;
    at.set(node, rows.length);
    rows.push({ node: node.data, column, depth: node.depth - 1, lines: [], from: of && !last ? of.column : null, trunk: trunk.has(node) });
    if (of && under !== undefined && last) connect(rows, under, rows.length - 1, of.trunk && trunk.has(node));
  });
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
