// A long list, page after page: what has arrived is shown while the next page is read.
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { ask, type Problem } from "../api/client";
import { asProblem } from "../api/live";

type Page<T> = { items: T[]; cursor?: string | null };
type Read<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<{ data?: Page<T>; error?: unknown; response: Response }>;

export interface Pages<T> {
  items: T[];
  /** Whether the first page has not arrived yet. */
  empty: boolean;
  reading: boolean;
  /** Whether more follows than is read by itself. */
  more: boolean;
  problem?: Problem;
  /** Reads on, after a pause or a failure. */
  next: () => void;
  /** Reads all of it again. */
  again: () => void;
}

interface State<T> { key: string; items: T[]; cursor?: string; begun: boolean; reading: boolean; owed: number; problem?: Problem }

/** `most` pages are read without being asked; once one of them has arrived, `next` reads `step` more. */
export function usePages<T>(key: string, read: Read<T>, most: number, step = most): Pages<T> {
  const fresh: State<T> = { key, items: [], begun: false, reading: true, owed: 0 };
  const state = useSignal(fresh);
  const turn = useSignal(0);
  const round = useSignal(0);
  const whole = `${key}#${round.value}`;
  useEffect(() => {
    const ended = new AbortController();
    const begin: State<T> = state.value.key === whole ? state.value : { ...fresh, key: whole };
    const go = async () => {
      let now = { ...begin, reading: true, problem: undefined };
      state.value = now;
      // After a failure, what was to be read is read.
      const pages = begin.begun ? begin.owed || step : most;
      for (let page = 0; page < pages; page += 1) {
        const one = await ask(read(now.cursor, ended.signal));
        if (ended.signal.aborted) return;
        const cursor = one.cursor ?? undefined;
        now = { ...now, items: [...now.items, ...one.items], cursor, begun: true, owed: cursor ? pages - page - 1 : 0, reading: cursor !== undefined && page + 1 < pages };
        state.value = now;
        if (!cursor) return;
      }
    };
    go().catch((error) => {
      if (!ended.signal.aborted) state.value = { ...state.value, reading: false, problem: asProblem(error) };
    });
    return () => ended.abort();
  }, [whole, turn.value]);
  // What was read for other filters is not shown for these.
  const { items, begun, reading, cursor, problem } = state.value.key === whole ? state.value : fresh;
  return {
    items,
    empty: !begun,
    reading,
    more: !reading && cursor !== undefined,
    problem,
    next: () => { turn.value += 1; },
    again: () => { round.value += 1; },
  };
}
