"""Models in common rounds: any two of them can be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_contest import OURS, ROW

from autotune.measure.compiled import deploy_properties
from benchmarks import contest
from benchmarks.race import Entries, Entry, against, race
from benchmarks.runtimes import OnnxRuntimeModel, OpenVinoModel

DIGITS = str(Path(__file__).parents[2] / "recipes" / "digits" / "digits.onnx")


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


def test_a_runtime_that_was_in_the_rounds_meets_only_those_of_them() -> None:
    other = {**ROW, "runtime": "onnxruntime"}
    raced = {**OURS, "raced": "a"}
    assert contest.against_each([other, raced], 0.01)  # not raced: pairs of its own are all that there is
    assert not contest.against_each([{**other, "raced": "b"}, raced], 0.01)
    assert contest.against_each([{**other, "raced": "a"}, raced], 0.01)


def test_both_runtimes_are_timed_in_the_same_rounds(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32)
    np.savez(tmp_path / "holdout.npz", **{"holdout/inputs/image": images})
    entries = (Entry(DIGITS, deploy_properties("f32", 1)), Entry(DIGITS, {}, runtime="onnxruntime"))
    told = race(Entries(entries, 1, str(tmp_path / "holdout.npz"), 0.1, 0.95))
    (own, other) = told["speed"]
    assert own == {"estimate": 1.0, "low": 1.0, "high": 1.0}
    assert isinstance(other, dict) and 0 < other["low"] <= other["estimate"] <= other["high"]


def test_what_is_timed_in_both_runtimes_computes_the_same() -> None:
    image = np.random.default_rng(0).random((1, 1, 28, 28), dtype=np.float32)
    ours = OpenVinoModel(DIGITS, deploy_properties("f32", 1), {"image": image})
    theirs = OnnxRuntimeModel(DIGITS, 1)
    for model in (ours, theirs):
        model.caller([{"image": image * 0}, {"image": image}])()
    (one,), (other,) = (model.infer({"image": image}) for model in (ours, theirs))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
