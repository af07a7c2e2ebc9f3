// One schedule: when it runs, what it saves, and its last runs.
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask, once, type Schemas } from "../../api/client";
import { useLive } from "../../api/live";
import { Button } from "../../parts/button";
import { Card, Empty, Head } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { Icon } from "../../parts/icon";
import { Menu } from "../../parts/menu";
import { Name } from "../../parts/name";
import { Loaded, Note } from "../../parts/note";
import { at } from "../../parts/place";
import { stepOf, useAgain, useRunning } from "../../parts/running";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { between, duration, moment, zone } from "../../text/format";
import { Calendar } from "./calendar";
import { type Now, asItIs, pauseOf } from "./data";
import { ChangeSchedule } from "./form";
import { RunPlan } from "./run-plan";
import { RunBadge, ScheduleBadge } from "./state";
import { Cadence } from "./words";

type Schedule = Schemas["ScheduleView"];
type Run = Schemas["Run"];
type Doing = "" | "change" | "pause" | "run" | "delete";

export function ScheduleOne({ name }: { name: string }) {
  const schedule = useLive(`schedule:${name}`, (signal) => ask(api.GET("/v1/schedules/{name}", { params: { path: { name } }, signal })), (found) => pauseOf([found]));
  useAgain(schedule.again, useRunning().data?.items, (save) => (save.schedule === name ? stepOf(save) : ""));
  const crumb = <a href="/schedules">{text.schedules.title}</a>;
  return (
    <>
      {!schedule.data && <Head title={name} crumb={crumb} />}
      <Loaded live={schedule}>{(found) => <One schedule={found} again={schedule.again} />}</Loaded>
    </>
  );
}

function One({ schedule, again }: { schedule: Schedule; again: () => void }) {
  const doing = useSignal<Doing>("");
  const close = () => { doing.value = ""; };
  const begin = (what: Doing) => () => { doing.value = what; };
  return (
    <>
      <Head title={schedule.name} crumb={<a href="/schedules">{text.schedules.title}</a>} badge={<ScheduleBadge schedule={schedule} />} lede={<>{text.schedule.saves} <Name>{schedule.request.instance}</Name> {text.schedule.as} <a href={at("templates", schedule.request.template)}><Name>{schedule.request.template}</Name></a>.</>}>
        <Menu label={text.schedule.more} face={<Icon name="more" />}>
          <button class="menu-item" type="button" onClick={begin("pause")}>{schedule.paused ? text.schedule.resume : text.schedule.pause}</button>
          <button class="menu-item" type="button" onClick={begin("delete")}>{text.schedule.delete}</button>
        </Menu>
        <Button onPress={begin("change")}>{text.schedule.change}</Button>
        <Button kind="primary" onPress={begin("run")}>{text.schedule.run}</Button>
      </Head>
      {schedule.missed > 0 && <Note tone="warn"><p>{text.schedules.missed(schedule.missed)}</p></Note>}
      <div class="l-grid is-8-4">
        <div class="l-stack">
          {schedule.runs.length === 0
            ? <Empty title={text.schedule.noRuns} why={text.schedule.noRunsWhy} />
            : <Card title={text.schedule.runs} end={<p>{text.timesIn(zone)}</p>} bare><Table caption={text.schedule.runs} columns={columns} rows={schedule.runs} id={(run) => run.save_id} now={(run) => run.state === "running"} /></Card>}
          <Calendar schedules={[schedule]} />
        </div>
        <div class="l-stack">
          <Facts schedule={schedule} />
          {(schedule.next_runs?.length ?? 0) > 0 && (
            <Card title={text.schedule.nextRuns} end={<p>{text.timesIn(zone)}</p>}>
              <ul class="list is-one">{schedule.next_runs?.map((time) => (
                <li key={time}><div class="list-main">{moment(time)}{schedule.timezone !== zone && <span class="sub">{text.schedule.local(time.slice(11, 16), schedule.timezone)}</span>}</div></li>
              ))}</ul>
            </Card>
          )}
        </div>
      </div>
      {doing.value === "change" && <ChangeSchedule name={schedule.name} onClose={close} onDone={again} />}
      {doing.value === "pause" && <Pause schedule={schedule} onClose={close} onDone={again} />}
      {doing.value === "run" && <RunNow schedule={schedule} onClose={close} onDone={again} />}
      {doing.value === "delete" && <Delete schedule={schedule} onClose={close} />}
    </>
  );
}

