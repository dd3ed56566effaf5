"use strict";
// What the other scripts change of a figure before it is drawn (by name), and what they do once all are drawn.
const adjust = {};
const whenDrawn = [];
let redraw = () => {};
// What is packed as gzip and base64, as text.
const unpacks = typeof DecompressionStream !== "undefined";
const unpack = async id => {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), c => c.charCodeAt(0));
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
  const paper = { width: 660, height: 330 };
  const draw = ({ onPaper = false, only = "" } = {}) => {
    const style = getComputedStyle(document.documentElement);
    const narrow = window.innerWidth < 640;
    return Promise.all([...document.querySelectorAll(only ? `[data-figure=${only}]` : "[data-figure]")].map(async element => {
      const name = element.dataset.figure;
      const figure = themed((adjust[name] ?? (plain => plain))(structuredClone(figures[name])), style);
      if (narrow) {
        figure.layout.font.size = 11;
        if (figure.layout.legend) figure.layout.height += 60;
        for (const trace of figure.data) {  // names of marks would lie on each other
          if (trace.mode === "markers+text" && trace.marker.symbol !== "star") trace.mode = "markers";
        }
      }
      if (onPaper) {
        figure.layout.width = paper.width;
        figure.layout.height = Math.min(figure.layout.height, paper.height);
      }
      await Plotly.react(element, figure.data, figure.layout, { ...config, displayModeBar: !narrow });
      element.dataset.drawn = "yes";
    }));
  };
  const say = text => {
    for (const element of document.querySelectorAll(".plot-message")) element.textContent = text;
  };
  const start = async () => {
    if (!document.querySelector("[data-figure]")) return;
    if (!unpacks) {
      say("This browser is too old for the plots (2023 or later is needed); the tables hold the same numbers.");
      return;
    }
    const script = document.createElement("script");
    script.textContent = await unpack("plotly");
    document.head.append(script);
    figures = (await details).figures;
    for (const element of document.querySelectorAll(".plot-message")) element.remove();
    await draw();
    redraw = draw;
    for (const act of whenDrawn) act();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    window.addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; draw({ onPaper: true }); });
    window.addEventListener("afterprint", () => { delete document.documentElement.dataset.theme; draw(); });
  };
  start().catch(error => {
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
