"use strict";
// What the other scripts change of a figure before it is drawn, and what they do once it is; both by its name.
const adjust = {};
const whenDrawn = {};
// Resolves when nothing that a reader waits for is to be done.
const idle = () => new Promise(done => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 500 }));
let redraw = () => {};
// What is packed as gzip and base64, as text.
const unpacks = typeof DecompressionStream !== "undefined";
const bytes = base64 => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);  // browsers of 2025; the rest takes a moment longer
  const text = atob(base64), found = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) found[at] = text.charCodeAt(at);
  return found;
};
const unpack = async id => {
  const packed = bytes(document.getElementById(id).textContent.trim());
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
};
const details = unpacks ? unpack("details").then(JSON.parse) : new Promise(() => {});
// Plots: unpack plotly.js, draw the figures in the colours of the current theme, draw again when it changes.
(() => {
  let figures = {};
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
  const themed = (value, style) => {
    if (Array.isArray(value)) return value.map(item => themed(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]));
    }
    const match = typeof value === "string" && /^var\((--[a-z-]+)\)$/.exec(value);
    return match ? style.getPropertyValue(match[1]).trim() : value;
  };
  const paper = { width: 660, height: 330, tall: 440 };
  const narrow = () => window.innerWidth < 640;
  const height = layout => layout.height + (narrow() && layout.legend ? 60 : 0);
  const place = async (element, onPaper) => {
    const name = element.dataset.figure;
    const style = getComputedStyle(document.documentElement);
    const figure = themed((adjust[name] ?? (plain => plain))(structuredClone(figures[name])), style);
    figure.layout.height = height(figure.layout);
    if (narrow()) {
      figure.layout.font.size = 11;
      for (const trace of figure.data) {  // names of marks would lie on each other
        if (name === "front" && trace.mode === "markers+text" && trace.marker.symbol !== "star") trace.mode = "markers";
      }
    }
    if (onPaper) {
      figure.layout.width = paper.width;
      figure.layout.height = figure.layout.height > paper.tall ? paper.tall : Math.min(figure.layout.height, paper.height);
    }
    element.querySelector(".plot-message")?.remove();
    element.style.minHeight = "";
    const first = !element.dataset.drawn;
    element.dataset.drawn = "yes";
    await Plotly.react(element, figure.data, figure.layout, { ...config, displayModeBar: !narrow() });
    if (first) whenDrawn[name]?.(element);
  };
  const draw = ({ onPaper = false, only = "" } = {}) =>
    Promise.all([...document.querySelectorAll(only ? `[data-figure=${only}]` : "[data-figure]")].map(one => place(one, onPaper)));
  // What is on the screen is drawn first, then one after the other what is nearest to it, while nothing else is to be done.
  const drawAll = async () => {
    const screens = element => {
      const { top, bottom } = element.getBoundingClientRect();
      return Math.max(0, top - window.innerHeight, -bottom);
    };
    for (;;) {
      const left = [...document.querySelectorAll("[data-figure]:not([data-drawn])")].map(one => [screens(one), one]);
      if (!left.length) return;
      const [away, next] = left.reduce((a, b) => (b[0] < a[0] ? b : a));
      if (away > 0) await idle();
      if (!next.dataset.drawn) await place(next, false);
    }
  };
  const say = text => {
    for (const element of document.querySelectorAll(".plot-message")) element.textContent = text;
  };
  // The page counts as loaded when its plots can be drawn at once: what prints it then (chromium --print-to-pdf) has them.
  const held = document.createElement("iframe");
  const loaded = new Promise(done => window.addEventListener("load", done));
  const start = async () => {
    if (!document.querySelector("[data-figure]")) return;
    if (!unpacks) {
      say("This browser is too old for the plots (2023 or later is needed); the tables hold the same numbers.");
      return;
    }
    held.hidden = true;
    document.body.append(held);
    held.contentDocument.open();
    const script = document.createElement("script");
    script.textContent = await unpack("plotly");
    document.head.append(script);
    figures = (await details).figures;
    for (const element of document.querySelectorAll("[data-figure]")) {
      element.style.minHeight = `${height(figures[element.dataset.figure].layout)}px`;
    }
    redraw = draw;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    window.addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; draw({ onPaper: true }); });
    window.addEventListener("afterprint", () => { delete document.documentElement.dataset.theme; draw(); });
    held.remove();
    await loaded;
    await drawAll();
  };
  start().catch(error => {
    held.remove();
    say("The plots could not be drawn; the tables hold the same numbers.");
    throw error;
  });
})();

// Calibration: show the quantiser that is chosen.
(() => {
  const choice = document.getElementById("quantizer");
  if (!choice) return;
  let seen = [];
  details.then(found => { seen = found.quantizers; });
  adjust.calibration = figure => {
    figure.data = figure.data.map((trace, number) => ({ ...trace, ...seen[Number(choice.value)]?.[number] }));
    return figure;
  };
  choice.addEventListener("change", () => {
    document.getElementById("quantizer-facts").textContent = choice.selectedOptions[0].dataset.facts;
    redraw({ only: "calibration" });
  });
})();
