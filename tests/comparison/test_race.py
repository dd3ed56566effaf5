"""Models in common rounds: any two of them can be compared."""

from __future__ import annotations

import numpy as np
import pytest
from test_contest import OURS, ROW

from benchmarks import contest
from benchmarks.race import against


def test_speeds_are_ratios_within_a_round() -> None:
    """A busy minute doubles both times of a round, and leaves the ratio alone."""
    busy = np.repeat([1.0, 2.0], 10)[:, None]
    table = busy * np.array([[4.0, 2.0, 1.0]])
    over_first, over_second = (against(table, [reference] * 3, 0.95) for reference in (0, 1))
    assert [one["estimate"] for one in over_first] == pytest.approx([1.0, 2.0, 4.0])
    assert [one["estimate"] for one in over_second] == pytest.approx([0.5, 1.0, 2.0])
    assert [one["estimate"] for one in against(table, [0, 0, 1], 0.95)] == pytest.approx([1.0, 2.0, 2.0])
    assert over_first[2]["low"] == over_first[2]["high"] == pytest.approx(4.0)


def test_models_of_other_rounds_do_not_meet() -> None:
    raced = {**OURS, "raced": "2026-11-25T01:00:00"}
    (match,) = contest.matches([ROW, raced], 0.01)
    assert match.peer == "float f32"
    (match,) = contest.matches([{**ROW, "raced": raced["raced"]}, raced], 0.01)
    assert match.peer == "nncf-quantize default"
    assert contest.against_each([ROW, raced], 0.01) == {}


def test_a_peer_that_failed_meets_everyone_as_float() -> None:
    raced = {**OURS, "raced": "2026-11-25T01:00:00"}
    failed = {**ROW, "failure": "does not install"}
    assert contest.against_each([failed, raced], 0.01) == {"nncf-quantize default": (1, pytest.approx(3.0))}
