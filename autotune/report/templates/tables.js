// Trials: a configuration opens to all its choices. They are many: those that nobody asked for come when there is time.
let choices = {};
const opened = list => {
  const part = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  if (!list.childElementCount) {
    list.append(...(choices[list.dataset.choices] ?? []).flatMap(([term, value]) => [part("dt", term), part("dd", value)]));
  }
  return list;
};
document.addEventListener("toggle", event => {
  const list = event.target.querySelector("dl[data-choices]");
  if (list) opened(list);
}, true);
details.then(async found => {
  choices = found.choices;
  let count = 0;
  for (const list of document.querySelectorAll("dl[data-choices]")) {
    if (count++ % 20 === 0) await idle();
    opened(list);
  }
  for (const table of document.querySelectorAll(".long")) {  // so that a picture of the whole page has them, too
    await idle();
    table.classList.remove("long");
  }
});

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

// Other tables: show the rows that hold every word typed.
const holds = (row, words) => {
  const list = row.querySelector("dl[data-choices]");
  if (list && words) opened(list);
  const text = row.textContent.toLowerCase();
  return words.toLowerCase().split(/\s+/).every(word => text.includes(word));
};
for (const field of document.querySelectorAll("input[data-filters]")) {
  const body = document.getElementById(field.dataset.filters).tBodies[0];
  field.addEventListener("input", () => {
    for (const row of body.rows) row.classList.toggle("hidden", !holds(row, field.value));
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
    let count = 0;
    for (const row of rows) {
      const visible = states.has(row.dataset.state) && holds(row, search.value);
      row.classList.toggle("hidden", !visible);
      count += visible;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
  };
  controls.addEventListener("input", filter);
  filter();
})();
