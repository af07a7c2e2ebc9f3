// When a schedule runs, in words; an expression that has none is shown as it is.
import type { Schemas } from "../../api/client";
import { text } from "../../text";
import { choice, rate } from "./cadence";

export function Cadence({ schedule }: { schedule: Pick<Schemas["Schedule"], "cadence" | "timezone"> }) {
  const { cadence, timezone } = schedule;
  const every = rate(cadence);
  if (every) return <>{text.schedules.every(every.number, every.unit)}</>;
  const known = choice(cadence);
  if (known.kind === "other") return <><bdi class="mono">{cadence}</bdi><span class="sub">{timezone}</span></>;
  return <>{known.kind === "daily" ? text.schedules.daily(known.time) : text.schedules.weekly(known.days.map((day) => text.schedules.days[day]), known.time)}<span class="sub">{timezone}</span></>;
}
