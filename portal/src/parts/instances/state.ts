// Instances as the pages order, find and count them.
import { all, api, ask, type Schemas } from "../../api/client";
import { SOON, useLive, type Live } from "../../api/live";
import { text } from "../../text";
import { money } from "../../text/format";
import { stepOf, useAgain } from "../running";

export type Instance = Schemas["InstanceView"];

export interface Instances {
  items: Instance[];
  unavailable: Schemas["UnavailableRegion"][];
}

/** What changes by itself is read soon again; what stands still, now and then. Each read asks EC2 in every Region. */
const MOVING_MS = 3 * SOON;
const STILL_MS = 15 * SOON;
const MOVING = new Set(["pending", "stopping", "shutting-down"]);

/** The user's instances in all Regions; read at once when a save of one goes on to its next step. */
export function useInstances(saves?: Schemas["SaveView"][]): Live<Instances> {
  const instances = useLive("instances", async (signal) => {
    let unavailable: Instances["unavailable"] = [];
    const items = await all(async (cursor) => {
      const answer = await api.GET("/v1/instances", { params: { query: { cursor, limit: 100 } }, signal });
      unavailable = answer.data?.unavailable ?? unavailable;
      return answer;
    });
    return { items: items.sort(byNeed), unavailable };
  }, ({ items }) => pauseAfter(items));
  useAgain(instances.again, saves, stepOf);
  return instances;
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

/** What an instance costs an hour as it is, its volumes included; undefined if a price is not known. */
export function rateOf(one: Instance): number | undefined {
  if (one.state === "terminated") return 0;
  if (one.spending) return one.spending.unpriced_now ? undefined : one.spending.usd_per_hour;
  // Nobody has looked at its volumes: what runs costs at least the price of its type.
  return isOn(one) ? (one.usd_per_hour ?? undefined) : undefined;
}

/** What all of them cost an hour; undefined if a price is not known. */
export function perHour(items: Instance[]): number | undefined {
  const rates = items.map(rateOf);
  return rates.every((rate) => rate !== undefined) ? rates.reduce((sum, rate) => sum + rate, 0) : undefined;
}

export const isOn = (one: Pick<Instance, "state">) => one.state === "running" || one.state === "pending";

/** Whether its end is worth a cell: one that was started after its end has none any more. */
export const tells = (one: Pick<Instance, "state" | "end">) => one.end != null && (one.end.state !== "ended" || !isOn(one));

/** What starting an instance costs. */
export const startCost = ({ usd_per_hour: price }: Pick<Instance, "usd_per_hour">) => (price == null ? text.instances.startWhat : text.instances.startCosts(money(price)));

/** The path and query that name an instance. */
export const named = (one: Pick<Instance, "id" | "region">) => ({ params: { path: { name: one.id }, query: { region: one.region } } });

export const start = (one: Instance) => ask(api.POST("/v1/instances/{name}/start", named(one)));
export const stop = (one: Instance) => ask(api.POST("/v1/instances/{name}/stop", named(one)));
export const terminate = (one: Instance) => ask(api.DELETE("/v1/instances/{name}", named(one)));
