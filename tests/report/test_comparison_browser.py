"""The comparison in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_runs import INT8_WINS, INTERRUPTED
from test_browser import browser, pytestmark  # noqa: F401  # the same driver, skipped for the same reason
from test_comparison import OTHER, together

from autotune.report.comparison.html import render


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_comparison_is_drawn_and_filtered(browser: Any, scheme: str, tmp_path: Path) -> None:  # noqa: F811
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    path = tmp_path / "comparison.html"
    path.write_text(render(together(INT8_WINS, OTHER, INTERRUPTED)), encoding="utf-8")
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(path.as_uri())
    drawn = "return document.querySelector('[data-figure=speeds]').dataset.drawn"
    WebDriverWait(browser, 60).until(lambda b: b.execute_script(drawn))
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.execute_script("return document.querySelectorAll('img, b').length") == 0
    points = "return document.querySelectorAll('[data-figure=speeds] .scatterlayer path.point').length"
    assert browser.execute_script(points) == 2  # the interrupted run has no winner

    def shown(anchor: str) -> list[str]:
        heads = browser.find_elements(By.CSS_SELECTOR, f"#{anchor} tbody th")
        return [head.text for head in heads if head.is_displayed()]

    assert len(shown("versions")) == 5
    browser.find_element(By.ID, "differences").click()
    assert shown("versions") == ["openvino"]
    size = {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        narrow = "return document.documentElement.scrollWidth <= 380"  # the plot follows a moment later
        WebDriverWait(browser, 20).until(lambda b: b.execute_script(narrow))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
