// What several pages read and what rarely changes: read once for a session.
import { session } from "../sign-in";
import { all, api, ask, type Schemas } from "./client";

function once<T>(read: () => Promise<T>) {
  let kept: { by: number; read: Promise<T> } | undefined;
  const known = () => {
    const by = session.peek();
    // A failed read is tried again by the next page.
    if (kept?.by !== by) {
      kept = { by, read: read().catch((error: unknown) => {
        kept = undefined;
        throw error;
      }) };
    }
    return kept.read;
  };
  /** After a change of it: the next page reads it again. */
  const forget = () => {
    kept = undefined;
  };
  return Object.assign(known, { forget });
}

/** The sizes with their prices, and the date of the prices. */
export const config = once(() => ask(api.GET("/v1/config", {})));
/** What the user may do, and the user's projects. */
export const me = once(() => ask(api.GET("/v1/me", {})));
/** The Regions in which the user may launch and save, by name. */
export const regions = once(async () => {
  const found = await all<Schemas["RegionView"]>((cursor) => api.GET("/v1/regions", { params: { query: { cursor, limit: 100 } } }));
  return found.filter(({ allowed }) => allowed).map(({ name }) => name);
});
