import { api, askAll, type Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { CALM, SOON } from "../../api/live";

/** A schedule as it is now, with the header that lets a change pass only while it is so. */
export async function asItIs(name: string) {
  const { data, response } = await askAll(api.GET("/v1/schedules/{name}", { params: { path: { name } } }));
  return { schedule: data, header: { "If-Match": response.headers.get("etag") ?? "*" } };
}

/** How long a run is read again soon, in milliseconds: a copy to another Region takes hours. */
const SOON_FOR = 15 * 60_000;

/** How soon schedules are read again. A run is recorded a moment after its save has begun or ended. */
export function pauseOf(schedules: Pick<Schemas["ScheduleView"], "runs">[]): number {
  const moves = schedules.some(({ runs: [last] }) => last?.state === "running" && serverNow().getTime() - Date.parse(last.began_at) < SOON_FOR);
  return moves ? 2 * SOON : CALM;
}

export type Now = Awaited<ReturnType<typeof asItIs>>;
