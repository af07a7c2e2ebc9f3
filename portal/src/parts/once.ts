// What a page reads once: again only when the page becomes visible again, or when asked to.
import { type Live, useLive } from "../api/live";

/** Longer than a timer can wait, which is 2^31 milliseconds, would be at once. */
const NEVER = 2 ** 31 - 1;

export function useOnce<T>(key: string, read: (signal: AbortSignal) => Promise<T>): Live<T> {
  return useLive(key, read, () => NEVER);
}
