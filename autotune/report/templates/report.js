"use strict";
// Plots: unpack plotly.js, draw the figures in the colours of the current theme, draw again when it changes.
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
  const themed = (value, style) => {
    if (Array.isArray(value)) return value.map(item => themed(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]));
    }
    const match = typeof value === "string" && /^var\((--[a-z-]+)\)$/.exec(value);
    return match ? style.getPropertyValue(match[1]).trim() : value;
  };
  const paper = { width: 660, height: 420 };
  const draw = ({ onPaper = false } = {}) => {
    const style = getComputedStyle(document.documentElement);
    const narrow = window.innerWidth < 640;
    return Promise.all([...document.querySelectorAll("[data-figure]")].map(async element => {
      const figure = themed(figures[element.dataset.figure], style);
      if (narrow) {
        figure.layout.font.size = 11;
        if (figure.layout.legend) figure.layout.height += 60;
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
    if (typeof DecompressionStream === "undefined") {
      say("This browser is too old for the plots (2023 or later is needed); the tables hold the same numbers.");
      return;
    }
    const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent.trim()), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    for (const element of document.querySelectorAll(".plot-message")) element.remove();
    await draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
    window.addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; draw({ onPaper: true }); });
    window.addEventListener("afterprint", () => { delete document.documentElement.dataset.theme; draw(); });
  };
  start().catch(error => {
    say("The plots could not be drawn; the tables hold the same numbers.");
    throw error;
  });
})();

// Tables: a click on a head sorts by its column, another one turns the order round; empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.value ?? cell.textContent.trim();
    return heads[column].classList.contains("num") ? (value === "" ? null : Number(value)) : value.toLowerCase();
  };
  heads.forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map(row => [key(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

// Trials: show the states that are ticked and the rows that hold every word typed.
(() => {
  const controls = document.getElementById("trial-controls");
  if (!controls) return;
  const rows = [...document.querySelector("#trial-table tbody").rows];
  const search = controls.querySelector("input[type=search]");
  const shown = document.getElementById("trial-count");
  const filter = () => {
    const states = new Set([...controls.querySelectorAll("input:checked")].map(box => box.value));
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const visible = states.has(row.dataset.state) && wanted.every(word => text.includes(word));
      row.classList.toggle("hidden", !visible);
      count += visible;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
  };
  controls.addEventListener("input", filter);
  filter();
})();
