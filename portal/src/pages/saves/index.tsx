// The list of saves: those in progress first, then the newest.
import { api, type Schemas } from "../../api/client";
import { useWatched } from "../../api/live";
import { SaveBadge } from "../../parts/badge";
import { Card, Empty, Head } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { between, duration, moment, zone } from "../../text/format";

type Save = Schemas["SaveView"];

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
  // The newest hundred; the command line has all of them.
  const saves = useWatched("saves", ({ signal, headers, wait }) => api.GET("/v1/saves", { params: { query: { limit: 100, wait } }, headers, signal }));
  return (
    <>
      <Head title={text.saves.title} lede={text.saves.lede} />
      <Loaded live={saves}>{({ items: found }) => found.length === 0
        ? <Empty title={text.saves.empty} why={text.saves.emptyWhy}><a class="button" href="/instances">{text.saves.toInstances}</a></Empty>
        : (
          <Card title={text.saves.table} end={<p>{text.timesIn(zone)}</p>} bare>
            <Table caption={text.saves.table} columns={columns} rows={[...found].sort((a, b) => Number(inProgress(b)) - Number(inProgress(a)))} id={(save) => save.save_id} now={inProgress} />
          </Card>
        )}
      </Loaded>
    </>
  );
}
