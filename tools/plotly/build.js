// Build autotune/report/plotly/: plotly.js with the kinds of marks that the report draws, gzipped, and its licences.
//
//   cd tools/plotly && npm ci --ignore-scripts && npm run build
//
// plotly.js as it is published is 4.8 MB, most of it maps and 3-D that a browser would parse for nothing: a report that
// carries all of it takes more than a second to open. This is its documented way to a bundle of one's own: its core and
// the traces that are registered (https://github.com/plotly/plotly.js/blob/v4.1.1/README.md). The same versions give
// the same bytes.
import { build } from "esbuild";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const TRACES = ["bar", "box", "histogram", "treemap"]; // scatter is part of the core
const out = new URL("../../autotune/report/plotly/", import.meta.url);
const here = new URL(".", import.meta.url).pathname;
const modules = TRACES.map(name => `require("plotly.js/lib/${name}")`).join(", ");
const bundled = await build({
  stdin: {
    contents: `const Plotly = require("plotly.js/lib/core"); Plotly.register([${modules}]); module.exports = Plotly;`,
    resolveDir: here,
  },
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "Plotly",
  define: { global: "window", "define.amd": "false" },
  target: "es2020",
  loader: { ".css": "empty" }, // of maps
  charset: "ascii",
  legalComments: "none", // all licences are in LICENSES.txt
  metafile: true,
  write: false,
});
writeFileSync(new URL("plotly.min.js.gz", out), gzipSync(bundled.outputFiles[0].contents, { level: 9 }));

const name = path => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[0];
const used = Object.keys(bundled.metafile.inputs).filter(path => !path.endsWith(".css"));
const folders = [...new Set(used.map(name).filter(Boolean))].sort();
const licence = folder => {
  const about = JSON.parse(readFileSync(`${here}${folder}package.json`, "utf8"));
  const file = readdirSync(`${here}${folder}`).find(one => /^licen[cs]e/i.test(one));
  const text = file ? readFileSync(`${here}${folder}${file}`, "utf8").trim() : `Licence: ${about.license}`;
  return `${about.name} ${about.version}\n\n${text}\n`;
};
const rule = `\n${"-".repeat(80)}\n\n`;
writeFileSync(
  new URL("LICENSES.txt", out),
  `plotly.min.js.gz holds these packages, built by tools/plotly.\n${rule}${folders.map(licence).join(rule)}`,
);
