// What others do for a project, for those who manage it: its instances, saves and schedules.
import { useSignal } from "@preact/signals";
import { all, api, ask, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { useLive } from "../../api/live";
import { InstanceBadge, SaveBadge } from "../../parts/badge";
import { Card, Empty, Loading } from "../../parts/card";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { EndState } from "../../parts/end/shown";
import { pauseAfter, tells } from "../../parts/instances/state";
import { Unavailable } from "../../parts/instances/unavailable";
import { Name } from "../../parts/name";
import { Loaded, ProblemNote } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { usePages } from "../../parts/pages";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { count, duration, moment, money, when } from "../../text/format";
import { Cadence } from "../schedules/words";

type Instance = Schemas["ProjectInstance"];
type Save = Schemas["SaveView"];
type Schedule = Schemas["ProjectSchedule"];

export function Work({ name }: { name: string }) {
  return (
    <>
      <Instances project={name} />
      <Saves project={name} />
      <Schedules project={name} />
    </>
  );
}

const instanceColumns: Column<Instance>[] = [
  { label: text.work.instance, cell: (one) => <><Name>{one.name}</Name><span class="sub">{[one.template, one.region].filter(Boolean).join(" · ")}</span></> },
  { label: text.work.owner, cell: (one) => (one.owner ? <><Name mono={false}>{one.owner}</Name>{one.launched_by && one.launched_by !== one.owner && <span class="sub">{text.work.launchedBy}<Name mono={false}>{one.launched_by}</Name></span>}</> : <span class="quiet">{text.unknown}</span>) },
  { label: text.work.state, cell: (one) => <InstanceBadge state={one.state} /> },
  { label: text.work.since, cell: (one) => when(one.launched_at) },
  { label: text.work.price, num: true, cell: (one) => <>{one.usd_per_hour == null ? text.unknown : one.state === "running" ? money(one.usd_per_hour) : <span class="quiet">{text.work.off}</span>}<span class="sub">{one.instance_type}</span></> },
];

function Instances({ project }: { project: string }) {
  const now = serverNow();
  // Without the page of the last save, which is its owner's.
  const ends: Column<Instance> = { label: text.ends.title, cell: (one) => (one.end && tells(one) ? <EndState end={{ ...one.end, save_id: null }} now={now} /> : "") };
  const stopping = useSignal<Instance | undefined>(undefined);
  const stop: Column<Instance> = { label: text.actions, acts: true, cell: (one) => one.state === "running" && <Button kind="quiet" label={text.halt.of(one.name, one.owner ?? text.unknown)} onPress={() => { stopping.value = one; }}>{text.instances.stop}</Button> };
  const found = useLive(`project-instances:${project}`, async (signal) => {
    let unavailable: Schemas["UnavailableRegion"][] = [];
    const items = await all<Instance>(async (cursor) => {
      const answer = await api.GET("/v1/projects/{name}/instances", { params: { path: { name: project }, query: { cursor, limit: 100 } }, signal });
      unavailable = answer.data?.unavailable ?? unavailable;
      return answer;
    });
    return { items, unavailable };
  }, ({ items }) => pauseAfter(items));
  return (
    <Loaded live={found} what={text.work.loading}>{({ items, unavailable }) => (
      <>
        <Unavailable regions={unavailable} />
        {items.length === 0
          ? <Empty title={text.work.noInstances} why={text.work.noInstancesWhy} />
          : <Card title={text.work.instances} end={<p>{text.work.running(items.filter((one) => one.state === "running").length, items.length)}</p>} bare><Table caption={text.work.instances} columns={[...instanceColumns, ...(items.some(tells) ? [ends] : []), stop]} rows={items} id={(one) => one.id} class="is-mid" sums={[text.costs.all, undefined, undefined, undefined, hourly(items), undefined]} /></Card>}
        {stopping.value && <StopDialog project={project} one={stopping.value} onClose={() => { stopping.value = undefined; }} onDone={found.again} />}
      </>
    )}</Loaded>
  );
}

/** Managers stop what runs for the project, and do not start it again: the data is its owner's. */
function StopDialog({ project, one, onClose, onDone }: { project: string; one: Instance; onClose: () => void; onDone: () => void }) {
  const act = () => ask(api.POST("/v1/projects/{name}/instances/{instance}/stop", { params: { path: { name: project, instance: one.id }, query: { region: one.region } } }));
  return (
    <Confirm title={<>{text.instances.ask.stop} <Name>{one.name}</Name></>} sub={`${one.instance_type}, ${one.region}`} label={text.instances.now.stop(one.name)} done={text.instances.changing.stop(one.name)} danger act={act} onClose={onClose} onDone={onDone}>
      {() => <ul class="marks is-list"><li>{text.instances.stopWhat}</li><li>{text.halt.tells}</li></ul>}
    </Confirm>
  );
}

/** What runs, an hour; not known if a price is missing. */
function hourly(items: Instance[]): string {
  const on = items.filter((one) => one.state === "running");
  if (on.some((one) => one.usd_per_hour == null)) return text.unknown;
  return text.anHour(money(on.reduce((sum, one) => sum + (one.usd_per_hour ?? 0), 0)));
}

const saveColumns: Column<Save>[] = [
  { label: text.work.instance, cell: (one) => <a href={at("saves", one.save_id)}><Name>{one.request.instance}</Name></a> },
  { label: text.saves.template, cell: (one) => <a href={at("templates", one.request.template)}><Name>{one.request.template}</Name></a> },
  { label: text.work.by, cell: (one) => <><Name mono={false}>{one.saved_by}</Name>{one.schedule && <span class="sub">{text.work.scheduled}</span>}</> },
  { label: text.work.state, cell: (one) => <SaveBadge state={one.state} /> },
  { label: text.saves.began, cell: (one) => moment(one.started_at) },
  { label: text.saves.down, num: true, cell: (one) => one.downtime_s != null && duration(one.downtime_s) },
];

function Saves({ project }: { project: string }) {
  const found = usePages<Save>(`project-saves:${project}`, (cursor, signal) => api.GET("/v1/projects/{name}/saves", { params: { path: { name: project }, query: { cursor, limit: 25 } }, signal }), 1);
  const more = found.more && <><span>{text.list.earlier(count(found.items.length))}</span><Button kind="quiet" onPress={found.next}>{text.list.more}</Button></>;
  return (
    <>
      {found.problem && <ProblemNote problem={found.problem} again={found.next} />}
      {found.empty && !found.problem && <Loading what={text.work.loading} />}
      {!found.empty && found.items.length === 0 && !found.more && <Empty title={text.work.noSaves} why={text.work.noSavesWhy} />}
      {(found.items.length > 0 || found.more) && <Card title={text.saves.title} bare foot={more}><Table caption={text.saves.title} columns={saveColumns} rows={found.items} id={(one) => one.save_id} now={(one) => one.state === "running"} class="is-mid" /></Card>}
    </>
  );
}

const scheduleColumns: Column<Schedule>[] = [
  { label: text.schedules.name, cell: (one) => <><Name>{one.name}</Name><span class="sub">{text.work.of}<Name mono={false}>{one.owner}</Name></span></> },
  { label: text.schedules.saves, cell: (one) => <><Name>{one.instance}</Name><span class="sub">{text.schedules.as}<a href={at("templates", one.template)}><Name>{one.template}</Name></a></span></> },
  { label: text.schedules.when, cell: (one) => <Cadence schedule={one} /> },
  { label: text.schedules.next, cell: (one) => (one.next_run ? moment(one.next_run) : <span class="quiet">{one.paused ? text.schedules.states.paused : text.schedules.notDue}</span>) },
  { label: text.schedules.last, cell: (one) => <>{one.last_run ? <SaveBadge state={one.last_run.state} /> : <span class="quiet">{text.schedules.noRun}</span>}{one.missed > 0 && <span class="sub text-warn">{text.schedules.missed(one.missed)}</span>}</> },
];

function Schedules({ project }: { project: string }) {
  const found = useOnce(`project-schedules:${project}`, (signal) => all<Schedule>((cursor) => api.GET("/v1/projects/{name}/schedules", { params: { path: { name: project }, query: { cursor, limit: 100 } }, signal })));
  return (
    <Loaded live={found} what={text.work.loading}>{(items) => (items.length === 0
      ? <Empty title={text.schedules.empty} why={text.work.noSchedulesWhy} />
      : <Card title={text.schedules.title} bare><Table caption={text.schedules.title} columns={scheduleColumns} rows={items} id={(one) => `${one.owner}/${one.name}`} /></Card>)}
    </Loaded>
  );
}
