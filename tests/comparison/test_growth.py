"""Exponents, plots and page of the growth benchmark; generated graphs and one real point."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import openvino as ov
import pytest

from benchmarks.growth import PHASES, point, report
from benchmarks.loglog import Panel, last_slope, slope, svg
from benchmarks.stacks import KINDS, Kind, samples, stack


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_the_exponent_of_a_power_law_is_found(power: float) -> None:
    points = [(x, 3 * x**power) for x in (10.0, 30.0, 100.0)]
    assert slope(points) == pytest.approx(power, abs=1e-9)
    assert last_slope(points) == pytest.approx(power, abs=1e-9)


def test_a_fixed_cost_flattens_the_fit_but_less_its_end() -> None:
    points = [(x, 5 + 0.01 * x**2) for x in (10.0, 100.0, 1000.0)]
    assert (slope(points) or 0) < (last_slope(points) or 0) == pytest.approx(2, abs=0.03)


def test_one_size_has_no_exponent() -> None:
    assert slope([(10.0, 1.0), (10.0, 2.0)]) is None
    assert last_slope([(10.0, 1.0)]) is None


def test_plots_are_xml_with_a_line_each() -> None:
    lines = {"a < b": [(10.0, 0.02), (1000.0, 3.0)], "c": [(10.0, 1.0), (1000.0, 1.0)]}
    root = ElementTree.fromstring(svg([Panel("title", "x", lines), Panel("other", "x", lines)]))
    assert len(root.findall(".//{http://www.w3.org/2000/svg}polyline")) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_stacks_run_and_have_what_was_asked_for(kind: Kind) -> None:
    model = stack(kind, 30)
    heavy = [n for n in model.get_ops() if n.get_type_name() in ("Convolution", "MatMul")]
    assert len(heavy) == 20
    found = ov.compile_model(stack(kind, 300), "CPU")(samples(kind, 2)[:1])[0]
    assert 0.01 < abs(found).max() < 1e3


def test_a_failed_point_is_a_row_with_its_reason(tmp_path: Path) -> None:
    found = point("nonsense", 10, 10)
    assert "exit 1" in found["failure"]
    good = {
        "kind": "matmul", "asked": 10, "operators": 9, "samples": 10, "failure": None, "start_mib": 10.0,
        "peak_mib": 12.0, **{f"{p}_{u}": 0.5 for p in PHASES
                             for u in ("seconds", "cpu")},
    }  # fmt: skip
    rows = [{"growing": "operators", **r} for r in (good, {**good, "operators": 90, "peak_mib": 30.0}, found)]
    report(rows, tmp_path)
    page = (tmp_path / "growth.md").read_text()
    assert "| preparing, s | 0.5 | 0.5 | 0.00 | 0.00 |" in page
    assert "| memory, MiB | 2 | 20 | 1.00 | 1.00 |" in page
    assert "nonsense" in page


@pytest.mark.slow
def test_a_point_is_measured_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "benchmarks.growth_point", "matmul", "6", "20"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    row = json.loads(done.stdout.splitlines()[-1])
    assert row["operators"] == 6
    assert row["peak_mib"] >= row["start_mib"] > 10
    assert all(row[f"{phase}_seconds"] > 0 for phase in PHASES)
