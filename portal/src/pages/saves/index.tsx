// The list of saves: those in progress first, then the newest.
import type { ComponentChildren } from "preact";
import type { Schemas } from "../../api/client";
import { SaveBadge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card, Empty, Head, Loading } from "../../parts/card";
import { FilterSelect, Filters, Typed } from "../../parts/filters";
import { Name } from "../../parts/name";
import { Loaded, ProblemNote } from "../../parts/note";
import { usePlace } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { between, count, duration, moment, zone } from "../../text/format";
import { type Filter, useSaves } from "./data";

type Save = Schemas["SaveView"];
type State = Schemas["SaveState"];

const columns: Column<Save>[] = [
  {
    label: text.saves.instance,
    cell: (save) => <><a href={`/saves/${save.save_id}`}><Name>{save.plan?.instance.name ?? save.request.instance}</Name></a><span class="sub">{save.request.region}</span></>,
  },
  {
    label: text.saves.template,
    cell: (save) => <><Name>{save.request.template}</Name><span class="sub">{versionOf(save)}</span></>,
  },
  { label: text.saves.state, cell: (save) => <SaveBadge state={save.state} /> },
  { label: text.saves.began, cell: (save) => <span class="keep">{moment(save.started_at)}</span> },
  { label: text.saves.down, num: true, cell: (save) => (save.downtime_s == null ? <span class="quiet">{text.saves.notDown}</span> : duration(save.downtime_s)) },
  { label: text.saves.took, num: true, cell: (save) => (save.ended_at ? duration(between(save.started_at, save.ended_at)) : "") },
];

function versionOf(save: Save): string {
  if (save.copy_of) return text.saves.copyOf;
  const version = save.version ?? save.plan?.next_version;
  return version ? text.saves.of(version) : "";
}

const inProgress = (save: Save) => save.state === "running";

export function Saves() {
  const { query, set } = usePlace();
  const { state, instance, template } = query;
  const filter: Filter = { state: state ? (state as State) : undefined, instance: instance || undefined, template: template || undefined };
  const clear = (state || instance || template) && <Button kind="quiet" onPress={() => set({ state: "", instance: "", template: "" })}>{text.templates.clear}</Button>;
  return (
    <>
      <Head title={text.saves.title} lede={text.saves.lede} />
      <Filters label={text.saves.filters}>
        <FilterSelect label={text.saves.state} value={state ?? ""} onValue={(value) => set({ state: value })} options={[["", text.saves.any], ...Object.entries(text.state)]} />
        <Typed label={text.saves.instance} name="instance" value={instance ?? ""} />
        <Typed label={text.saves.template} name="template" value={template ?? ""} />
        {clear}
      </Filters>
      <List filter={filter} clear={clear} key={JSON.stringify(filter)} />
    </>
  );
}

function List({ filter, clear }: { filter: Filter; clear: ComponentChildren }) {
  const { first, found, more, reading, problem, again } = useSaves(filter);
  const foot = more && <><span>{text.list.earlier(count(found.length))}</span><Button kind="quiet" onPress={more}>{text.list.more}</Button></>;
  return (
    <Loaded live={first}>{() => (
      <>
        {found.length > 0 ? <SavesTable saves={found} foot={foot} /> : reading ? <Loading /> : <None filtered={Boolean(clear || more)}>{foot}</None>}
        {problem && <ProblemNote problem={problem} again={again} />}
      </>
    )}</Loaded>
  );
}

function SavesTable({ saves, foot }: { saves: Save[]; foot: ComponentChildren }) {
  const rows = [...saves].sort((a, b) => Number(inProgress(b)) - Number(inProgress(a)));
  return (
    <Card title={text.saves.table} end={<p>{text.timesIn(zone)}</p>} bare foot={foot}>
      <Table caption={text.saves.table} columns={columns} rows={rows} id={(save) => save.save_id} now={inProgress} />
    </Card>
  );
}

function None({ filtered, children }: { filtered: boolean; children: ComponentChildren }) {
  if (filtered) return <Empty title={text.saves.none} why={text.saves.noneWhy}>{children}</Empty>;
  return <Empty title={text.saves.empty} why={text.saves.emptyWhy}><a class="button" href="/instances">{text.saves.toInstances}</a></Empty>;
}
