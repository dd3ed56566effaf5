// Pins: a click on a mark, or "pin" in the table of trials, shows a configuration beside the front; again lets it go.
(() => {
  const place = document.getElementById("pins");
  if (!place) return;
  const pinned = [];
  const buttons = new Map([...document.querySelectorAll("button.pin[data-trial]")].map(b => [Number(b.dataset.trial), b]));
  const make = (tag, text, name = "") => Object.assign(document.createElement(tag), { textContent: text, className: name });
  const card = trial => {
    const row = buttons.get(trial).closest("tr");
    const article = make("article", "", "pinned");
    const close = make("button", "unpin", "pin");
    close.type = "button";
    close.setAttribute("aria-label", `Unpin trial ${trial}`);
    close.addEventListener("click", () => toggle(trial));
    const head = make("h3", `trial ${trial} `);
    head.append(close);
    const list = opened(row.querySelector("details dl")).cloneNode(true);
    const heads = [...row.closest("table").tHead.rows[0].cells];
    const facts = [...row.cells].slice(2).flatMap((cell, at) => {
      const value = [...cell.childNodes].map(node => node.textContent.trim()).filter(Boolean).join(", ");
      return value ? [make("dt", heads[at + 2].querySelector("button").textContent.trim().toLowerCase()), make("dd", value)] : [];
    });
    list.prepend(...facts);
    article.append(head, make("p", row.querySelector("summary").textContent), list);
    return article;
  };
  const show = () => {
    place.replaceChildren(...pinned.map(card));
    for (const [trial, button] of buttons) {
      button.setAttribute("aria-pressed", String(pinned.includes(trial)));
      button.textContent = pinned.includes(trial) ? "unpin" : "pin";
    }
    const lists = [...place.querySelectorAll("dl")].map(list => new Map(
      [...list.querySelectorAll("dt")].map(term => [term.textContent, term.nextElementSibling])));
    for (const list of lists) {
      for (const [term, value] of list) {
        const differs = lists.some(other => other.get(term)?.textContent !== value.textContent);
        value.classList.toggle("differs", differs);
      }
    }
    redraw({ only: "front" });
  };
  const toggle = trial => {
    if (!buttons.has(trial)) return;
    const at = pinned.indexOf(trial);
    if (at < 0) pinned.push(trial); else pinned.splice(at, 1);
    show();
  };
  adjust.front = figure => {
    for (const trial of pinned) {
      const trace = figure.data.findLast(one => one.customdata?.includes(trial));
      if (!trace) continue;
      const at = trace.customdata.indexOf(trial);
      figure.layout.annotations.push({
        x: trace.x[at], y: trace.y[at], text: `trial ${trial}`, showarrow: true, arrowhead: 6, ax: 28, ay: -34,
        arrowcolor: "var(--text)", bgcolor: "var(--surface)", bordercolor: "var(--text)", borderpad: 3,
        font: { color: "var(--text)", size: 12 },
      });
    }
    return figure;
  };
  for (const [trial, button] of buttons) button.addEventListener("click", () => toggle(trial));
  whenDrawn.front = whenDrawn.anytime = element => element.on("plotly_click", event => {
    const trial = event.points.map(point => point.customdata).find(value => value !== undefined);
    if (trial !== undefined) toggle(trial);
  });
})();

