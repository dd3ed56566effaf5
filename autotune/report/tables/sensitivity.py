"""sensitivity.csv: what int8 costs and gains each operator, as the search looked at it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from autotune.findings import FrameFindings, OperatorFinding
from autotune.outcome import RunRecord
from autotune.record import Measurement
from autotune.report.lookup import Lookup
from autotune.report.tables.columns import Column, Table, nine

if TYPE_CHECKING:
    import pandas as pd

SENSITIVITY = Table(
    "sensitivity.csv",
    "One row per operator, or group of operators that the search looks at together, of each configuration with "
    "everything int8 that was looked at (a frame), in the order of looking. The search looks at few frames, where that "
    "promises something faster; where it looked at none, there is one row per operator that can be quantised, with the "
    "times as they ran.",
    (
        Column("frame", "Int64", "", "number of the frame, from 0; empty where none was looked at"),
        Column("frame_configuration", "string", "", "SHA-256 of its configuration, as in trials.csv"),
        Column("frame_label", "string", "", "its configuration in words"),
        Column("group", "Int64", "", "number of the row within its frame, from 0"),
        Column("operators", "string", "", "JSON list of the operators' names"),
        Column("types", "string", "", "their OpenVINO types, joined by +"),
        Column("cost_int8_alone", "Float64", "share", "squared error of the outputs over their variance when only "
               "these are int8, by emulation; empty where only the time was looked at"),
        Column("taken_back_by_float_alone", "Float64", "share", "by how much the squared error of everything "
               "int8, over the same variance, shrinks when only these are float, by emulation on 4 to 8 samples; below "
               "0 it grows; empty where the time for looking at operators did not allow it"),
        Column("predicted_gain_us", "Float64", "µs", "what int8 saves them, by profile of the frame and of its float "
               "model, conversions at borders left out; below 0 int8 is slower"),
        Column("float_share", "Float64", "share", "their part of the profiled time of float f32"),
        Column("winner_share", "Float64", "share", "their part of the profiled time of the winner"),
        Column("winner_scheme", "string", "", "how they ran in the winner: float, int8-static, int8-weights, "
               "int8-dynamic, int4-weights or int4-dynamic, joined by +; empty where they ran inside other operators"),
    ),
)  # fmt: skip


def sensitivity_frame(run: RunRecord) -> pd.DataFrame:
    """Return sensitivity.csv of a run."""
    return SENSITIVITY.frame(_rows(run))


def _rows(run: RunRecord) -> Iterator[dict[str, Any]]:
    found = Lookup(run)
    baseline = found.baseline.measurement if found.baseline is not None else None
    winner = found.measurement(run.winner) if found.winner is not None else None
    before, after = _shares(baseline), _shares(winner)
    schemes: dict[str, str] = {}
    for op in winner.operators if winner is not None else ():
        if schemes.get(op.name, "float") == "float":  # a bias computed apart has the name of its operator
            schemes[op.name] = op.scheme
    for frame, number, finding in _findings(run):
        yield {
            "group": number,
            "operators": json.dumps(finding.operators),
            "types": "+".join(sorted({run.model.operators.get(name, "") for name in finding.operators} - {""})) or None,
            "float_share": _sum(before, finding.operators),
            "winner_share": _sum(after, finding.operators),
            "winner_scheme": "+".join(sorted({schemes[n] for n in finding.operators if n in schemes})) or None,
            **({} if frame is None else _looked_at(run.frames.index(frame), frame, finding)),
        }


def _findings(run: RunRecord) -> Iterator[tuple[FrameFindings | None, int, OperatorFinding]]:
    """Yield what was found out; without it the operators alone, whose cost and gain nobody looked at."""
    for frame in run.frames:
        for number, finding in enumerate(frame.operators):
            yield frame, number, finding
    if not run.frames:
        for number, name in enumerate(run.model.operators):
            yield None, number, OperatorFinding((name,), None, 0.0)


def _looked_at(number: int, frame: FrameFindings, finding: OperatorFinding) -> dict[str, Any]:
    return {
        "frame": number,
        "frame_configuration": frame.frame.digest,
        "frame_label": frame.frame.label,
        "cost_int8_alone": nine(finding.cost),
        "taken_back_by_float_alone": nine(finding.taken_back),
        "predicted_gain_us": nine(finding.gain),
    }


def _shares(measured: Measurement | None) -> dict[str, float]:
    """By operator; empty where no times were recorded."""
    runs = measured.operators if measured is not None else ()
    total = sum(op.microseconds for op in runs)
    shares: defaultdict[str, float] = defaultdict(float)
    for op in runs if total > 0 else ():
        shares[op.name] += op.microseconds / total
    return shares


def _sum(shares: dict[str, float], operators: Iterable[str]) -> float | None:
    found = [shares[name] for name in operators if name in shares]
    return nine(sum(found)) if found else None
