/** The keys of what has had no success yet, by the request, and since when. */
const keys = new Map<string, { key: string; since: number }>();
/** After this, whoever sends a form again asks for something new, and has seen whether the first request was carried out. */
const KEPT_MS = 600_000;

/**
 * Sends a request with a key. Pressing a button twice, or again after an answer was lost, is the same request; after a
 * success, the same form asks for something new.
 */
export async function repeatable<T>(request: unknown, send: (headers: { "Idempotency-Key": string }) => Promise<T>, now = performance.now()): Promise<T> {
  const text = JSON.stringify(request);
  const before = keys.get(text);
  const { key, since } = before && now - before.since < KEPT_MS ? before : { key: crypto.randomUUID(), since: now };
  keys.set(text, { key, since });
  const answer = await send({ "Idempotency-Key": key });
  keys.delete(text);
  return answer;
}
