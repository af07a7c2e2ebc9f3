// The list of saves: those in progress first, then the newest.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { api, type Schemas } from "../../api/client";
import { useWatched } from "../../api/live";
import { SaveBadge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Card, Empty, Head } from "../../parts/card";
import { FilterSelect, Filters, Typed } from "../../parts/filters";
import { Name } from "../../parts/name";
import { Loaded, ProblemNote } from "../../parts/note";
import { usePages } from "../../parts/pages";
import { usePlace } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { between, count, duration, moment, zone } from "../../text/format";

type Save = Schemas["SaveView"];
type State = Schemas["SaveState"];

/** How many saves are read at once. */
const PAGE = 100;

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

interface Filter { state?: State; instance?: string; template?: string }

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

/** The first page is kept up to date. What is older is read when it is asked for, and again if a new save moves it. */
function List({ filter, clear }: { filter: Filter; clear: ComponentChildren }) {
  const asked = useSignal(false);
  const key = JSON.stringify(filter);
  const saves = useWatched(`saves:${key}`, ({ signal, headers, wait }) => api.GET("/v1/saves", { params: { query: { ...filter, limit: PAGE, wait } }, headers, signal }));
  const after = saves.data?.cursor ?? undefined;
  const from = asked.value ? after : undefined;
  const older = usePages<Save>(`saves:${key}:${from}`, (cursor = from, signal) => api.GET("/v1/saves", { params: { query: { ...filter, cursor, limit: PAGE } }, signal }), from ? 1 : 0);
  const more = from ? older.more && older.next : after && (() => { asked.value = true; });
  return (
    <Loaded live={saves}>{({ items }) => {
      const found = [...items, ...older.items];
      const foot = more && <><span>{text.list.earlier(count(found.length))}</span><Button kind="quiet" onPress={more}>{text.list.more}</Button></>;
      if (found.length === 0 && (clear || more)) return <Empty title={text.saves.none} why={text.saves.noneWhy}>{foot}</Empty>;
      if (found.length === 0) return <Empty title={text.saves.empty} why={text.saves.emptyWhy}><a class="button" href="/instances">{text.saves.toInstances}</a></Empty>;
      return (
        <>
          <Card title={text.saves.table} end={<p>{text.timesIn(zone)}</p>} bare foot={foot}>
            <Table caption={text.saves.table} columns={columns} rows={found.sort((a, b) => Number(inProgress(b)) - Number(inProgress(a)))} id={(save) => save.save_id} now={inProgress} />
          </Card>
          {older.problem && <ProblemNote problem={older.problem} again={older.next} />}
        </>
      );
    }}</Loaded>
  );
}
