// The templates of a project: its own, which it pays for, and those that are shared with it.
import { all, api, type Schemas } from "../../api/client";
import { Badge } from "../../parts/badge";
import { Card, Empty } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, moment } from "../../text/format";
import type { Rights } from "./data";

type One = Schemas["ProjectTemplateView"];

const columns: Column<One>[] = [
  { label: text.templates.name, cell: ({ template }) => <><a href={at("templates", template.name)}><Name>{template.name}</Name></a>{template.latest && <span class="quiet"> {text.templates.version(template.latest)}</span>}{template.description && <span class="sub" dir="auto">{template.description}</span>}</> },
  { label: text.templates.owner, cell: ({ template }) => (template.owner ? <Name mono={false}>{template.owner}</Name> : <span class="quiet">{text.templates.builtIn}</span>) },
  { label: text.project.paidBy, cell: ({ belongs }) => (belongs ? text.project.thisProject : <span class="quiet">{text.project.sharedWithIt}</span>) },
  { label: text.approvals.title, cell: ({ approved }) => (approved ? <Badge icon="done" tone="ok">{text.approvals.approved}</Badge> : <span class="quiet">{text.approvals.not}</span>) },
  { label: text.templates.launches, num: true, cell: ({ template }) => count(template.launches) },
  { label: text.templates.updated, num: true, cell: ({ template }) => (template.updated_at ? moment(template.updated_at) : "") },
];

export function ProjectTemplates({ name, rights }: { name: string; rights: Rights }) {
  const templates = useOnce(`project-templates:${name}`, (signal) => all((cursor) => api.GET("/v1/projects/{name}/templates", { params: { path: { name }, query: { cursor, limit: 100 } }, signal })));
  return (
    <Loaded live={templates}>{(found) => (found.length === 0
      ? <Empty title={text.project.noTemplates} why={rights.manages ? text.project.noTemplatesManage : text.project.noTemplatesWhy} />
      : <Card title={text.templates.title} end={<p>{text.templates.found(count(found.length), false)}</p>} bare><Table caption={text.templates.title} columns={columns} rows={found} id={({ template }) => template.name} /></Card>)}
    </Loaded>
  );
}
