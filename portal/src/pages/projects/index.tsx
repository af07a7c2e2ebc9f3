// The projects that the reader is in.
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card, Empty, Head } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, dated, money, percent } from "../../text/format";
import { CreateDialog } from "./create";

/** A project, with what its templates and instances cost if the reader may see it. */
type View = Schemas["ProjectView"] & { spending?: Schemas["ProjectSpending"] };

const columns: Column<View>[] = [
  { label: text.projects.name, cell: ({ project }) => <><a href={at("projects", project.name)}><Name>{project.name}</Name></a>{project.description && <span class="sub" dir="auto">{project.description}</span>}</> },
  { label: text.projects.role, cell: ({ role }) => text.roles[role] },
  { label: text.projects.members, num: true, cell: ({ project }) => count(project.members) },
  { label: text.projects.cost, num: true, cell: ({ spending }) => (spending ? <>{money(spending.usd_per_month + (spending.compute_usd ?? 0))}{spending.used_percent != null && <span class="sub">{text.projects.used(percent(spending.used_percent))}</span>}</> : <span class="quiet">{text.projects.notSeen}</span>) },
  { label: text.projects.budget, num: true, cell: ({ project: { budget } }) => (budget ? <>{text.aMonth(money(budget.limit_usd))}{budget.hard_stop && <span class="sub">{text.projects.hard}</span>}</> : <span class="quiet">{text.projects.noBudget}</span>) },
  { label: text.projects.templates, cell: ({ project }) => (project.approved_only ? <Badge icon="lock">{text.projects.approvedOnly}</Badge> : <span class="quiet">{text.projects.any}</span>) },
  { label: text.projects.created, num: true, cell: ({ project }) => <span class="keep">{dated(project.created_at)}</span> },
];

async function read(signal: AbortSignal): Promise<View[]> {
  const [views, { projects }] = await Promise.all([
    all((cursor) => api.GET("/v1/projects", { params: { query: { cursor, limit: 100 } }, signal })),
    ask(api.GET("/v1/overview", { signal })),
  ]);
  const spendings = new Map(projects.map((spending) => [spending.name, spending]));
  return views.map((view) => ({ ...view, spending: spendings.get(view.project.name) }));
}

export function Projects() {
  const making = useSignal(false);
  const projects = useOnce("projects:list", read);
  const make = () => { making.value = true; };
  return (
    <>
      <Head title={text.projects.title} lede={text.projects.lede}><a class="button" href="/join">{text.join.open}</a><Button kind="primary" onPress={make}>{text.projects.make}</Button></Head>
      <Loaded live={projects} what={text.projects.loading}>{(found) => (found.length === 0
        ? <Empty title={text.projects.empty} why={text.projects.emptyWhy}><Button onPress={make}>{text.projects.make}</Button></Empty>
        : <Card title={text.projects.title} bare><Table caption={text.projects.title} columns={columns} rows={found} id={({ project }) => project.name} /></Card>)}
      </Loaded>
      {making.value && <CreateDialog onClose={() => { making.value = false; }} />}
    </>
  );
}
