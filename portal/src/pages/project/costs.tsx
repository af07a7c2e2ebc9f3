// What the versions and the instances of a project cost, by template and by person.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { Card, Empty } from "../../parts/card";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, money } from "../../text/format";
import { both, linesByPerson, linesByTemplate, type Line } from "./cost-lines";

type Costs = Schemas["ProjectCosts"];

export function CostsByTemplate({ costs, manages }: { costs: Costs; manages: boolean }) {
  return <CostTable title={text.costs.byTemplate} first={text.costs.template} lines={linesByTemplate(costs, manages)} costs={costs} foot={costs.cursor && <span>{text.costs.cut(count(costs.templates.length))}</span>} cell={(line) => (line.name ? <a href={at("templates", line.name)}><Name>{line.name}</Name></a> : <b>{text.costs.unseen}</b>)} />;
}

export function CostsByPerson({ costs }: { costs: Costs }) {
  return <CostTable title={text.costs.byPerson} first={text.costs.person} lines={linesByPerson(costs)} costs={costs} cell={(line) => <b>{line.name ? <Name mono={false}>{line.name}</Name> : text.costs.unseen}</b>} />;
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
