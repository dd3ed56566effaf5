"""Which finalists have their float weights stored as f16, and what is said of it. Numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from decide_trials import FLOAT, REFERENCE, column, floating, goal, int8, judged, trial

from autotune.configuration import Configuration
from autotune.decide import choose, finalists
from autotune.decide.storage import costs_nothing, halved, saves, searched, storage, with_halved, worth_halving
from autotune.outcome import Status, Storage
from autotune.record import Trial

TOLERANCE = 0.01
MB = 1_000_000


def twin(number: int, of: Trial, drop: float, size: int) -> Trial:
    made = trial(number, halved(of.configuration), 1.0, drop, size=size)
    return replace(made, origin="storage")


BASE = trial(0, FLOAT, 1.0, 0.0, size=8 * MB)
BF16 = trial(1, floating("bf16"), 1.5, 0.001, size=8 * MB)
INT8 = trial(2, int8(), 2.0, 0.004, size=3 * MB)


def test_what_is_saved_must_be_worth_a_trial() -> None:
    assert saves(8 * MB, 4 * MB)
    assert not saves(8 * MB, 8 * MB - 390_000), "under 5 %"
    assert not saves(100_000, 50_000), "under 64 KiB"


def test_what_may_win_is_tried_with_f16_and_float_f32_only_where_nothing_promises_more() -> None:
    assert worth_halving([BASE, INT8, BF16], TOLERANCE) == [INT8, BF16]
    beyond, slow = trial(3, int8("b"), 3.0, 0.05, size=3 * MB), trial(4, int8("c"), 0.9, 0.0, size=3 * MB)
    assert worth_halving([BASE, beyond], TOLERANCE) == [BASE]
    assert worth_halving([BASE, slow], TOLERANCE) == [BASE, slow]
    assert worth_halving([BASE, trial(5, int8("d"), 2.0, 0.0, size=100_000)], TOLERANCE) == [], "too small to save much"
    assert worth_halving([BASE, trial(6, halved(int8()), 2.0, 0.0, size=3 * MB)], TOLERANCE) == [], "has them already"


def test_a_twentieth_of_the_tolerance_may_be_lost_and_luck_need_not_be_kept() -> None:
    assert costs_nothing(INT8, twin(9, INT8, 0.0044, MB), TOLERANCE)
    assert not costs_nothing(INT8, twin(9, INT8, 0.0046, MB), TOLERANCE)
    assert costs_nothing(INT8, twin(9, INT8, -0.1, MB), TOLERANCE)
    lucky = trial(3, int8("b"), 2.0, -0.002, size=MB)
    assert costs_nothing(lucky, twin(9, lucky, 0.0004, MB), TOLERANCE)
    assert not costs_nothing(lucky, twin(9, lucky, 0.0006, MB), TOLERANCE)
    assert not costs_nothing(INT8, replace(twin(9, INT8, 0.004, MB), state="failed", measurement=None), TOLERANCE)


def test_f16_takes_the_place_of_f32_so_that_no_finalist_is_added() -> None:
    good, bad = twin(7, INT8, 0.004, 2 * MB), twin(8, BF16, 0.003, 4 * MB)
    everything = [BASE, BF16, INT8, good, bad]
    assert searched(everything) == [BASE, BF16, INT8]
    assert with_halved([BASE, INT8, BF16], everything, TOLERANCE) == [BASE, good, BF16]


def test_float_f32_stays_the_reference_beside_itself_with_f16() -> None:
    own = twin(7, BASE, 0.0, 4 * MB)
    beyond = trial(3, int8("b"), 3.0, 0.05, size=3 * MB)
    assert with_halved([BASE, beyond], [BASE, beyond, own], TOLERANCE) == [BASE, beyond, own]
    assert with_halved([BASE, INT8], [BASE, INT8, own], TOLERANCE) == [BASE, INT8], "one more would widen all bounds"


@pytest.mark.parametrize(
    ("status", "limit", "winner", "outcome"),
    [
        ("proven", None, 7, "winner"),
        ("expected", None, 0, "winner"),  # float f32 is proven: the verdict would be another one
        ("expected", 5 * MB, 7, "winner"),
        ("beyond", 5 * MB, 0, "constraint-unmet"),
    ],
)
def test_where_float_f32_would_win_it_does_with_f16_if_that_changes_no_verdict(
    status: Status, limit: int | None, winner: int, outcome: str
) -> None:
    own = twin(7, BASE, 0.0, 4 * MB)
    asked = goal(max_size_bytes=limit)
    found = finalists([BASE, own], [column(2.0, 1), column(2.0, 2)], [REFERENCE, judged(status)], asked)
    decision = choose(found, asked)
    assert (decision.winner, decision.best_float, decision.outcome) == (winner, winner, outcome)
    assert decision.fastest_proven == (7 if status == "proven" else 0)


def said(winner: Trial, trials: list[Trial], **known: Any) -> Storage:
    return storage(winner, trials, TOLERANCE, **{"kept": {}, "judged": {}, **known})


def test_what_was_done_is_said_with_sizes_and_drops() -> None:
    good, bad = twin(7, INT8, 0.004, 2 * MB), twin(8, BF16, 0.003, 4 * MB)
    everything = [BASE, BF16, INT8, good, bad]
    done = said(good, everything)
    assert (done.float_weights, done.f32_bytes, done.f16_bytes) == ("f16", 3 * MB, 2 * MB)
    assert done.sentence == (
        "Float weights are stored as f16: 2 MB instead of 3 MB, with the same drop on the search split; "
        "the holdout judged f16."
    )
    left = said(BF16, everything)
    assert (left.float_weights, left.f32_drop, left.f16_drop) == ("f32", 0.001, 0.003)
    assert left.sentence == (
        "Float weights are stored as they were; as f16: 4 MB instead of 8 MB, with drop +0.003 on the search split "
        "instead of drop +0.001."
    )
    assert said(INT8, [BASE, INT8], kept={2: "f16 would save 1.0%"}).sentence == (
        "Float weights are stored as they were: f16 would save 1.0%."
    )
    from_the_start = trial(9, halved(int8()), 2.0, 0.0, size=MB)
    assert said(from_the_start, [BASE, from_the_start]).sentence == (
        "Float weights are stored as f16, as in all but float f32."
    )
    assert "others promised to be faster" in said(BASE, [BASE, INT8]).sentence
    own = twin(10, BASE, 0.0, 4 * MB)
    assert said(BASE, [BASE, own], judged={10: "expected"}).sentence.endswith(
        "on the search split; on the holdout it is expected, but not proven, to keep the tolerance."
    )


def test_how_weights_are_stored_is_part_of_a_configuration() -> None:
    assert halved(FLOAT).label == "float f32, float weights stored as f16"
    assert halved(FLOAT).digest != Configuration().digest
    assert halved(int8()).complexity == int8().complexity
