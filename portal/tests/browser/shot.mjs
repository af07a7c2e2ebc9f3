// Pictures of pages, to look at: node tests/browser/shot.mjs FOLDER [NAME...]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launched, serve, visit } from "./harness.mjs";
import { PAGES, seed } from "./pages.mjs";

const [folder = "/tmp/portal-shots", ...names] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const [server, browser] = await Promise.all([serve({ seed, speed: Number(process.env.SPEED ?? 60) }), launched()]);
for (const { name, path, wait } of PAGES.filter((page) => names.length === 0 || names.includes(page.name))) {
  const where = typeof path === "function" ? await path(server) : path;
  for (const [theme, width] of [["light", 1440], ["dark", 768], ["light", 360]]) {
    const { page, context } = await visit(browser, server, where, { theme, width, wait });
    const file = join(folder, `${name}-${width}-${theme}.png`);
    await page.screenshot({ path: file, fullPage: true });
    console.log(file);
    await context.close();
  }
}
await browser.close();
await server.close();
