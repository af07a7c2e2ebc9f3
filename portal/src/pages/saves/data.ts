import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { api, type Schemas } from "../../api/client";
import { useWatched } from "../../api/live";
import { usePages } from "../../parts/pages";

type Save = Schemas["SaveView"];
export interface Filter { state?: Schemas["SaveState"]; instance?: string; template?: string }

/** How many saves are read at once. */
const PAGE = 100;

/**
 * The saves that are shown. The first page is kept up to date; older ones are read when they are asked for, and as many
 * again when a new save moves them. Until these have arrived, what was shown before stays.
 */
export function useSaves(filter: Filter) {
  const pages = useSignal(0);
  const known = useRef<Save[]>([]);
  const key = `saves:${JSON.stringify(filter)}`;
  const first = useWatched(key, ({ signal, headers, wait }) => api.GET("/v1/saves", { params: { query: { ...filter, limit: PAGE, wait } }, headers, signal }));
  const after = first.data?.cursor ?? undefined;
  const from = pages.value > 0 ? after : undefined;
  const older = usePages<Save>(`${key}:${from}`, (cursor = from, signal) => api.GET("/v1/saves", { params: { query: { ...filter, cursor, limit: PAGE } }, signal }), from ? pages.value : 0, 1);
  const reading = from !== undefined && older.reading;
  const complete = !reading && !older.problem;
  const found = distinct([...(first.data?.items ?? []), ...older.items, ...(complete ? [] : known.current)]);
  if (complete) known.current = found;
  const next = () => {
    pages.value += 1;
    if (from) older.next();
  };
  // After a failure, what was asked for is read.
  const more = from === undefined ? after && next : older.problem ? older.next : older.more && next;
  return { first, found, more, reading, problem: older.problem, again: older.next };
}

/** Each save once, where it comes first: the list may have moved between two reads. */
function distinct(saves: Save[]): Save[] {
  const seen = new Set<string>();
  return saves.filter(({ save_id: id }) => !seen.has(id) && seen.add(id));
}
