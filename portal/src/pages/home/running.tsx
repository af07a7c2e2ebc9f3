// Saves in progress, each in a row with its signal.
import type { Schemas } from "../../api/client";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { useNow } from "../../parts/now";
import { MiniSignal, SignalKey } from "../../parts/signal/mini";
import { timeline, type Timeline } from "../../parts/signal/model";
import { text } from "../../text";
import { about, duration, percent, when } from "../../text/format";

type Save = Schemas["SaveView"];
const words = text.home;

export function Running({ saves }: { saves: Save[] }) {
  const now = useNow(true);
  return (
    <Card title={words.running} end={<SignalKey />} bare>
      <div aria-live="off">{saves.map((save) => <Row key={save.save_id} save={save} line={timeline(save, now)} />)}</div>
    </Card>
  );
}

function Row({ save, line }: { save: Save; line: Timeline }) {
  const version = save.plan?.next_version;
  const step = line.steps.find(({ state }) => state === "now");
  const name = step ? (text.steps[step.name] ?? step.name) : "";
  const progress = step?.name === "AwaitImage" && save.progress_percent != null ? `, ${percent(save.progress_percent)}` : "";
  return (
    <div class="run">
      <div>
        <a class="run-name" href={`/saves/${save.save_id}`}><Name>{save.plan?.instance.name ?? save.request.instance}</Name></a>
        <span class="sub">{words.as(version ? `${save.request.template}@${version}` : save.request.template, when(save.started_at))}</span>
      </div>
      <div><MiniSignal line={line} /></div>
      <div aria-live="polite">{name}{progress}<span class="sub"><Downtime save={save} line={line} /></span></div>
      <div class="num">{words.since(duration(line.now))}</div>
    </div>
  );
}

function Downtime({ save, line: { down } }: { save: Save; line: Timeline }) {
  if (!down) return <>{save.plan?.expected_downtime_s ? words.willBeDown(about(save.plan.expected_downtime_s)) : words.notDown}</>;
  const long = duration(down.to - down.from);
  if (!down.open) return <><b class="text-ok">{save.running_at ? words.runningAgain(when(save.running_at)) : words.runningSoon}</b> {words.wasDown(long)}</>;
  return <><b class="text-warn">{words.downSoFar(long)}</b>{down.expected !== undefined && words.inAll(about(down.expected - down.from))}</>;
}
