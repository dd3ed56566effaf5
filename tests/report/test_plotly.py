"""The plotly.js of the report: the version that is pinned, and every kind of mark that charts draw."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

from report_runs import INT8_WINS

from autotune.report.charts import figures
from autotune.report.view import view

ROOT = Path(__file__).resolve().parents[2]
TOOL, BUILT = ROOT / "tools" / "plotly", ROOT / "autotune" / "report" / "plotly"


def test_version_and_licences_are_those_of_what_it_is_built_from() -> None:
    pinned = json.loads((TOOL / "package.json").read_text())["devDependencies"]["plotly.js"]
    script = gzip.decompress((BUILT / "plotly.min.js.gz").read_bytes()).decode()
    assert f'"{pinned}"' in script
    licences = (BUILT / "LICENSES.txt").read_text()
    assert f"plotly.js {pinned}\n\nMIT License" in licences
    assert "\nundefined" not in licences


def test_every_kind_of_mark_is_in_it() -> None:
    listed = re.search(r"const TRACES = (\[.*?\])", (TOOL / "build.js").read_text())
    assert listed is not None
    drawn = {trace["type"] for figure in figures(view(INT8_WINS)).values() for trace in figure["data"]}
    assert drawn <= {"scatter", *json.loads(listed[1])}
    assert {"bar", "box", "scatter"} <= drawn
