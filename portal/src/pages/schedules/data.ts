import { api, askAll, type Schemas } from "../../api/client";
import { CALM, SOON } from "../../api/live";

/** A schedule as it is now, with the header that lets a change pass only while it is so. */
export async function asItIs(name: string) {
  const { data, response } = await askAll(api.GET("/v1/schedules/{name}", { params: { path: { name } } }));
  return { schedule: data, header: { "If-Match": response.headers.get("etag") ?? "*" } };
}

/** How soon schedules are read again. A run is recorded a moment after its save has begun or ended. */
export const pauseOf = (schedules: Pick<Schemas["ScheduleView"], "runs">[]) => (schedules.some(({ runs }) => runs[0]?.state === "running") ? 2 * SOON : CALM);

export type Now = Awaited<ReturnType<typeof asItIs>>;
