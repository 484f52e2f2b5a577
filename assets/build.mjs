// Builds the front end into dist/: app.css, app.js, upload.js and its worker, icons.svg, favicon.svg. Run by `npm run build`.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { compileAsync } from "sass";

const DIST = "dist";
const ICON_FOLDER = "node_modules/bootstrap-icons/icons";

// Bootstrap 5.3 is written for Sass before modules; these are its own warnings, not ours.
const BOOTSTRAP_DEPRECATIONS = ["import", "global-builtin", "color-functions", "if-function"];

async function buildStyles() {
  const { css } = await compileAsync("styles/app.scss", {
    style: "compressed",
    loadPaths: ["node_modules"],
    quietDeps: true,
    silenceDeprecations: BOOTSTRAP_DEPRECATIONS,
  });
  await writeFile(`${DIST}/app.css`, css);
}

async function buildScripts() {
  await build({
    entryPoints: ["scripts/app.js", "scripts/upload.js", "scripts/digest-worker.js"],
    outdir: DIST,
    bundle: true,
    minify: true,
    target: "es2022",
    legalComments: "none",
  });
}

async function symbolOf(name) {
  const file = name === "labcourier" ? "labcourier.svg" : `${ICON_FOLDER}/${name}.svg`;
  const svg = await readFile(file, "utf8").catch(() => {
    throw new Error(`icons.txt names "${name}", which Bootstrap Icons does not have; see ${ICON_FOLDER}.`);
  });
  const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 16 16">${inner}</symbol>`;
}

async function buildIcons() {
  const lines = (await readFile("icons.txt", "utf8")).split("\n");
  const names = lines.map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  const symbols = await Promise.all(["labcourier", ...names].map(symbolOf));
  await writeFile(`${DIST}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST);
await Promise.all([buildStyles(), buildScripts(), buildIcons(), cp("favicon.svg", `${DIST}/favicon.svg`)]);
