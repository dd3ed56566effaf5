"""The site builds without a warning, and its pages load nothing from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pages import ROOT, written_pages

pytest.importorskip("mkdocs", reason="needs autotune[docs]")
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Loads(HTMLParser):
    """Collects what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if LOADED.get(tag) == key and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(built)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return built


def test_every_page_is_there(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in written_pages()}
    pages |= {f"reference/{name}.html" for name in ("commands", "python", "recipe")}
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    assert pages <= built
    assert any(name.startswith("results/") for name in built)


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        elsewhere = [address for address in Loads(page.read_text()).found if "//" in address]
        assert not elsewhere, page
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text()


def test_benchmarks_link_the_tables(site: Path) -> None:
    page = (site / "benchmarks.html").read_text()
    assert all(f"results/{folder.name}/index.html" in page for folder in (ROOT / "benchmarks" / "results").iterdir())
