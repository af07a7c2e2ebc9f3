/** The keys of what has had no success yet, by the request. */
const keys = new Map<string, string>();

/**
 * Sends a request with a key. Pressing a button twice, or again after an answer was lost, is the same request; after a
 * success, the same form asks for something new.
 */
export async function repeatable<T>(request: unknown, send: (headers: { "Idempotency-Key": string }) => Promise<T>): Promise<T> {
  const text = JSON.stringify(request);
  const key = keys.get(text) ?? crypto.randomUUID();
  keys.set(text, key);
  const answer = await send({ "Idempotency-Key": key });
  keys.delete(text);
  return answer;
}
