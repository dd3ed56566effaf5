"""The page in a real browser: headless Chromium by its own driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_runs import CONSTRAINT_UNMET, INT8_WINS, INTERRUPTED, NOTHING, OUTCOMES, WITH_DUEL

from autotune.outcome import RunRecord
from autotune.report.html import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="Chromium or its driver is not installed (Debian: chromium chromium-driver)"
    ),
]

SPEEDUP, DROP = 4, 5
EVERY_PLOT = {"front", "anytime", "latency", "pairs", "ratios", "duel", "operators", "calibration", "importance"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument("--window-size=1280,1000")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def show(browser: Any, run: RunRecord, directory: Path, scheme: str = "light", at: str = "") -> None:
    """Open the report and wait until its plots are drawn; any message on the console fails the test."""
    path = directory / "report.html"
    path.write_text(render(run), encoding="utf-8")
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(path.as_uri() + at)
    drawn = "return [...document.querySelectorAll('[data-figure]')].every(e => e.dataset.drawn)"
    wait(browser, drawn)
    assert browser.get_log("browser") == []


def wait(browser: Any, script: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 60).until(lambda b: b.execute_script(script))


def column(browser: Any, index: int) -> list[str]:
    script = (
        "return [...document.querySelectorAll('#trial-table tbody tr:not(.hidden)')]"
        ".map(r => (r.cells[arguments[0]].firstChild?.textContent ?? '').trim())"
    )
    texts: list[str] = browser.execute_script(script, index)
    return texts


def click(browser: Any, selector: str) -> None:
    from selenium.webdriver.common.by import By

    element = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    element.click()


def marks(browser: Any, figure: str, selector: str) -> int:
    found: int = browser.execute_script(
        "return document.querySelectorAll(`[data-figure=${arguments[0]}] ${arguments[1]}`).length", figure, selector
    )
    return found


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_no_console_message_and_no_request(browser: Any, run: RunRecord, tmp_path: Path) -> None:
    browser.get_log("performance")
    show(browser, run, tmp_path)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    requests = [e["message"] for e in browser.get_log("performance") if '"Network.requestWillBeSent"' in e["message"]]
    assert all("file:///" in r or '"url":"data:' in r for r in requests)


def test_plots_have_marks(browser: Any, tmp_path: Path) -> None:
    show(browser, CONSTRAINT_UNMET, tmp_path)
    # 5 complete trials and 4 finalists; the stopped one waits in the legend
    assert marks(browser, "front", ".scatterlayer path.point") == 9
    assert marks(browser, "front", ".scatterlayer path.js-line") == 1
    assert marks(browser, "front", ".shapelayer path") == 2
    assert marks(browser, "front", ".errorbar path") >= 9
    assert marks(browser, "latency", ".boxlayer path.box") == 4
    assert marks(browser, "latency", ".boxlayer path.point") == 4 * 101


def test_every_plot_has_marks(browser: Any, tmp_path: Path) -> None:
    show(browser, WITH_DUEL, tmp_path)
    names = "return [...document.querySelectorAll('[data-figure]')].map(e => e.dataset.figure)"
    assert set(browser.execute_script(names)) == EVERY_PLOT
    assert marks(browser, "duel", ".scatterlayer path.point") == 2 * 2
    assert marks(browser, "anytime", ".scatterlayer path.point") == 6
    assert marks(browser, "anytime", ".scatterlayer path.js-line") == 1
    assert marks(browser, "pairs", ".scatterlayer path.point") == 2 * 101
    assert marks(browser, "ratios", ".barlayer path") >= 1  # the rounds of this run are all alike
    assert marks(browser, "operators", ".treemaplayer path.surface") >= 5
    assert marks(browser, "calibration", ".barlayer path") >= 3
    assert marks(browser, "calibration", ".scatterlayer path.point") == 6
    assert marks(browser, "importance", ".barlayer path") == 4


def test_what_is_on_the_screen_is_drawn_first(browser: Any, tmp_path: Path) -> None:
    """And nothing is drawn before the page has loaded: the verdict waits for no plot."""
    noted = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "window.order = []; addEventListener('load', () => order.push('load'));"
            "new MutationObserver(all => all.forEach(one => order.push(one.target.dataset.figure)))"
            ".observe(document, {subtree: true, attributeFilter: ['data-drawn']});"
        },
    )
    try:
        show(browser, INT8_WINS, tmp_path, at="#importance")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", noted)
    order = browser.execute_script("return order")
    assert order[:2] == ["load", "importance"] and order[-1] == "front"


EVERY_MARK = ".points path, .scatterlayer path.point, .boxlayer path.box, .barlayer path, .treemaplayer path.surface"


def test_printed_at_once_every_plot_is_on_the_paper(browser: Any, tmp_path: Path) -> None:
    """None of them was drawn yet, all are in light colours; what is not there in time says so."""
    noted = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            # Nothing is idle, so that nothing below the screen is drawn before it is printed.
            "source": "window.requestIdleCallback = () => {};"
            "addEventListener('DOMContentLoaded', () => {"
            "  window.messages = [...document.querySelectorAll('.plot-message')].map(m => m.textContent); });"
            "addEventListener('afterprint', () => {"
            "  window.printed = Object.fromEntries([...document.querySelectorAll('[data-figure]')].map("
            f"    e => [e.dataset.figure, [e.querySelectorAll('{EVERY_MARK}').length, e.layout?.font.color]])); }});"
        },
    )
    path = tmp_path / "report.html"
    path.write_text(render(WITH_DUEL), encoding="utf-8")
    try:
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        )
        browser.get(path.as_uri() + "#words")
        # It is loaded, as a program that prints pages sees it.
        assert browser.execute_script("return document.querySelectorAll('[data-drawn]').length") == 0
        assert browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", noted)
    assert set(browser.execute_script("return messages")) == {
        "Drawing … This was printed before the plot was there: print it again."
    }
    printed = browser.execute_script("return printed")
    assert set(printed) == EVERY_PLOT
    assert all(count >= 1 and colour == "#1a2027" for count, colour in printed.values()), printed


PINNED = "return [...document.querySelectorAll('#pins h3')].map(h => h.firstChild.textContent.trim())"


def test_a_mark_tells_its_configuration_and_a_click_pins_it(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    show(browser, INT8_WINS, tmp_path)
    place = browser.execute_script(
        "const plot = document.querySelector('[data-figure=front]');"
        "plot.scrollIntoView({block: 'center', behavior: 'instant'});"
        "const trace = plot.data.find(t => t.name === 'found by the search');"
        "const box = plot.querySelector('.nsewdrag').getBoundingClientRect(), full = plot._fullLayout;"
        "return [full.xaxis.d2p(trace.x[0]) - box.width / 2, full.yaxis.d2p(trace.y[0]) - box.height / 2];"
    )
    drag = browser.find_element(By.CSS_SELECTOR, "[data-figure=front] .nsewdrag")
    pointer = ActionChains(browser).move_to_element_with_offset(drag, *map(round, place)).pause(0.3)
    pointer.perform()
    told = browser.execute_script("return document.querySelector('[data-figure=front] .hovertext').textContent")
    assert "trial 4: int8 transformer/performance, mse" in told
    ActionChains(browser).click().perform()
    assert browser.execute_script(PINNED) == ["trial 4"]
    pin = browser.find_element(By.ID, "pins").text
    assert "percentile(0.9999), symmetric" in pin and "operators kept float" in pin
    notes = "return document.querySelector('[data-figure=front]').layout.annotations.map(a => a.text)"
    assert "trial 4" in browser.execute_script(notes)


def test_pins_from_the_keyboard_show_what_differs(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, INT8_WINS, tmp_path)
    for trial in (3, 4):
        browser.find_element(By.CSS_SELECTOR, f"#trial-table button.pin[data-trial='{trial}']").send_keys(Keys.ENTER)
    assert browser.execute_script(PINNED) == ["trial 3", "trial 4"]
    same = browser.execute_script(
        "return [...document.querySelectorAll('#pins article:last-child dd:not(.differs)')]"
        ".map(d => d.previousElementSibling.textContent)"
    )
    assert "placement" in same and "activation ranges" not in same
    browser.find_element(By.CSS_SELECTOR, "#pins article:first-child button.pin").send_keys(Keys.ENTER)
    assert browser.execute_script(PINNED) == ["trial 4"]
    assert browser.get_log("browser") == []


def test_another_quantiser_can_be_chosen(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    show(browser, INT8_WINS, tmp_path)
    Select(browser.find_element(By.ID, "quantizer")).select_by_index(1)
    shown = "return document.querySelector('[data-figure=calibration]').data[2].y[0]"
    assert browser.execute_script(shown) == "per channel"
    assert "0 to 4" in browser.find_element(By.ID, "quantizer-facts").text


def test_words_are_explained_on_hover_and_focus(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    show(browser, INT8_WINS, tmp_path)
    term = browser.find_element(By.CSS_SELECTOR, "#front .term")
    tip = term.find_element(By.CSS_SELECTOR, ".tip")
    assert not tip.is_displayed()
    ActionChains(browser).move_to_element(term).perform()
    assert tip.is_displayed() and tip.text == "One configuration, built and measured."
    other = browser.find_element(By.CSS_SELECTOR, "#calibration .term")
    browser.execute_script("arguments[0].focus()", other)
    assert other.find_element(By.CSS_SELECTOR, ".tip").is_displayed()
    badge = browser.find_element(By.CSS_SELECTOR, "header .badge")
    ActionChains(browser).move_to_element(badge).perform()
    assert "its upper bound is not yet" in badge.find_element(By.CSS_SELECTOR, ".tip").text


def test_heads_are_explained_from_the_keyboard(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, INT8_WINS, tmp_path)
    browser.find_element(By.CSS_SELECTOR, "#trial-controls input[type=search]").click()
    ActionChains(browser).send_keys(Keys.TAB * 5).perform()  # the table itself, then its heads
    head = browser.switch_to.active_element
    assert head.text == "Proposed by"
    tip = head.find_element(By.XPATH, "following-sibling::span")
    assert tip.is_displayed() and tip.text.startswith("plain: what peers would ship")
    edges = "const box = arguments[0].getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight"
    assert browser.execute_script(edges, tip)
    head.send_keys(Keys.ENTER)
    assert column(browser, 0) == ["4", "0", "1", "2", "3", "5", "6", "7"]


def test_operators_are_found_by_words(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    show(browser, INT8_WINS, tmp_path)
    browser.find_element(By.CSS_SELECTOR, "input[data-filters=operator-table]").send_keys("would save")
    rows = browser.find_elements(By.CSS_SELECTOR, "#operator-table tbody tr:not(.hidden)")
    assert len(rows) == 1 and "<img src=x" in rows[0].text


def test_a_double_click_shows_what_lies_above_the_view(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    show(browser, INT8_WINS, tmp_path)
    drag = browser.find_element(By.CSS_SELECTOR, "[data-figure=front] .nsewdrag")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", drag)
    shown = "return document.querySelector('[data-figure=front]').layout.yaxis.range"
    assert browser.execute_script(shown)[1] < 0.156
    ActionChains(browser).double_click(drag).perform()
    low, high = browser.execute_script(shown)
    assert high > 0.156
    assert low > -0.05


def test_plots_offer_nothing_that_leaves_the_page(browser: Any, tmp_path: Path) -> None:
    show(browser, INT8_WINS, tmp_path)
    titles = browser.execute_script(
        "return [...document.querySelectorAll('[data-figure=front] .modebar-btn')].map(b => b.dataset.title)"
    )
    assert len(titles) == 4
    assert not [t for t in titles if "cloud" in t.lower() or "plotly" in t.lower()]


def test_sorting(browser: Any, tmp_path: Path) -> None:
    show(browser, INT8_WINS, tmp_path)
    head = f"#trial-table th:nth-child({SPEEDUP + 1})"
    click(browser, f"{head} button")
    assert column(browser, 0) == ["0", "1", "3", "6", "4", "7", "2", "5"]  # the failed trial has no speedup: last
    click(browser, f"{head} button")
    assert column(browser, 0) == ["2", "4", "7", "6", "3", "1", "0", "5"]
    sort = browser.execute_script(f"return document.querySelector('{head}').getAttribute('aria-sort')")
    assert sort == "descending"
    click(browser, f"#trial-table th:nth-child({DROP + 1}) button")
    assert column(browser, 0) == ["0", "4", "7", "3", "1", "6", "2", "5"]
    click(browser, "#operator-table th:nth-child(1) button")


def test_filtering_by_state_and_words(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    show(browser, INT8_WINS, tmp_path)
    for state in ("complete", "duplicate"):
        click(browser, f"#trial-controls input[value={state}]")
    assert column(browser, 0) == ["5", "6"]
    click(browser, "#trial-controls input[value=complete]")
    browser.find_element(By.CSS_SELECTOR, "#trial-controls input[type=search]").send_keys("transformer mixed")
    assert column(browser, 0) == ["3"]
    assert browser.find_element(By.ID, "trial-count").text == "1 of 8 shown"


def test_names_with_html_in_them_stay_text(browser: Any, tmp_path: Path) -> None:
    show(browser, INT8_WINS, tmp_path)
    assert browser.execute_script("return document.querySelectorAll('img, b').length") == 0


def test_dark_and_light_differ_and_the_plots_follow(browser: Any, tmp_path: Path) -> None:
    script = (
        "return [getComputedStyle(document.body).backgroundColor,"
        " document.querySelector('[data-figure=front]').layout.font.color]"
    )
    seen = {}
    for scheme in ("light", "dark"):
        show(browser, INT8_WINS, tmp_path, scheme)
        seen[scheme] = browser.execute_script(script)
    assert seen["light"] == ["rgb(246, 247, 249)", "#1a2027"]
    assert seen["dark"] == ["rgb(18, 22, 27)", "#e8ecf1"]


def test_a_narrow_window_does_not_scroll_sideways(browser: Any, tmp_path: Path) -> None:
    size = {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for run in (INT8_WINS, INTERRUPTED, NOTHING):
            show(browser, run, tmp_path)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 380
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_paper_it_is_light_and_whole(browser: Any, tmp_path: Path) -> None:
    """By its style alone: nothing is dark, cut off, or for the mouse only."""
    show(browser, INT8_WINS, tmp_path, "dark")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    try:
        found = browser.execute_script(
            "const style = name => getComputedStyle(document.querySelector(name));"
            "return [style('body').backgroundColor, style('body').color, style('.scroll').overflowY,"
            " style('#trial-controls').display, style('.pin-hint').display, style('th button').display];"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    # Chromium leaves buttons out of a table's head that it repeats on the next page, but not their contents.
    assert found == ["rgb(255, 255, 255)", "rgb(26, 32, 39)", "visible", "none", "none", "contents"]