const columns: Column<Run>[] = [
  { label: text.schedule.began, cell: (run) => <a href={at("saves", run.save_id)}>{moment(run.began_at)}</a> },
  { label: text.schedules.state, cell: (run) => <RunBadge run={run} /> },
  { label: text.schedule.version, num: true, cell: (run) => run.version ?? <span class="quiet">{text.schedule.noVersion}</span> },
  { label: text.saves.took, num: true, cell: (run) => (run.ended_at ? duration(between(run.began_at, run.ended_at)) : "") },
  { label: text.schedule.why, row: true, cell: (run) => (run.failure || run.missed > 0) && <>{run.failure && <span dir="auto">{run.failure.message} <span class="quiet">{run.failure.hint}</span></span>}{run.missed > 0 && <span class="sub text-warn">{text.schedule.missedBefore(run.missed)}</span>}</> },
];

function Facts({ schedule }: { schedule: Schedule }) {
  const { request } = schedule;
  return (
    <Card title={text.schedule.facts}>
      <dl class="facts">
        <div><dt>{text.schedules.when}</dt><dd><Cadence schedule={schedule} /></dd></div>
        <div><dt>{text.schedules.next}</dt><dd>{schedule.next_run ? moment(schedule.next_run) : text.schedules.notDue}</dd></div>
        {(schedule.jitter_minutes ?? 0) > 0 && <div><dt>{text.schedule.jitter}</dt><dd>{text.schedule.upTo(schedule.jitter_minutes ?? 0)}</dd></div>}
        <div><dt>{text.schedule.keeps}</dt><dd>{schedule.keep == null ? text.schedule.keepsAll : text.schedule.keepsLast(schedule.keep)}</dd></div>
        <div><dt>{text.schedule.instance}</dt><dd><Name>{request.instance}</Name><span class="sub">{request.region}</span></dd></div>
        {request.project && <div><dt>{text.schedule.project}</dt><dd><a href={at("projects", request.project)}><Name>{request.project}</Name></a></dd></div>}
        {(request.copy_to?.length ?? 0) > 0 && <div><dt>{text.schedule.copies}</dt><dd>{request.copy_to?.join(", ")}</dd></div>}
        <div><dt>{text.schedule.created}</dt><dd>{moment(schedule.created_at)}</dd></div>
      </dl>
    </Card>
  );
}

interface DialogProps { schedule: Schedule; onClose: () => void; onDone: () => void }

function Pause({ schedule: { name, paused }, onClose, onDone }: DialogProps) {
  const words = paused ? text.resume : text.pause;
  const act = (_: boolean, { header }: Now) => ask(api.PATCH("/v1/schedules/{name}", { params: { path: { name }, header }, body: { paused: !paused } }));
  return <Confirm plan={() => asItIs(name)} title={<>{words.title} <Name>{name}</Name></>} label={words.label(name)} done={words.done(name)} act={act} onClose={onClose} onDone={onDone}>{() => <p>{words.plan}</p>}</Confirm>;
}

/** A run now is a save like any other: its plan is that of the save. */
function RunNow({ schedule: { name, request }, onClose, onDone }: DialogProps) {
  const { route } = useLocation();
  const plan = async () => ((await ask(api.POST("/v1/saves", { params: { query: { dry_run: true } }, body: request }))) as Schemas["Planned_SavePlan"]).plan;
  const act = async () => {
    const started = await ask(api.POST("/v1/schedules/{name}/run", { params: { path: { name }, header: once() } }));
    route(at("saves", started.save_id));
  };
  return (
    <Confirm title={<>{text.runNow.title} <Name>{name}</Name></>} plan={plan} takesNoConsent label={text.runNow.label(name)} done={text.runNow.done(name)} act={act} onClose={onClose} onDone={onDone}>
      {(found) => <RunPlan plan={found} />}
    </Confirm>
  );
}

function Delete({ schedule: { name }, onClose }: Omit<DialogProps, "onDone">) {
  const { route } = useLocation();
  const act = (_: boolean, { header }: Now) => ask(api.DELETE("/v1/schedules/{name}", { params: { path: { name }, header } }));
  return <Confirm plan={() => asItIs(name)} title={<>{text.unschedule.title} <Name>{name}</Name></>} label={text.unschedule.label(name)} done={text.unschedule.done(name)} danger act={act} onClose={onClose} onDone={() => route("/schedules")}>{() => <p>{text.unschedule.plan}</p>}</Confirm>;
}
