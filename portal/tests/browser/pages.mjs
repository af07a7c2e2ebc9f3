// Every page, once, with what the shared world has for it: the generic tests open each of them. `wait` is a selector of
// something that stands only when the page has read its data.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { seedEnds } from "./ends.mjs";
import { TEAM_PAGES, seedTeam } from "./team.mjs";

export const SAVED = "seismic-ml";
export const INSTANCE = "earthquake-analysis";
/** As hostile and as long as names may be. */
export const HOSTILE = "<img src=x onerror=alert(1)>";
export const LONG = "aftershock-sequence-2026-reprocessing-with-corrected-station-metadata";

/** The ID of the newest save. */
export const newest = async ({ prism }) => JSON.parse(await prism("--json", "saves", "list")).saves[0].save_id;
/** The ID of an instance. */
export const idOf = async ({ prism }, name) => JSON.parse(await prism("--json", "list")).instances.find((one) => one.name === name).id;

/** A public SSH key that the launches install. */
export const KEY = join(dirname(fileURLToPath(import.meta.url)), "ada.pub");

/** What the pages show. */
export async function seed(prism) {
  await prism("key", "add", KEY);
  await prism("launch", "python-ml", INSTANCE);
  await prism("launch", "ubuntu", LONG, "--size", "XL", "--region", "eu-west-1");
  await prism("project", "create", "geo-ml-2026");
  await prism("project", "budget", "geo-ml-2026", "--limit", "5", "--alert", "80");
  await prism("save", INSTANCE, SAVED, "--yes", "--region", "eu-west-1", "--project", "geo-ml-2026", "--description", "Adds xgboost");
  await prism("launch", SAVED, "array-detection", "--size", "GPU-S");
  await prism("launch", SAVED, "variant-calling");
  await prism("stop", "array-detection");
  await seedTeam(prism);
  await prism("schedule", "create", INSTANCE, SAVED, "--rate", "1d", "--name", "seismic-nightly", "--publish-sensitive");
  await seedEnds(prism);
  // Nobody listens there, and nothing of the seed is told of.
  await prism("notify", "set", "--webhook", "http://127.0.0.1:9/hook", "--on", "share.received");
  // At the speed of the seed, what runs costs a cent in half a second, and a schedule saves every 86 seconds.
  await prism("local", "speed", "100");
}

export const PAGES = [
  { name: "home", path: "/", wait: ".budgets" },
  { name: "instances", path: "/instances", wait: ".table tbody tr" },
  { name: "launch", path: `/launch?template=${SAVED}`, wait: ".dialog-plan .figure-value" },
  { name: "saving", path: async (server) => `/instances?save=us-east-1/${await idOf(server, "variant-calling")}`, wait: ".dialog-plan :is(.figure-value, .note)" },
  { name: "saves", path: "/saves", wait: ".table tbody tr" },
  ...TEAM_PAGES,
  { name: "keys", path: "/keys", wait: ".table tbody tr" },
  { name: "notices", path: "/notices", wait: ".table tbody tr" },
  { name: "join", path: "/join", wait: "form" },
  { name: "save", path: async (server) => `/saves/${await newest(server)}`, wait: ".signal.is-full" },
  { name: "missing", path: "/no/such/page", wait: ".empty" },
];
