// What the versions and the instances of a project cost, by template and by person.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { Card, Empty } from "../../parts/card";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, money } from "../../text/format";

type Costs = Schemas["ProjectCosts"];
interface Line { name: string; sub?: string; usd: number; compute: number; frees?: number }

export function CostsByTemplate({ costs }: { costs: Costs }) {
  const lines = merged(costs.templates.map((one) => ({
    name: one.template,
    sub: text.costs.versionsOf(one.versions.length, one.owner),
    usd: one.usd_per_month,
    frees: one.versions.reduce((sum, version) => sum + version.frees_at_least_usd, 0),
  })), costs.compute?.templates, costs);
  return <CostTable title={text.costs.byTemplate} first={text.costs.template} lines={lines} costs={costs} foot={costs.cursor && <span>{text.costs.cut(count(costs.templates.length))}</span>} cell={(line) => (line.name ? <a href={at("templates", line.name)}><Name>{line.name}</Name></a> : <b>{text.costs.unseen}</b>)} />;
}

export function CostsByPerson({ costs }: { costs: Costs }) {
  const lines = merged((costs.people ?? []).map((one) => ({ name: one.user, sub: text.costs.saved(one.versions), usd: one.usd_per_month })), costs.compute?.people);
  return <CostTable title={text.costs.byPerson} first={text.costs.person} lines={lines} costs={costs} cell={(line) => <b><Name mono={false}>{line.name}</Name></b>} />;
}

const both = (line: Line) => line.usd + line.compute;

/** What versions and what instances cost, by name, the dearest first; and at the end, what is left of `all`. */
function merged(saved: Omit<Line, "compute">[], spent: Schemas["SpendingOf"][] = [], all?: Costs): Line[] {
  const lines = new Map(saved.map((one): [string, Line] => [one.name, { ...one, compute: 0 }]));
  for (const { name, spending } of spent) lines.set(name, { name, usd: 0, ...lines.get(name), compute: spending.usd });
  const found = [...lines.values()].sort((a, b) => both(b) - both(a));
  const rest: Line = { name: "", sub: text.costs.unseenWhy, usd: all?.unseen_usd_per_month ?? 0, compute: (all?.compute?.total.usd ?? 0) - found.reduce((sum, line) => sum + line.compute, 0) };
  // Less than a cent is what rounding leaves.
  return both(rest) < 0.01 ? found : [...found, rest];
}

interface TableProps { title: string; first: string; lines: Line[]; costs: Costs; foot?: ComponentChildren; cell: (line: Line) => ComponentChildren }

function CostTable({ title, first, lines, costs: { usd_per_month: versions, compute }, foot, cell }: TableProps) {
  if (lines.length === 0) return <Empty title={text.costs.empty} why={text.costs.emptyWhy} />;
  const spent = compute?.total.usd ?? 0;
  const columns: Column<Line>[] = [
    { label: first, cell: (line) => <>{cell(line)}{line.sub && <span class="sub"><bdi>{line.sub}</bdi></span>}</> },
    ...(lines.some((line) => line.frees !== undefined) ? [frees] : []),
    { label: text.costs.versions, num: true, cell: (line) => <b>{money(line.usd)}</b> },
    { label: text.costs.compute, num: true, cell: (line) => <b>{money(line.compute)}</b> },
    { label: text.costs.share, scale: true, cell: (line) => <Bar part={both(line) / (versions + spent || 1)} /> },
  ];
  const sums = [text.costs.all, money(versions), money(spent), undefined];
  if (columns.includes(frees)) sums.splice(1, 0, undefined);
  return (
    <Card title={title} end={<p>{text.costs.atMost}</p>} bare foot={foot}>
      <Table caption={title} columns={columns} rows={lines} id={(line) => line.name} class="is-mid" sums={sums} />
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
