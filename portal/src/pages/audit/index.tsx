// Who changed what, when and from where: filtered, and as a file.
import { useSignal } from "@preact/signals";
import { all, api } from "../../api/client";
import { Head } from "../../parts/card";
import { FilterField, FilterSelect, Filters, Typed } from "../../parts/filters";
import { useOnce } from "../../parts/once";
import { usePlace } from "../../parts/place";
import { Button } from "../../parts/button";
import { text } from "../../text";
import { Export } from "./export";
import { type Filter, History } from "./history";

const KINDS = ["template", "save", "schedule", "instance"] as const;

export function Audit() {
  const { query, set } = usePlace();
  const projects = useOnce("projects", (signal) => all((cursor) => api.GET("/v1/projects", { params: { query: { cursor, limit: 100 } }, signal })));
  // Only managers of a project see what others did in it.
  const managed = (projects.data ?? []).filter(({ role }) => role === "owner" || role === "admin").map(({ project }) => project.name);
  const { project = "", resource = "", user = "" } = query;
  const filter: Filter = { project: project || undefined, resource: resource || undefined, user: user || undefined, from: beginOf(query.from), until: endOf(query.until) };
  const filtered = ["project", "resource", "user", "from", "until"].some((name) => query[name]);
  const options: [string, string][] = [["", text.audit.mine], ...managed.map((name): [string, string] => [name, name])];
  if (project && !managed.includes(project)) options.push([project, project]);
  return (
    <>
      <Head title={text.audit.title} lede={text.audit.lede}><Export filter={filter} /></Head>
      <Filters label={text.audit.filters}>
        <FilterSelect label={text.audit.project} value={project} onValue={(value) => set({ project: value, resource: "" })} options={options} />
        <ResourceFilter resource={resource} />
        <Typed label={text.audit.user} name="user" value={user} />
        <FilterField label={text.audit.from} type="date" value={query.from ?? ""} onValue={(value) => set({ from: value })} />
        <FilterField label={text.audit.until} type="date" value={query.until ?? ""} onValue={(value) => set({ until: value })} />
        {filtered && <Button kind="quiet" onPress={() => set({ project: "", resource: "", user: "", from: "", until: "" })}>{text.templates.clear}</Button>}
      </Filters>
      <History {...filter} key={JSON.stringify(filter)} />
    </>
  );
}

/** The first instant of a day in the reader's zone. */
function beginOf(day: string | undefined): string | undefined {
  const at = new Date(`${day ?? ""}T00:00:00`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** The first instant of the day after: a range includes its last day. */
function endOf(day: string | undefined): string | undefined {
  const at = new Date(`${day ?? ""}T00:00:00`);
  if (Number.isNaN(at.getTime())) return undefined;
  at.setDate(at.getDate() + 1);
  return at.toISOString();
}

/** A resource by its kind and its name. */
function ResourceFilter({ resource }: { resource: string }) {
  const { set } = usePlace();
  const [, named, name = ""] = /^(.+?):(.*)$/.exec(resource) ?? [];
  const chosen = useSignal("template");
  const kind = named ?? chosen.value;
  const apply = (kind: string, name: string) => set({ resource: name && `${kind}:${name}`, project: "" });
  const choose = (kind: string) => {
    chosen.value = kind;
    if (name) apply(kind, name);
  };
  return (
    <>
      <FilterSelect label={text.audit.kind} value={kind} onValue={choose} options={KINDS.map((one) => [one, text.audit.kinds[one]])} />
      <Typed label={text.audit.resourceName} name="resource" value={name} apply={(name) => apply(kind, name)} />
    </>
  );
}
