"""How long report.html takes to open in a browser, and how large it is.

    python -m benchmarks.page_load [--trials 500] [--openings 9]

Opens the report of reports/example-file-type, and one of that run with as many trials as asked for, in headless
Chromium, each time in a browser that has just been started. Openings go to benchmarks/results/<CPU>/page_load.csv,
their medians to page_load.md. Needs Chromium and its driver (Debian: chromium chromium-driver). Run it on a quiet
machine.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import pandas as pd
import typer

from autotune.outcome import RunRecord
from autotune.record import Interval, Trial
from autotune.report.html import render
from autotune.report.write import load_record
from benchmarks.instruction_sets import results_folder

EXAMPLE = Path(__file__).resolve().parents[1] / "reports" / "example-file-type" / "record.json"
WINDOW = (1280, 1000)
# What was promised: milliseconds until the first plot is there, and bytes.
SOON, LARGEST = 1000.0, 3_000_000
TIMES = {
    "first_paint_ms": "verdict on the screen",
    "load_ms": "loaded",
    "first_plot_ms": "first plot drawn",
    "all_plots_ms": "all plots drawn",
}
# A plot is marked as drawn when its drawing begins, without a pause until it is there; the next frame shows it.
WATCH = """
window.plots = {};
const shown = name => requestAnimationFrame(() => setTimeout(() => { plots[name] ??= performance.now(); }));
new MutationObserver(() => {
  const all = [...document.querySelectorAll("[data-figure]")], drawn = all.filter(one => one.dataset.drawn);
  shown("first_plot_ms");
  if (drawn.length === all.length) shown("all_plots_ms");
}).observe(document, { subtree: true, attributeFilter: ["data-drawn"] });
"""
READ = """
const page = performance.getEntriesByType("navigation")[0];
const paint = performance.getEntriesByName("first-contentful-paint")[0];
return { first_paint_ms: paint?.startTime, load_ms: page.loadEventEnd, ...plots };
"""
Row = Mapping[str, Any]


def grown(run: RunRecord, count: int) -> RunRecord:
    """Return a run of ``count`` trials: the given ones, then all of them again with other figures.

    Each repeated int8 trial keeps its own up to 47 of 96 operators with long names float, as runs on transformers do.
    """
    draw = random.Random(0)
    names = [f"/bert/encoder/layer.{i // 8}/attention/self/part.{i % 8}/MatMul" for i in range(96)]
    given = run.trials[:count]
    more = (_again(given[number % len(given)], number, names, draw) for number in range(len(given), count))
    return replace(run, trials=(*given, *more))


def _again(trial: Trial, number: int, names: Sequence[str], draw: random.Random) -> Trial:
    configuration, measured = trial.configuration, trial.measurement
    if configuration.quantization is not None:
        kept = tuple(draw.sample(names, draw.randrange(48)))
        configuration = replace(configuration, quantization=replace(configuration.quantization, float_operators=kept))
    if measured is not None and measured.latency is not None and measured.drop is not None:
        factor, speed = draw.uniform(0.9, 1.1), measured.latency.speedup
        nudged = Interval(speed.estimate * factor, speed.low * factor, speed.high * factor)
        drop = measured.drop + draw.uniform(-0.003, 0.003)
        measured = replace(measured, latency=replace(measured.latency, speedup=nudged), drop=drop)
    ended = trial.ended_seconds + number
    return replace(trial, number=number, configuration=configuration, measurement=measured, ended_seconds=ended)


def opened(page: Path) -> tuple[dict[str, float], str]:
    """Open a page in a new browser; return milliseconds since the navigation began, by ``TIMES``, and its version."""
    from selenium import webdriver
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = chromium() or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={WINDOW[0]},{WINDOW[1]}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        driver.get(page.as_uri())
        WebDriverWait(driver, 60, 0.1).until(lambda d: d.execute_script("return plots.all_plots_ms"))
        found: dict[str, float] = driver.execute_script(READ)
        return found, str(driver.capabilities["browserVersion"])
    finally:
        driver.quit()


def chromium() -> str | None:
    """Return where Chromium is; None where it, or its driver, is not."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    return found if shutil.which("chromedriver") else None


def document(rows: Sequence[Row]) -> str:
    """Return the page of medians and longest times, one line per page that was opened."""
    lines = []
    for key in dict.fromkeys((row["page"], row["trials"], row["bytes"]) for row in rows):
        members = [row for row in rows if (row["page"], row["trials"], row["bytes"]) == key]
        cells = [f"{median(times):.0f} ({max(times):.0f})" for times in ([r[t] for r in members] for t in TIMES)]
        soon = median(row["first_plot_ms"] for row in members) <= SOON and key[2] < LARGEST
        lines.append(
            f"| {key[0]} | {key[1]} | {key[2] / 1e6:.2f} MB | {' | '.join(cells)} | {'yes' if soon else 'no'} |"
        )
    openings = len(rows) // len(lines)
    return "\n".join(
        [
            "# How long the report takes to open\n",
            "Generated by `python -m benchmarks.page_load`. Milliseconds since the page was asked for: median "
            f"(longest) of {openings} openings, each in a new process of headless Chromium {rows[0]['chromium']}, with "
            f"a window of {WINDOW[0]} × {WINDOW[1]}. Plots below the screen are drawn while nothing else is to be "
            "done. The page counts as loaded when plotly.js can draw.\n",
            f"| page | trials | size | {' | '.join(TIMES.values())} | under {LARGEST / 1e6:.0f} MB, and read within "
            "a second |",
            f"|---|---|---|{'---|' * len(TIMES)}---|",
            *lines,
            "",
        ]
    )


def main(
    trials: Annotated[int, typer.Option(min=1, help="Of the large page.")] = 500,
    openings: Annotated[int, typer.Option(min=1, help="Of each page.")] = 9,
) -> None:
    """Open both pages and write table and page."""
    if chromium() is None:
        typer.echo(
            "Chromium or its driver is not installed (Debian: apt-get install chromium chromium-driver).", err=True
        )
        raise typer.Exit(2)
    example = load_record(EXAMPLE)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        pages = {"the example": example, "the example, grown": grown(example, trials)}
        files = {name: Path(scratch) / f"{i}.html" for i, name in enumerate(pages)}
        for name, run in pages.items():
            files[name].write_text(render(run), encoding="utf-8")
        for opening in range(openings):
            for name, run in pages.items():
                times, version = opened(files[name])
                facts = {"page": name, "trials": len(run.trials), "bytes": files[name].stat().st_size}
                rows.append({**facts, "opening": opening, **{t: times[t] for t in TIMES}, "chromium": version})
                typer.echo(f"{name}: first plot after {times['first_plot_ms']:.0f} ms")
    folder = results_folder()
    pd.DataFrame(rows).to_csv(folder / "page_load.csv", index=False, float_format="%.6g")
    (folder / "page_load.md").write_text(document(rows), encoding="utf-8")
    typer.echo(document(rows))
    typer.echo(f"Wrote {folder / 'page_load.md'}")


if __name__ == "__main__":
    typer.run(main)
