import { api, askAll } from "../../api/client";

/** A schedule as it is now, with the header that lets a change pass only while it is so. */
export async function asItIs(name: string) {
  const { data, response } = await askAll(api.GET("/v1/schedules/{name}", { params: { path: { name } } }));
  return { schedule: data, header: { "If-Match": response.headers.get("etag") ?? "*" } };
}

export type Now = Awaited<ReturnType<typeof asItIs>>;
