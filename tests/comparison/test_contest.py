"""Who wins is a pure function of the rows."""

from __future__ import annotations

import pytest
from test_table import ROW

from benchmarks import contest, page
from benchmarks.table import tool_name
from benchmarks.tools import first_faster, overhead

OURS = {**ROW, "tool": "autotune", "variant": None, "max_drop": 0.01, "precision": "deployed", "speed": 3.0}
FLOAT = {**ROW, "tool": "openvino-float", "variant": None, "precision": "bf16", "speed": 1.5, "drop": 0.0}
BEYOND = {**ROW, "variant": "mixed", "speed": 4.0, "drop": 0.1, "drop_upper": 0.2}


def test_the_best_peer_within_the_tolerance_is_met() -> None:
    (match,) = contest.matches([ROW, FLOAT, BEYOND, OURS], 0.01)
    assert (match.model, match.ours, match.best, match.peer) == ("digits", 3.0, 2.0, "nncf-quantize default")
    assert match.ratio == pytest.approx(1.5)


def test_what_is_beyond_the_tolerance_counts_as_float() -> None:
    failed = {**OURS, "drop": 0.05, "drop_upper": 0.06}
    (match,) = contest.matches([BEYOND, failed], 0.01)
    assert (match.ours, match.best, match.peer) == (1.0, 1.0, "float f32")


def test_means_are_over_models_that_both_were_run_on() -> None:
    rows = [ROW, OURS, {**ROW, "model": "photos", "speed": 6.0}, {**OURS, "model": "photos"}, {**ROW, "model": "notes"}]
    assert contest.against_each(rows, 0.01) == {"nncf-quantize default": (2, pytest.approx((1.5 * 0.5) ** 0.5))}


def test_other_tolerances_are_another_contest() -> None:
    accuracy_control = {**ROW, "tool": "nncf-accuracy-control", "variant": "plain", "max_drop": 0.005, "speed": 9.0}
    (match,) = contest.matches([ROW, accuracy_control, OURS], 0.01)
    assert match.peer == "nncf-quantize default"
    assert contest.markdown([ROW, OURS], 0.005) == ""


def test_a_loss_is_marked_on_the_page() -> None:
    text = page.document([{**ROW, "speed": 3.2}, OURS])
    assert "| digits | 3.00 | 3.20 | nncf-quantize default | 0.94 **loss** |" in text
    assert "loss" not in page.document([{**ROW, "speed": 3.05}, OURS])


def test_peers_that_were_in_other_rounds_are_left_out_and_that_is_said() -> None:
    own, peer = {**OURS, "raced": "a"}, {**ROW, "raced": "a"}
    other = {**FLOAT, "raced": "b", "speed": 9.0}
    (match,) = contest.matches([peer, other, own], 0.01)
    assert match.peer == "nncf-quantize default"
    assert contest.left_out([peer, other, own], 0.01) == {tool_name(other): ["digits"]}
    text = page.document([peer, other, own])
    assert f"left out of the contest on that model. Left out here: {tool_name(other)} (digits).\n" in text
    assert "Left out here: none." in page.document([peer, own])


def test_the_course_of_a_run_stands_beside_one_quantisation() -> None:
    own = {**OURS, "seconds": 60.0, "evaluations": 30.0, "first_seconds": 9.0, "overhead": 0.1234}
    assert "| digits | 60 | 9 | 12 | 30 | 30 | 12 % |" in contest.course([ROW, own], 0.01)
    assert contest.course([ROW, OURS], 0.01) == ""


def test_overhead_is_all_that_is_not_inference_compilation_or_timing() -> None:
    phases = {"observe": 2.0, "inference": 10.0, "build": 1.0, "compile": 20.0, "score": 30.0, "latency": 20.0}
    assert overhead({**phases, "search": 90.0}) == pytest.approx(10 / 90)  # 7 s of the search are in no phase
    assert overhead({**phases, "search": 70.0}) == pytest.approx(3 / 83)


def test_float_against_itself_is_nothing_faster() -> None:
    itself = {"seconds": 4.0, "speedup": 1.007, "trial": 0}
    assert first_faster([itself, {"seconds": 9.0, "speedup": 1.25, "trial": 1}]) == 9.0
    assert first_faster([itself]) is None
