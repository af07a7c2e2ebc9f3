// How the reader is notified, and what became of a test.
import { api, askAll, type Schemas } from "../../api/client";
import { text } from "../../text";

export type View = Schemas["NotifyView"];
export type Way = Schemas["NoticeChannel"];
export type Header = { "If-Match": string };
export type Change = (body: Schemas["NotifyRequest"], header?: Header) => Promise<Schemas["NotifyChanged"]>;

const NAMES: Record<string, string> = Object.assign({}, ...Object.values(text.notices.groups).map(([, events]) => events));
export const nameOf = (event: Schemas["NoticeEvent"]) => NAMES[event] ?? event;

export const notify = async (signal?: AbortSignal): Promise<View> => (await current(signal)).view;

/** The same with the header for a change of just that. */
export async function current(signal?: AbortSignal): Promise<{ view: View; header: Header }> {
  const { data, response } = await askAll(api.GET("/v1/notify", { signal }));
  return { view: data, header: { "If-Match": response.headers.get("etag") ?? "*" } };
}

/** A test that was sent, with what was there before it. */
export interface Sent {
  id: string;
  ways: Way[];
  before: View;
  at: number;
}

/** What became of the last notices of a way. The desktop has none: the command that waits notifies it. */
export function deliveries(view: View, way: Way): Schemas["Deliveries"] | undefined {
  return way === "desktop" ? undefined : view[way]?.deliveries;
}

/** What became of a test by one of its ways; undefined while it is on its way. */
export function fate({ before }: Sent, view: View, way: Way): { deliveredAt: string } | { reason: string } | undefined {
  const [then, now] = [deliveries(before, way), deliveries(view, way)];
  if (now?.delivered_at && now.delivered_at !== then?.delivered_at) return { deliveredAt: now.delivered_at };
  if (now?.failure?.event === "test" && now.failure.at !== then?.failure?.at) return { reason: now.failure.reason };
  return undefined;
}
