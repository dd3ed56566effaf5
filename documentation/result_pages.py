"""Pages of the benchmarks' results: a page per CPU and table, with its files as they are in the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path("benchmarks") / "results"


def result_files(root: Path) -> Iterator[tuple[str, Path | str]]:
    """Return the files that the site gets: address, and the file or, of pages, the text."""
    for folder in sorted(path for path in (root / RESULTS).iterdir() if path.is_dir()):
        under = f"results/{folder.name}"
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            yield (f"{under}/{file.name}", file)
        yield f"{under}/index.md", _overview(folder)


def results_list(root: Path) -> str:
    """Return links to the pages of the CPUs, seen from ``docs/``."""
    folders = sorted(path.name for path in (root / RESULTS).iterdir() if path.is_dir())
    return "\n".join(f"* [{name}](results/{name}/index.md)" for name in folders)


def _overview(folder: Path) -> str:
    lines = [f"# Benchmarks on {folder.name}\n"]
    machine = folder / "machine.json"
    if machine.is_file():
        lines += ["```json", json.dumps(json.loads(machine.read_text()), indent=1), "```", ""]
    tables = sorted(folder.glob("*.md"))
    files = sorted(path for path in folder.iterdir() if path.is_file() and path not in (*tables, machine))
    lines += ["Tables, each written by the command of that name:\n"] if tables else []
    lines += [f"* [{table.stem}]({table.name})" for table in tables]
    lines += ["\nThe raw numbers:\n"] if files else []
    lines += [f"* [{file.name}]({file.name})" for file in files]
    return "\n".join(lines) + "\n"
