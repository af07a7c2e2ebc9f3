// The runs of a month: what the API recorded, and what it says is due.
import { api, ask, type Schemas } from "../../api/client";
import type { Live } from "../../api/live";
import { useOnce } from "../../parts/once";
import { beginOf, shift } from "./month";

export interface Entry {
  schedule: string;
  at: string;
  kind: Schemas["SaveState"] | "due";
  save?: string;
}

/** The longest range of which the API returns the runs. A month in which clocks are set back is an hour longer. */
const LONGEST_MS = 31 * 86_400_000;

export function useEntries(schedules: Schemas["ScheduleView"][], month: string): Live<Entry[]> {
  const key = `entries:${month}:${JSON.stringify(schedules.map((one) => [one.name, one.next_run, one.runs[0]?.state]))}`;
  return useOnce(key, async (signal) => {
    const from = beginOf(month);
    const until = new Date(Math.min(beginOf(shift(month, 1)).getTime(), from.getTime() + LONGEST_MS));
    const query = { from: from.toISOString(), until: until.toISOString() };
    const views = await Promise.all(schedules.map(({ name }) => ask(api.GET("/v1/schedules/{name}", { params: { path: { name }, query }, signal }))));
    return views.flatMap(entriesOf)
      .filter((entry) => new Date(entry.at) >= from && new Date(entry.at) < until)
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  });
}

function entriesOf(view: Schemas["ScheduleView"]): Entry[] {
  const done = view.runs.map((run): Entry => ({ schedule: view.name, at: run.began_at, kind: run.state, save: run.save_id }));
  const due = (view.next_runs ?? []).map((time): Entry => ({ schedule: view.name, at: time, kind: "due" }));
  return [...done, ...due];
}
