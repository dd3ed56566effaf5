"""Several finished runs side by side: read, compared, written as a page and a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotune.errors import UserError
from autotune.files import write_text
from autotune.folder import RunFolder
from autotune.report.comparison.html import MARK, render
from autotune.report.comparison.page import Comparison
from autotune.report.comparison.view import compare
from autotune.report.named import name_runs
from autotune.report.tables import COMPARISON, as_csv, comparison_frame
from autotune.report.write import load_record

# A page is known by what stands this near its top, a table by its first line.
_TOP = 1000


def write_comparison(directories: Sequence[Path], page: Path) -> Comparison:
    """Write ``page`` and a CSV file of the same name beside it; older comparisons there are replaced.

    Args:
        directories: of two or more finished runs.
        page: named ``*.html``.

    Raises:
        UserError: a folder is named twice or holds no finished run, ``page`` has another suffix, or a file there is not
            a comparison.
    """
    if page.suffix != ".html":
        raise UserError(f"--output {page}: the comparison is a page; give it a name that ends in .html.")
    seen: dict[Path, Path] = {}
    for directory in directories:
        if (same := seen.setdefault(directory.resolve(), directory)) is not directory:
            raise UserError(f"{directory}: is the same run as {same}; name each run once.")
    table = page.with_suffix(".csv")
    _check_ours(page, MARK)
    _check_ours(table, ",".join(COMPARISON.types))
    runs = name_runs([(d, load_record(RunFolder(d).record)) for d in directories])
    comparison = compare(runs)
    write_text(table, as_csv(comparison_frame(runs)))
    write_text(page, render(comparison))
    return comparison


def _check_ours(path: Path, mark: str) -> None:
    """Raise UserError where there is something else than an earlier comparison."""
    if not path.exists() and not path.is_symlink():
        return
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            if mark in file.read(_TOP):
                return
    raise UserError(f"--output {path}: is not a comparison that autotune wrote; choose another name or move it away.")
