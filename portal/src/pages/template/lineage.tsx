// What a template comes from, and what came of it: a tree drawn beside its rows, and the same as a table.
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded, Note } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { dated } from "../../text/format";
import { type Row, rows, x } from "./rails";

export function LineageCard({ name, here }: { name: string; here: string }) {
  const [table, setTable] = useState(false);
  const lineage = useOnce(`lineage:${name}`, (signal) => ask(api.GET("/v1/templates/{name}/lineage", { params: { path: { name } }, signal })));
  return (
    <Card title={text.lineage.title} end={<div class="l-row"><p>{text.lineage.lede}</p><Button kind="quiet" onPress={() => setTable(!table)}>{table ? text.lineage.asTree : text.lineage.asTable}</Button></div>} bare={table}>
      <Loaded live={lineage}>{(found) => {
        const tree = rows(found.nodes, here);
        return (
          <>
            {table ? <Table caption={text.lineage.title} columns={columns} rows={tree} id={(row) => row.node.name} now={(row) => row.node.name === here} /> : <Tree tree={tree} here={here} />}
            {found.truncated && <Note><p>{text.lineage.truncated}</p></Note>}
          </>
        );
      }}</Loaded>
    </Card>
  );
}

const columns: Column<Row>[] = [
  { label: text.lineage.version, cell: ({ node }) => <Link name={node.name} /> },
  { label: text.lineage.from, cell: ({ node }) => (node.parent ? <Link name={node.parent} /> : <span class="quiet">{text.lineage.root}</span>) },
  { label: text.lineage.by, cell: ({ node }) => (node.saved_by ? <Name mono={false}>{node.saved_by}</Name> : <span class="quiet">{text.templates.builtIn}</span>) },
  { label: text.lineage.saved, cell: ({ node }) => (node.saved_date ? dated(node.saved_date) : "") },
  { label: text.lineage.state, cell: ({ node }) => <State row={node} /> },
];

function Tree({ tree, here }: { tree: Row[]; here: string }) {
  const columns = Math.max(...tree.map((row) => row.column), 0) + 1;
  return (
    <ol class="lineage">{tree.map((row) => (
      <li key={row.node.name}>
        <Rail row={row} columns={columns} here={row.node.name === here} />
        <div class="lineage-main"><Link name={row.node.name} /> <State row={row.node} /><span class="sub">{about(row)}</span></div>
        <span class="lineage-end">{row.node.parent && <span class="hide">{text.lineage.of(row.node.parent)}</span>}</span>
      </li>
    ))}</ol>
  );
}

/** A row's piece of the rail: the lines that pass, and its own mark. */
function Rail({ row, columns, here }: { row: Row; columns: number; here: boolean }) {
  const center = x(row.column, columns);
  const mark = [here && "is-here", row.node.state === "deprecated" && "is-gone"].filter(Boolean).join(" ") || undefined;
  return (
    <svg class="lineage-rail" aria-hidden="true">
      {row.lines.map((line) => (
        <line key={line.column} class={line.trunk ? "is-trunk" : undefined} x1={x(line.column, columns)} x2={x(line.column, columns)} y1={line.part === "bottom" ? "50%" : "0"} y2={line.part === "top" ? "50%" : "100%"} />
      ))}
      {row.from !== null && <svg y="50%" overflow="visible"><path d={curve(x(row.from, columns), center)} /></svg>}
      {row.node.kind === "built-in"
        ? <svg x={center} y="50%" overflow="visible"><rect class={mark} x="-5" y="-5" width="10" height="10" rx="1" /></svg>
        : <circle class={mark} cx={center} cy="50%" r="5" />}
    </svg>
  );
}

const curve = (from: number, to: number) => `M${from} -20 C${from} -6 ${from + 6} 0 ${to} 0`;

function Link({ name }: { name: string }) {
  const [template, version] = name.split("@") as [string, string?];
  return <a class="mono" href={at("templates", template) + (version ? `?version=${version}` : "")}><Name>{name}</Name></a>;
}

function State({ row }: { row: Row["node"] }) {
  if (row.state === "deprecated") return <Badge icon="warn" tone="warn">{text.templateState.deprecated}</Badge>;
  return row.latest ? <Badge tone="busy">{text.templateState.latest}</Badge> : null;
}

function about({ node }: Row) {
  if (node.kind === "built-in") return text.templates.builtIn;
  const by = node.imported_by ?? node.saved_by;
  return <>{by && <Name mono={false}>{by}</Name>}{node.saved_date && `, ${dated(node.saved_date)}`}{node.imported_by ? text.lineage.imported : node.saved_from && <>{text.lineage.savedFrom}<Name>{node.saved_from}</Name></>}</>;
}
