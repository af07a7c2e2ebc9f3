// The runs of a month: what the API recorded, and what it says is due.
import { api, ask, type Schemas } from "../../api/client";
import type { Live } from "../../api/live";
import { useOnce } from "../../parts/once";
import { rangesOf } from "./month";

export interface Entry {
  schedule: string;
  at: string;
  kind: Schemas["SaveState"] | "due";
  save?: string;
}

export function useEntries(schedules: Schemas["ScheduleView"][], month: string): Live<Entry[]> {
  const key = `entries:${month}:${JSON.stringify(schedules.map((one) => [one.name, one.next_run, one.runs[0]?.state]))}`;
  return useOnce(key, async (signal) => {
    const entries = await Promise.all(schedules.flatMap(({ name }) => rangesOf(month).map(async (query) => {
      const view = await ask(api.GET("/v1/schedules/{name}", { params: { path: { name }, query }, signal }));
      return entriesOf(view).filter(({ at }) => Date.parse(at) >= Date.parse(query.from) && Date.parse(at) < Date.parse(query.until));
    })));
    return entries.flat().sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  });
}

function entriesOf(view: Schemas["ScheduleView"]): Entry[] {
  const done = view.runs.map((run): Entry => ({ schedule: view.name, at: run.began_at, kind: run.state, save: run.save_id }));
  const due = (view.next_runs ?? []).map((time): Entry => ({ schedule: view.name, at: time, kind: "due" }));
  return [...done, ...due];
}
