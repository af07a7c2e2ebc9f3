// Instances as the pages order, find and count them.
import { all, api, ask, type Schemas } from "../../api/client";
import { SOON, useLive, type Live } from "../../api/live";

export type Instance = Schemas["InstanceView"];

export interface Instances {
  items: Instance[];
  unavailable: Schemas["UnavailableRegion"][];
}

/** What changes by itself is read soon again; what stands still, now and then. Each read asks EC2 in every Region. */
const MOVING_MS = 3 * SOON;
const STILL_MS = 15 * SOON;
const MOVING = new Set(["pending", "stopping", "shutting-down"]);

/** The user's instances in all Regions. */
export function useInstances(): Live<Instances> {
  return useLive("instances", async (signal) => {
    let unavailable: Instances["unavailable"] = [];
    const items = await all(async (cursor) => {
      const answer = await api.GET("/v1/instances", { params: { query: { cursor, limit: 100 } }, signal });
      unavailable = answer.data?.unavailable ?? unavailable;
      return answer;
    });
    return { items: items.sort(byNeed), unavailable };
  }, ({ items }) => pauseAfter(items));
}

/** How soon a list of instances is read again. */
export const pauseAfter = (items: { state: string; save_id?: string | null }[]) => (items.some((one) => MOVING.has(one.state) || one.save_id) ? MOVING_MS : STILL_MS);

/** Stopped before running before what is going away: what needs somebody comes first. */
const ORDER = ["stopped", "stopping", "pending", "running", "shutting-down", "terminated"];
function byNeed(a: Instance, b: Instance): number {
  return ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.name.localeCompare(b.name);
}

export function find(items: Instance[], text: string): Instance[] {
  const wanted = text.trim().toLocaleLowerCase();
  return items.filter((one) => [one.name, one.template ?? "", one.region, one.id].some((part) => part.toLocaleLowerCase().includes(wanted)));
}

/** What runs costs this much an hour; undefined if the price of something that runs is not known. */
export function perHour(items: Instance[]): number | undefined {
  const on = items.filter(isOn);
  if (on.some((one) => one.usd_per_hour == null)) return undefined;
  return on.reduce((sum, one) => sum + (one.usd_per_hour ?? 0), 0);
}

export const isOn = (one: Instance) => one.state === "running" || one.state === "pending";

/** The path and query that name an instance. */
export const named = (one: Pick<Instance, "id" | "region">) => ({ params: { path: { name: one.id }, query: { region: one.region } } });

export const start = (one: Instance) => ask(api.POST("/v1/instances/{name}/start", named(one)));
export const stop = (one: Instance) => ask(api.POST("/v1/instances/{name}/stop", named(one)));
export const terminate = (one: Instance) => ask(api.DELETE("/v1/instances/{name}", named(one)));
