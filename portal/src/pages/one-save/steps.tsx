// The steps of a save as a table: the numbers of its picture.
import type { Schemas } from "../../api/client";
import { Card } from "../../parts/card";
import { Icon } from "../../parts/icon";
import { at } from "../../parts/signal/draw";
import type { Step, Timeline } from "../../parts/signal/model";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { duration, percent, time, zone } from "../../text/format";

const words = text.save;
const ICONS = { done: ["done", "text-ok"], now: ["busy", "text-accent"], ahead: ["wait", "quiet"], failed: ["bad", "text-bad"] } as const;

export function Steps({ save, line }: { save: Schemas["SaveView"]; line: Timeline }) {
  const began = Date.parse(save.started_at);
  const clock = (seconds: number) => time(began + seconds * 1000);
  const columns: Column<Step>[] = [
    { label: words.step, cell: (step) => <span class="step"><Icon name={ICONS[step.state][0]} class={ICONS[step.state][1]} /><span>{named(step, save)}<span class="hide">{`, ${words.states[step.state]}`}</span></span></span> },
    { label: words.yourInstance, cell: (step) => <Instance step={step} save={save} line={line} /> },
    { label: words.beganAt, num: true, cell: (step) => (step.from === undefined ? "" : clock(step.from)) },
    { label: words.tookFor, num: true, cell: (step) => (step.from === undefined || step.to === undefined ? "" : duration(step.to - step.from)) },
    { label: words.toScale, scale: true, cell: (step) => <Scale step={step} length={line.length} /> },
  ];
  return (
    <Card title={words.steps} end={<p>{text.timesIn(zone)}</p>} bare>
      <Table class="is-3" caption={words.stepsOf} columns={columns} rows={[...line.steps, ...phasesOf(line)]} id={(step) => `${step.name} ${step.from ?? ""}`} now={(step) => step.state === "now"} />
    </Card>
  );
}

/** The parts of the downtime that the picture shows enlarged, as further rows. */
function phasesOf({ down, steps }: Timeline): Step[] {
  const last = steps.some(({ state }) => state === "failed") ? "failed" : "now";
  return (down?.phases ?? []).map(({ phase, from, to }) => ({
    name: text.signal.phaseOf(text.signal.phases[phase]), from, to, down: true, state: down?.open && to === down.to ? last : "done",
  }));
}

function named(step: Step, save: Schemas["SaveView"]): string {
  const name = text.steps[step.name] ?? step.name;
  const progress = step.state === "now" && step.name === "AwaitImage" && save.progress_percent != null;
  return progress ? `${name}, ${percent(save.progress_percent ?? 0)}` : name;
}

function Instance({ step, save, line }: { step: Step; save: Schemas["SaveView"]; line: Timeline }) {
  if (step.state === "ahead") return <span class="quiet">{words.notYet}</span>;
  if (save.copy_of || (!line.down && save.plan?.instance.original_state === "stopped")) return <span class="quiet">{words.notTouched}</span>;
  if (!step.down) return line.down && (step.from ?? 0) >= line.down.from ? <b class="text-ok">{words.running}</b> : <>{words.runningNotTouched}</>;
  const down = line.down;
  const first = down && step.from !== undefined && step.from <= down.from;
  const last = down && !down.open && step.to !== undefined && step.to >= down.to;
  const until = last && save.running_at ? words.until(time(save.running_at)) : first ? words.fromHere : "";
  return <><b class="text-warn">{words.down}</b>{until && ` ${until}`}</>;
}

function Scale({ step, length }: { step: Step; length: number }) {
  const kind = step.down ? "is-down" : step.name === "PlanSave" || step.name === "WaitForTurn" ? "is-quick" : "";
  return (
    <svg class="plot is-h-8" aria-hidden="true">
      <rect class="meter-line" y="3.5" width="100%" height="1" />
      {step.from !== undefined && step.to !== undefined && <rect class={`signal-step ${kind}`} x={at(step.from, length)} width={at(Math.max(step.to - step.from, length / 200), length)} height="8" />}
    </svg>
  );
}
