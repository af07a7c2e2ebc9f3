// The pictures of the README: node tests/browser/pictures.mjs FOLDER (cargo xtask portal --screenshots)
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launched, serve, visit } from "./harness.mjs";
import { newest } from "./pages.mjs";

const [folder] = process.argv.slice(2);
const PROJECT = "geo-ml-2026";
const TEMPLATE = "seismic-ml";

/** What a small team has after some days, at a speed at which durations are EC2's. */
async function seed(prism) {
  await prism("launch", "python-ml", "earthquake-analysis");
  await prism("project", "create", PROJECT, "--description", "Seismology, winter term");
  await prism("project", "member", "add", PROJECT, "ben", "--role", "admin");
  await prism("project", "budget", PROJECT, "--limit", "5", "--alert", "80");
  const save = ["save", "earthquake-analysis", TEMPLATE, "--yes", "--publish-sensitive"];
  await prism(...save, "--project", PROJECT, "--description", "Adds xgboost");
  await prism("exec", "earthquake-analysis", "--", "pip", "install", "obspy");
  await prism("launch", TEMPLATE, "aftershock-prediction", "--size", "L");
  await prism("launch", TEMPLATE, "array-detection", "--size", "GPU-S");
  await prism("stop", "array-detection");
  await prism("template", "share", TEMPLATE, "--project", PROJECT, "--yes", "--publish-sensitive");
  await prism("schedule", "create", "earthquake-analysis", TEMPLATE, "--name", "seismic-nightly", "--cron", "0 3 * * ? *", "--publish-sensitive");
  await prism(...save, "--description", "Adds obspy");
}

const PICTURES = [
  { name: "home", path: () => "/", wait: ".budgets" },
  { name: "save", path: async (server) => `/saves/${await newest(server)}`, wait: ".signal.is-full" },
  { name: "template", path: () => `/templates/${TEMPLATE}`, wait: ".lineage li" },
];

mkdirSync(folder, { recursive: true });
const [server, browser] = await Promise.all([serve({ seed, speed: 30 }), launched()]);
for (const { name, path, wait } of PICTURES) {
  const { page } = await visit(browser, server, await path(server), { width: 1280, height: 800, wait });
  await page.screenshot({ path: join(folder, `portal-${name}.png`), fullPage: true });
}
await browser.close();
await server.close();
