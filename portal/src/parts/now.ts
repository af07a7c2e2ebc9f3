// The time of the server, for what counts up on a page.
import { useEffect, useState } from "preact/hooks";
import { serverNow } from "../api/clock";

const TICK_MS = 1000;

/** The current time, each second while something counts. */
export function useNow(counts: boolean): Date {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    setNow(serverNow());
    if (!counts) return;
    const timer = setInterval(() => setNow(serverNow()), TICK_MS);
    return () => clearInterval(timer);
  }, [counts]);
  // An answer between two ticks may already be later.
  return counts ? new Date(Math.max(now.getTime(), serverNow().getTime())) : now;
}
