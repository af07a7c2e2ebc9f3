// The list of templates: built-in ones and those that people saved, searched, filtered and sorted.
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { all, api, type Schemas } from "../../api/client";
import { Badge } from "../../parts/badge";
import { Card, Empty, Head, Loading } from "../../parts/card";
import { FilterField, FilterSelect, Filters } from "../../parts/filters";
import { Grow } from "../../parts/grow";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { usePages } from "../../parts/pages";
import { at, usePlace } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { SeenBadge } from "../../parts/seen";
import { text } from "../../text";
import { count, moment } from "../../text/format";

type Template = Schemas["TemplateSummary"];

/** How many pages of 100 are read without being asked. */
const PAGES = 10;
/** How long after the last key the search begins, in milliseconds. */
const PAUSE = 250;

const sorts: Record<string, (a: Template, b: Template) => number> = {
  name: () => 0,
  used: (a, b) => b.launches - a.launches,
  launched: (a, b) => later(a.last_launched_at, b.last_launched_at),
  updated: (a, b) => later(a.updated_at, b.updated_at),
};
const later = (a?: string | null, b?: string | null) => (b ?? "").localeCompare(a ?? "");

const columns: Column<Template>[] = [
  {
    label: text.templates.name,
    cell: (one) => (
      <>
        <a href={at("templates", one.name)}><Name>{one.name}</Name></a>
        {one.latest && <span class="quiet"> {text.templates.version(one.latest)}</span>}
        {one.description && <span class="sub" dir="auto">{one.description}</span>}
      </>
    ),
  },
  { label: text.templates.state, cell: (one) => <State template={one} /> },
  {
    label: text.templates.owner,
    cell: (one) => (one.owner
      ? <><Name mono={false}>{one.owner}</Name>{one.project && <span class="sub">{text.templates.of}<a href={at("projects", one.project)}><Name>{one.project}</Name></a></span>}</>
      : <span class="quiet">{text.templates.builtIn}</span>),
  },
  { label: text.templates.launches, num: true, cell: (one) => (one.kind === "built-in" ? <span class="quiet">{text.templates.notCounted}</span> : <>{count(one.launches)}{one.last_launched_at && <span class="sub">{moment(one.last_launched_at)}</span>}</>) },
  { label: text.templates.updated, num: true, cell: (one) => (one.updated_at ? moment(one.updated_at) : <span class="quiet">{text.templates.withPrism}</span>) },
];

function State({ template }: { template: Template }) {
  if (template.state === "deprecated") return <Badge icon="warn" tone="warn">{text.templateState.deprecated}</Badge>;
  if (template.state === "deleted") return <Badge icon="busy" tone="busy">{text.templateState.deleting}</Badge>;
  return <SeenBadge visibility={template.visibility} />;
}

export function Templates() {
  const { query, set } = usePlace();
  const { search = "", whose = "", arch = "", kind = "", sort = "name" } = query;
  const mine = whose === "mine" || undefined;
  const open = whose === "public" || undefined;
  const project = whose.startsWith("project:") ? whose.slice(8) : undefined;
  const asked = { mine, public: open, project, search: search || undefined, arch: (arch || undefined) as Schemas["Architecture"] | undefined, kind: (kind || undefined) as Schemas["TemplateKind"] | undefined };
  const found = usePages<Template>(
    JSON.stringify(asked),
    (cursor, signal) => api.GET("/v1/templates", { params: { query: { ...asked, cursor, limit: 100 } }, signal }),
    PAGES,
  );
  const order = sorts[sort];
  const rows = order && sort !== "name" ? [...found.items].sort(order) : found.items;
  const cleared = useSignal(0);
  const clear = () => {
    set({ search: "", whose: "", arch: "", kind: "" });
    cleared.value += 1;
  };
  const filtered = Boolean(search || whose || arch || kind);
  return (
    <>
      <Head title={text.templates.title} lede={text.templates.lede}><a class="button" href="/instances">{text.templates.save}</a></Head>
      <FilterBar key={cleared.value} />
      {found.problem && <ProblemNote problem={found.problem} again={found.next} />}
      {found.empty && !found.problem && <Loading what={text.templates.loading} />}
      {!found.empty && rows.length === 0 && !found.reading && (filtered
        ? <Empty title={text.templates.none} why={text.templates.noneWhy}><button class="button" type="button" onClick={clear}>{text.templates.clear}</button></Empty>
        : <Empty title={text.templates.empty} why={text.templates.emptyWhy} />)}
      {rows.length > 0 && (
        <Card title={text.templates.title} end={<p role="status">{text.templates.found(count(rows.length), found.reading || found.more)}</p>} bare foot={found.more && <><span>{text.templates.partly}</span><button class="button is-quiet" type="button" onClick={found.next}>{text.list.more}</button></>}>
          <Grow items={rows} of={JSON.stringify([asked, sort])}>{(some, first) => <Table caption={text.templates.title} columns={columns} rows={some} id={(one) => one.name} class={`is-fixed ${first ? "" : "is-more"}`} />}</Grow>
        </Card>
      )}
    </>
  );
}

function FilterBar() {
  const { query, set } = usePlace();
  const projects = useOnce("projects", (signal) => all((cursor) => api.GET("/v1/projects", { params: { query: { cursor, limit: 100 } }, signal })));
  const typed = useSignal(query.search ?? "");
  useEffect(() => {
    const wanted = typed.value.trim();
    // The API searches for words of at least two letters.
    if (wanted.length === 1 || wanted === (query.search ?? "")) return;
    const timer = setTimeout(() => set({ search: wanted }), PAUSE);
    return () => clearTimeout(timer);
  }, [typed.value]);
  const whose: [string, string][] = [["", text.templates.whose.all], ["mine", text.templates.whose.mine], ["public", text.templates.whose.public]];
  for (const { project } of projects.data ?? []) whose.push([`project:${project.name}`, text.templates.whose.project(project.name)]);
  if (query.whose && !whose.some(([key]) => key === query.whose)) whose.push([query.whose, query.whose.replace(/^project:/, "")]);
  return (
    <Filters label={text.templates.filters}>
      <FilterField label={text.templates.search} value={typed.value} onValue={(value) => { typed.value = value; }} type="search" wide />
      <FilterSelect label={text.templates.whoseLabel} value={query.whose ?? ""} onValue={(value) => set({ whose: value })} options={whose} />
      <FilterSelect label={text.templates.kindLabel} value={query.kind ?? ""} onValue={(value) => set({ kind: value })} options={Object.entries(text.templates.kinds)} />
      <FilterSelect label={text.templates.archLabel} value={query.arch ?? ""} onValue={(value) => set({ arch: value })} options={Object.entries(text.templates.archs)} />
      <FilterSelect label={text.templates.sortLabel} value={query.sort ?? "name"} onValue={(value) => set({ sort: value === "name" ? "" : value })} options={Object.entries(text.templates.sorts)} />
    </Filters>
  );
}
