// What the templates of a project cost, by template and by person.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { Card, Empty } from "../../parts/card";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { money } from "../../text/format";

type Costs = Schemas["ProjectCosts"];
interface Line { name: string; sub: string; usd: number; versions: number; frees?: number }

export function CostsByTemplate({ costs }: { costs: Costs }) {
  const lines = costs.templates.map((one): Line => ({
    name: one.template,
    sub: text.costs.versionsOf(one.versions.length, one.owner),
    usd: one.usd_per_month,
    versions: one.versions.length,
    frees: one.versions.reduce((sum, version) => sum + version.frees_at_least_usd, 0),
  }));
  if (lines.length === 0 && !costs.unseen_usd_per_month) return <Empty title={text.costs.empty} why={text.costs.emptyWhy} />;
  if (costs.unseen_usd_per_month) lines.push({ name: "", sub: text.costs.unseenWhy, usd: costs.unseen_usd_per_month, versions: 0 });
  return <CostTable title={text.costs.byTemplate} first={text.costs.template} lines={lines} total={costs.usd_per_month} cell={(line) => (line.name ? <a href={at("templates", line.name)}><Name>{line.name}</Name></a> : <b>{text.costs.unseen}</b>)} />;
}

export function CostsByPerson({ costs }: { costs: Costs }) {
  const lines = (costs.people ?? []).map((one): Line => ({ name: one.user, sub: text.costs.saved(one.versions), usd: one.usd_per_month, versions: one.versions }));
  if (lines.length === 0) return <Empty title={text.costs.empty} why={text.costs.emptyWhy} />;
  return <CostTable title={text.costs.byPerson} first={text.costs.person} lines={lines} total={costs.usd_per_month} cell={(line) => <b><Name mono={false}>{line.name}</Name></b>} />;
}

function CostTable({ title, first, lines, total, cell }: { title: string; first: string; lines: Line[]; total: number; cell: (line: Line) => ComponentChildren }) {
  const columns: Column<Line>[] = [
    { label: first, cell: (line) => <>{cell(line)}<span class="sub"><bdi>{line.sub}</bdi></span></> },
    ...(lines.some((line) => line.frees !== undefined) ? [frees] : []),
    { label: text.costs.aMonth, num: true, cell: (line) => <b>{money(line.usd)}</b> },
    { label: text.costs.share, scale: true, cell: (line) => <Bar part={total > 0 ? line.usd / total : 0} /> },
  ];
  return (
    <Card title={title} end={<p>{text.costs.atMost}</p>} bare>
      <Table caption={title} columns={columns} rows={lines} id={(line) => line.name} class="is-mid" sums={columns.map((column, at) => (at === 0 ? text.costs.all : column.label === text.costs.aMonth ? money(total) : undefined))} />
    </Card>
  );
}

const frees: Column<Line> = { label: text.costs.frees, num: true, cell: (line) => line.frees !== undefined && text.costs.atLeast(money(line.frees)) };

/** A part of all costs: unlike a part of the largest, it says something when all are equal. */
function Bar({ part }: { part: number }) {
  return (
    <svg class="meter" aria-hidden="true">
      <rect class="meter-rail" width="100%" height="8" rx="2" />
      <rect class="meter-used is-idle" width={`${(part * 100).toFixed(2)}%`} height="8" rx="2" />
    </svg>
  );
}
