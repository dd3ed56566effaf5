from __future__ import annotations

import json
from dataclasses import replace

import pytest
from report_runs import FLOAT_WINS, INT8_WINS, INTERRUPTED, OUTCOMES

from autotune.outcome import RunRecord
from autotune.record import Interval
from autotune.report.summary import summary


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_it_is_json_without_nan_and_has_every_key(run: RunRecord) -> None:
    figures = json.loads(json.dumps(summary(run), allow_nan=False))
    assert set(figures["verdict"]) >= {"status", "drop", "drop_upper", "tolerance", "confidence", "n"}
    for name in ("speedup", "speedup_best_float"):
        assert set(figures[name]) == {"ratio", "low", "high"}
    assert set(figures["seconds"]) == {
        "observe",
        "inference",
        "build",
        "compile",
        "score",
        "latency",
        "search",
        "report",
    }
    assert set(figures) >= {
        "name", "outcome", "sentence", "metric", "splits", "winner", "fastest_proven", "trials", "failures",
        "wall_seconds", "fingerprint",
    }  # fmt: skip
    assert set(figures) == set(summary(INT8_WINS))


def test_figures_of_the_winner() -> None:
    figures = summary(INT8_WINS)
    assert figures["verdict"] == {
        "status": "expected",
        "drop": 0.0022,
        "drop_upper": 0.0096,
        "tolerance": 0.00895,
        "confidence": 0.95,
        "n": 1800,
        "method": "exact paired",
        "score": pytest.approx(0.8929),
        "float_score": 0.8951,
        "more_samples": 410,
        "groups": None,
        "more_groups": None,
    }
    assert figures["speedup"] == {"ratio": 3.5, "low": pytest.approx(3.43), "high": pytest.approx(3.57)}
    assert figures["winner"]["trial"] == 4
    assert figures["fastest_proven"]["trial"] == 3
    assert (figures["trials"], figures["failures"]) == (8, 1)
    assert figures["states"] == {"complete": 5, "stopped": 1, "duplicate": 1, "failed": 1}
    assert figures["metric"] == {"name": "accuracy", "higher_is_better": True}
    assert figures["fingerprint"]["cpu"] == "AMD EPYC 9R14"


def test_without_finalists_the_figures_are_none() -> None:
    figures = summary(INTERRUPTED)
    assert set(figures["verdict"].values()) == {None}
    assert (figures["winner"], figures["fastest_proven"], figures["speedup"]["ratio"]) == (None, None, None)


def test_what_is_not_finite_becomes_none() -> None:
    run = replace(
        FLOAT_WINS, finalists=(replace(FLOAT_WINS.finalists[0], speedup=Interval(1.0, float("nan"), float("inf"))),)
    )
    assert summary(run)["speedup"] == {"ratio": 1.0, "low": None, "high": None}
