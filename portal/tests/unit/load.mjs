// Loads a source file as the portal's build does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

export async function load(path) {
  const folder = mkdtempSync(join(tmpdir(), "prism-portal-unit-"));
  const outfile = join(folder, "it.mjs");
  try {
    await build({ absWorkingDir: ROOT, entryPoints: [path], outfile, bundle: true, format: "esm", jsx: "automatic", jsxImportSource: "preact", logLevel: "warning" });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
