// What a page reads, kept up to date while the page is open and visible.
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Signal, useSignal } from "@preact/signals";
import { type Answer, askAll, Problem } from "./client";

export interface Live<T> {
  /** What was read last; it stays while a later read fails. */
  data?: T;
  /** Why the last read failed. */
  problem?: Problem;
  /** Reads again at once, after something was changed. */
  again: () => void;
}

/** How long after a read the next one begins, in milliseconds. */
export const SOON = 1000;
export const CALM = 15_000;
/** After failures, the pause grows up to this. */
const MOST = 30_000;

/**
 * Reads again and again: `every` says how soon, by what was read. A hidden page does not read, and a page that becomes
 * visible, or that has a network again, reads at once. `key` names what is read: if it changes, the old data goes.
 */
export function useLive<T>(key: string, read: (signal: AbortSignal) => Promise<T>, every: (data: T) => number): Live<T> {
  const state: Signal<Omit<Live<T>, "again"> & { key: string }> = useSignal({ key });
  const nudge = useSignal<() => void>(() => {});
  // Not after the page is painted: what it shows is on its way by then.
  useLayoutEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let reading = false;
    let wanted = false;
    state.value = state.value.key === key ? state.value : { key };
    const turn = async () => {
      clearTimeout(timer);
      if (ended.signal.aborted || document.hidden) return;
      if (reading) {
        wanted = true;
        return;
      }
      reading = true;
      let pause = MOST;
      try {
        const data = await read(ended.signal);
        if (ended.signal.aborted) return;
        failures = 0;
        state.value = { key, data };
        pause = every(data);
      } catch (error) {
        if (ended.signal.aborted) return;
        failures += 1;
        state.value = { key, data: state.value.data, problem: asProblem(error) };
        pause = Math.min(MOST, SOON * 2 ** failures);
      } finally {
        reading = false;
      }
      if (wanted) pause = 0;
      wanted = false;
      timer = setTimeout(turn, pause);
    };
    const seen = () => void turn();
    nudge.value = seen;
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("online", seen);
    void turn();
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      window.removeEventListener("online", seen);
    };
  }, [key]);
  const { data, problem } = state.value.key === key ? state.value : { data: undefined, problem: undefined };
  return { data, problem, again: () => nudge.value() };
}

/** How long the server may wait for a change before it answers, in seconds. */
const WAIT_S = 20;
/** The shortest time between two answers of the server, in milliseconds. */
const BREATH = 250;

/** What a call that waits for a change is made with. */
export interface Watching {
  signal: AbortSignal;
  headers: Record<string, string>;
  wait: number | undefined;
}

/**
 * Reads what the server can wait for: each answer is asked for with the tag of the one before, and comes as soon as there
 * is something new.
 */
export function useWatched<T>(key: string, call: (how: Watching) => Promise<Answer<T>>, pause: (data: T) => number = () => BREATH): Live<T> {
  const known = useRef<{ key: string; tag: string; data: T } | undefined>(undefined);
  const read = async (signal: AbortSignal): Promise<T> => {
    const before = known.current?.key === key ? known.current : undefined;
    const headers: Record<string, string> = before ? { "If-None-Match": before.tag } : {};
    const { data, response } = await askAll(call({ signal, headers, wait: before && WAIT_S }), before);
    const tag = response.headers.get("etag");
    known.current = tag ? { key, tag, data } : undefined;
    return data;
  };
  return useLive(key, read, pause);
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem("Internal", error instanceof Error ? error.message : String(error), "", "", 0);
}
