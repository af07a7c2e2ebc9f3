import type { Schemas } from "../../api/client";
import { Badge, SaveBadge } from "../../parts/badge";
import { text } from "../../text";

export function ScheduleBadge({ schedule }: { schedule: Schemas["ScheduleView"] }) {
  if (schedule.state === "deleting") return <Badge icon="busy" tone="busy">{text.schedules.states.deleting}</Badge>;
  if (schedule.paused) return <Badge icon="idle">{text.schedules.states.paused}</Badge>;
  if (schedule.state === "pending") return <Badge icon="busy" tone="busy">{text.schedules.states.pending}</Badge>;
  return <Badge icon="ok" tone="ok">{text.schedules.states.active}</Badge>;
}

export function RunBadge({ run }: { run?: Schemas["Run"] }) {
  return run ? <SaveBadge state={run.state} /> : <span class="quiet">{text.schedules.noRun}</span>;
}
