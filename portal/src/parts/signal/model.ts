// What a save's record says about time: when the instance was down, which part of that EC2 itself needed, and its steps.
import type { Schemas } from "../../api/client";

export type Save = Pick<Schemas["SaveView"],
  | "state" | "step" | "moments" | "started_at" | "ended_at" | "stop_requested_at" | "stopped_at" | "image_requested_at"
  | "captured_at" | "snapshots_at" | "start_requested_at" | "running_at" | "downtime_s" | "plan" | "request" | "copy_of">;

/** A stretch of time, in seconds since the save began. */
export interface Span {
  from: number;
  to: number;
}

export type Phase = "stopping" | "snapshots" | "starting" | "rebooting";

export interface Down extends Span {
  /** It still is; `to` is now. */
  open: boolean;
  /** When it is expected to be over, if it is not. */
  expected?: number;
  phases: (Span & { phase: Phase })[];
  /** What EC2 itself needed of a downtime that is over, and the rest. */
  floor?: number;
  own?: number;
}

export interface Step extends Partial<Span> {
  /** The first state of the step, which the texts name. */
  name: string;
  state: "done" | "now" | "ahead" | "failed";
  /** Whether the instance was down for some of it. */
  down: boolean;
}

export interface Timeline {
  /** Where the picture ends: the end of the save, or what is expected of it. */
  length: number;
  now: number;
  over: boolean;
  down?: Down;
  steps: Step[];
}

/** States of the definition that are the same step for people, by the first of them. */
const SAME: Record<string, string> = {
  AwaitStopped: "StopInstance",
  AwaitRunning: "RestartInstance",
  AwaitCopy: "CopyImage",
  FailCopy: "CopyImage",
  PlanCopy: "PlanSave",
};
const STOPS = ["PlanSave", "StopInstance", "CreateImage", "AwaitSnapshots", "RestartInstance", "AwaitImage"];
const REBOOTS = ["PlanSave", "CreateImage", "AwaitSnapshots", "RestartInstance", "AwaitImage"];
const AS_IT_IS = ["PlanSave", "CreateImage", "AwaitSnapshots", "AwaitImage"];
const ROLLED_BACK = ["RestoreInstance", "DiscardImage", "FailSave", "Stranded"];

/** Reads a record at a time of the server's clock. */
export function timeline(save: Save, now: Date): Timeline {
  const began = Date.parse(save.started_at);
  const since = (at: string | null | undefined) => (at ? Math.max(0, (Date.parse(at) - began) / 1000) : undefined);
  const over = save.ended_at != null;
  const last = Math.max(...save.moments.map(({ at }) => since(at) ?? 0));
  const at = since(save.ended_at) ?? Math.max(last, (now.getTime() - began) / 1000);
  const down = downOf(save, since, at);
  const steps = stepsOf(save, since, at, down);
  // What comes after the downtime has no expected length, so that the picture leaves it some room and no figure.
  const seen = Math.max(at, down?.expected ?? 0, 1);
  return { length: over ? seen : seen * 1.15, now: at, over, down, steps };
}

type Since = (at: string | null | undefined) => number | undefined;

export function isReboot(save: Save): boolean {
  return (save.plan?.request ?? save.request).how === "reboot";
}

function downOf(save: Save, since: Since, now: number): Down | undefined {
  const byItself = isReboot(save) && !save.start_requested_at;
  const from = since(save.stop_requested_at) ?? (isReboot(save) ? since(save.image_requested_at) : undefined);
  if (from === undefined) return undefined;
  const back = byItself ? since(save.snapshots_at) : since(save.running_at);
  const to = back ?? now;
  const open = back === undefined;
  const expected = open && save.plan?.expected_downtime_s ? Math.max(now, from + save.plan.expected_downtime_s) : undefined;
  const down: Down = { from, to, open, expected, phases: byItself ? [{ phase: "rebooting", from, to }] : phases(save, since, from, to) };
  if (!open && !byItself) Object.assign(down, shares(save, since, from, to));
  return down;
}

function phases(save: Save, since: Since, from: number, to: number): Down["phases"] {
  const stopped = since(save.stopped_at) ?? to;
  const start = since(save.start_requested_at) ?? to;
  const all: Down["phases"] = [
    { phase: "stopping", from, to: Math.min(stopped, to) },
    { phase: "snapshots", from: stopped, to: Math.min(start, to) },
    { phase: "starting", from: start, to },
  ];
  return all.filter((one) => one.to > one.from);
}

/** EC2's own share: its stopping, the beginning of its snapshots by its own clock, and its starting. */
function shares(save: Save, since: Since, from: number, to: number): Pick<Down, "floor" | "own"> {
  const [stopped, image, start] = [save.stopped_at, save.image_requested_at, save.start_requested_at].map(since);
  const begun = since(save.captured_at) ?? since(save.snapshots_at);
  if (stopped === undefined || image === undefined || begun === undefined || start === undefined) return {};
  const floor = Math.min(to - from, stopped - from + Math.max(0, begun - image) + (to - start));
  // Rounded as it is shown, so that the parts add up to the whole.
  return { floor, own: Math.max(0, Math.round(to - from) - Math.round(floor)) };
}

function stepsOf(save: Save, since: Since, now: number, down: Down | undefined): Step[] {
  const steps: Step[] = [];
  for (const { step, at } of save.moments) {
    const name = SAME[step] ?? step;
    const before = steps.at(-1);
    if (before?.name === name) continue;
    const from = since(at) ?? 0;
    if (before) before.to = from;
    steps.push({ name, from, state: "done", down: false });
  }
  const current = steps.at(-1);
  if (current) {
    current.to = now;
    if (save.state === "running") current.state = "now";
    else if (save.state !== "succeeded") current.state = "failed";
  }
  for (const step of steps) {
    step.down = down !== undefined && (step.to ?? now) > down.from + 0.001 && (step.from ?? 0) < down.to - 0.001;
  }
  return save.state === "running" ? [...steps, ...ahead(save, steps)] : steps;
}

/** The steps that a save still has, unless it is being rolled back. */
function ahead(save: Save, reached: Step[]): Step[] {
  const names = new Set(reached.map(({ name }) => name));
  if (ROLLED_BACK.some((name) => names.has(name))) return [];
  const running = save.plan?.instance.original_state !== "stopped";
  const first = save.copy_of ? ["PlanSave"] : !running ? AS_IT_IS : isReboot(save) ? REBOOTS : STOPS;
  const copies = (save.request.copy_to ?? []).length > 0 || save.copy_of ? ["CopyImage"] : [];
  const all = [...first, ...copies, "RegisterTemplate", "CompleteSave"];
  const done = Math.max(...all.map((name, index) => (names.has(name) ? index : -1)));
  return all.slice(done + 1).map((name) => ({ name, state: "ahead", down: false }));
}
