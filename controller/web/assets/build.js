// Bundles src/ into ../static/dist, each file also compressed, so that the controller never compresses on the fly.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const folder = new URL("../static/dist/", import.meta.url);

await rm(folder, { recursive: true, force: true });
await build({
  entryPoints: ["src/app.js", "src/waveform.js", "src/emergency.js", "src/app.css"],
  outdir: folder.pathname,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome105", "firefox121", "safari15.4"],
  legalComments: "linked",
});
for (const name of await readdir(folder)) {
  const path = new URL(name, folder);
  const bytes = await readFile(path);
  await writeFile(new URL(`${name}.br`, folder), brotliCompressSync(bytes));
  await writeFile(new URL(`${name}.gz`, folder), gzipSync(bytes, { level: 9 }));
}
