// The reader's saves in progress. One request waits for a change of them, so that pages that would have to ask EC2 or read
// many records to see one know when to.
import { useEffect, useRef } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { type Live, useWatched } from "../api/live";

type Save = Schemas["SaveView"];

/** The saves that are in progress, as soon as they change. */
export function useRunning(): Live<{ items: Save[] }> {
  return useWatched("running saves", ({ signal, headers, wait }) => api.GET("/v1/saves", { params: { query: { state: "running", limit: 25, wait } }, headers, signal }));
}

/** What changes with each step of a save. */
export const stepOf = (save: Save) => `${save.save_id} ${save.step}`;

/** Calls `again` whenever something else is true of the saves in progress than before. */
export function useAgain(again: () => void, saves: Save[] | undefined, of: (save: Save) => string): void {
  const now = saves?.map(of).join();
  const before = useRef(now);
  useEffect(() => {
    if (before.current !== undefined && before.current !== now) again();
    before.current = now;
  }, [now]);
}
