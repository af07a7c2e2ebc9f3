// For work on the portal: PRISM_PORTAL_DIST=dist shows the files of a folder, so that a changed page can be tried
// without building the program again. What the program itself serves is tested without it.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = process.env.PRISM_PORTAL_DIST;
const TYPES = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml", html: "text/html; charset=utf-8" };

export async function filesOf(context, server) {
  if (!FOLDER) return;
  const isFile = (url) => url.origin === server.origin && !url.pathname.startsWith("/v1");
  await context.route(isFile, async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = join(FOLDER, pathname.startsWith("/assets/") ? pathname : "index.html");
    const { "content-encoding": _, "content-length": __, ...headers } = (await route.fetch({ url: `${server.origin}/` })).headers();
    await route.fulfill({ headers: { ...headers, "content-type": TYPES[file.split(".").pop()] }, body: readFileSync(file) });
  });
}
