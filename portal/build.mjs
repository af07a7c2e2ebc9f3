// Builds the portal into a folder: files whose names contain the digest of their content, `index.html`, the list that
// the Rust crate embeds, and a manifest with the digest of the sources. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
/** Everything that decides what is built, beside `src`. `functions/src/api/portal` digests the same files. */
const ALSO = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json"];
const TYPES = { css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };
const MOST_BYTES_GZIPPED = 120_000;

const out = process.argv[2] ?? join(HERE, "dist");
rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "assets"), { recursive: true });

const built = await build({
  absWorkingDir: HERE,
  entryPoints: { main: "src/main.tsx", style: "src/design/style.css", icon: "src/design/icon.svg" },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  // Licences of the libraries go into a file of their own; see `licences`.
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  logLevel: "warning",
});

const assets = readdirSync(join(out, "assets")).sort();
const named = (start, end) => assets.find((name) => name.startsWith(start) && name.endsWith(end));
// What the script imports at once is asked for with it, and not after it was read.
const main = Object.entries(built.metafile.outputs).find(([, { entryPoint }]) => entryPoint === "src/main.tsx")[1];
const preloads = main.imports.filter(({ kind }) => kind === "import-statement")
  .map(({ path }) => `<link rel="modulepreload" href="/assets/${basename(path)}">\n`);
const page = readFileSync(join(HERE, "src/index.html"), "utf8")
  .replace("PRELOADS\n", preloads.join(""))
  .replace("SCRIPT", `/assets/${named("main-", ".js")}`)
  .replace("STYLE", `/assets/${named("style-", ".css")}`)
  .replace("ICON", `/assets/${named("icon-", ".svg")}`);
writeFileSync(join(out, "index.html"), page);

const list = assets.map((name) => {
  const type = TYPES[name.split(".").pop()];
  return `    ("/assets/${name}", "${type}", include_bytes!("assets/${name}")),\n`;
});
writeFileSync(join(out, "files.rs"), `&[\n${list.join("")}]\n`);

const gzipped = [page, ...assets.map((name) => readFileSync(join(out, "assets", name)))]
  .map((bytes) => gzipSync(bytes, { level: 9 }).length)
  .reduce((sum, size) => sum + size, 0);
const manifest = { sources: digest(), files: ["index.html", ...assets.map((name) => `assets/${name}`)] };
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${basename(out)}: ${assets.length + 1} files, ${(gzipped / 1000).toFixed(1)} kB gzipped`);
if (gzipped > MOST_BYTES_GZIPPED) {
  console.error(`The portal may have at most ${MOST_BYTES_GZIPPED / 1000} kB gzipped.`);
  process.exit(1);
}
if (built.warnings.length > 0) process.exit(1);

/** The digest of the sources: each file's path, length and content, in the order of the paths. */
function digest() {
  const hash = createHash("sha256");
  for (const path of [...walk("src"), ...ALSO].sort()) {
    const bytes = readFileSync(join(HERE, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function walk(folder) {
  return readdirSync(join(HERE, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [relative(HERE, join(HERE, path)).split(sep).join("/")];
  });
}
