// The operations of the API, with the types of openapi-fetch: the portal needs a small part of what that library does.
import type { Client } from "openapi-fetch";

interface Params {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

interface Options {
  params?: Params;
  body?: unknown;
  headers?: Record<string, unknown>;
  signal?: AbortSignal;
  parseAs?: string;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Calls operations of the server at `origin`: `api.GET("/v1/projects/{name}", { params: { path: { name } } })`. */
export function client<Paths extends {}>(origin: string, send: (request: Request) => Promise<Response>): Client<Paths> {
  const call = (method: string) => async (path: string, { params = {}, body, headers, signal, parseAs }: Options = {}) => {
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const response = await send(new Request(origin + addressOf(path, params), {
      method,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: Object.entries({ ...json, ...headers, ...params.header }).filter(isGiven).map(([name, value]) => [name, String(value)] as [string, string]),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    }));
    const text = await response.text();
    if (!response.ok) return { error: problemOf(text), response };
    return { data: parseAs === "text" ? text : text ? JSON.parse(text) : undefined, response };
  };
  return Object.fromEntries(METHODS.map((method) => [method, call(method)])) as unknown as Client<Paths>;
}

const isGiven = ([, value]: [string, unknown]) => value != null;

function addressOf(path: string, { path: parts = {}, query = {} }: Params): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts[name])));
  const each = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as [string, unknown]));
  const asked = each.filter(isGiven).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
  return asked ? `${filled}?${asked}` : filled;
}

/** What is between the page and the API refuses without JSON. */
function problemOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
