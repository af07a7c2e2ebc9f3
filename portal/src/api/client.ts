// Calls of the API. Types and paths come from its OpenAPI document (`npm run api`).
import { bearer, refused, session } from "../sign-in";
import { client } from "./calls";
import { heard } from "./clock";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What the API refused or could not do: what happened, what to do, and what to tell an administrator. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly requestId: string,
    readonly status: number,
    /** Sensitive files that would be shown to more people, if that is why it was refused. */
    readonly files: Schemas["ShownFile"][] = [],
    /** In how many seconds the same request may pass, if the server says so. */
    readonly retryAfterS?: number,
  ) {
    super(message);
  }
}

/**
 * Sends a request with the user's token. One that is refused because the access has ended was not carried out: it is sent
 * again after the next sign-in, so that nothing that was begun on the page is lost.
 */
async function signed(request: Request): Promise<Response> {
  const by = session.peek();
  for (;;) {
    const token = await bearer(request.signal);
    const attempt = request.clone();
    attempt.headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(attempt);
    heard(response.headers.get("date"));
    // Nobody does what somebody else has asked for.
    if (response.status !== 401 || !refused(token) || session.peek() !== by) return response;
  }
}

export const api = client<paths>(location.origin, signed);

export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer; a refusal becomes a [`Problem`]. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  return (await askAll(call)).data;
}

/** The body and the headers of an answer, for those that need an ETag; `known` is the body if nothing has changed. */
export async function askAll<T>(call: Promise<Answer<T>>, known?: { data: T }): Promise<{ data: T; response: Response }> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    // The browser says no more than that the request failed.
    throw new Problem("Unreachable", String(error), "", "", 0);
  }
  const { data, error, response } = answer;
  if (response.ok) return { data: data as T, response };
  if (response.status === 304 && known) return { data: known.data, response };
  const body = (error ?? {}) as Partial<Schemas["ProblemBody"]>;
  const id = response.headers.get("x-request-id") ?? "";
  throw new Problem(body.code ?? `HTTP ${response.status}`, body.detail ?? response.statusText, body.hint ?? "", id, response.status, body.files, Number(response.headers.get("retry-after")) || undefined);
}

/** A key that makes repeated requests the same request. */
export function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

/** At most this many pages are read; who has more uses the filters or the command line. */
const PAGES = 10;

/** Reads the pages of a list, up to a limit. */
export async function all<T>(page: (cursor?: string) => Promise<Answer<{ items: T[]; cursor?: string | null }>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let read = 0; read < PAGES; read += 1) {
    const one = await ask(page(cursor));
    items.push(...one.items);
    cursor = one.cursor ?? undefined;
    if (!cursor) break;
  }
  return items;
}
