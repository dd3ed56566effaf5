from __future__ import annotations

import pytest

from autotune.decide import has_changed, is_affordable, is_close, placed
from autotune.record import Interval


@pytest.mark.parametrize(
    ("own", "rival", "close"),
    [
        (Interval(2.00, 1.95, 2.05), Interval(2.00, 1.95, 2.05), True),
        (Interval(1.90, 1.88, 1.92), Interval(2.20, 2.17, 2.23), True),  # seen of one candidate: 1.92 * 1.15 = 2.208
        (Interval(1.80, 1.78, 1.82), Interval(2.20, 2.17, 2.23), False),  # 1.82 * 1.15 = 2.093 < 2.17
        (Interval(2.20, 2.17, 2.23), Interval(1.90, 1.88, 1.92), True),  # 1.92 * 1.15 = 2.208 >= 2.17
        (Interval(2.40, 2.37, 2.43), Interval(1.90, 1.88, 1.92), False),  # far ahead: no doubt
        (Interval(1.50, 1.10, 1.90), Interval(2.20, 2.17, 2.23), True),  # a wide interval may be anything
    ],
)
def test_which_speeds_may_be_in_the_wrong_order(own: Interval, rival: Interval, close: bool) -> None:
    assert is_close(own, rival) is close


def test_comparing_takes_a_small_part_of_the_run() -> None:
    assert is_affordable(0.0, 0.0)
    assert is_affordable(2.9, 100.0)
    assert not is_affordable(3.1, 100.0)


OWN, RIVAL = Interval(2.1, 2.0, 2.2), Interval(2.0, 1.9, 2.1)


def test_a_speed_is_the_rival_s_times_the_ratio() -> None:
    found = placed(OWN, RIVAL, Interval(1.1, 1.05, 1.2))
    assert (found.estimate, found.low, found.high) == pytest.approx((2.2, 1.995, 2.52))


@pytest.mark.parametrize(
    ("ratio", "ahead"),
    [(Interval(1.05, 1.01, 1.09), True), (Interval(1.05, 0.99, 1.11), False), (Interval(0.9, 0.89, 0.91), False)],
)
def test_only_who_is_faster_beyond_doubt_comes_before_the_rival(ratio: Interval, ahead: bool) -> None:
    assert (placed(OWN, RIVAL, ratio).low > RIVAL.low) is ahead


def test_pairs_in_which_nothing_can_be_seen_change_nothing() -> None:
    """The own interval spans a factor of 1.1, with the drift 1.265."""
    assert placed(OWN, RIVAL, Interval(1.5, 1.0, 1.27)) == OWN
    assert placed(OWN, RIVAL, Interval(1.1, 1.0, 1.26)).estimate == pytest.approx(2.2)


def test_a_machine_has_changed_when_float_takes_much_longer_or_shorter() -> None:
    assert has_changed(0.65, 0.30)
    assert has_changed(0.30, 0.65)
    assert not has_changed(0.30, 0.33)
