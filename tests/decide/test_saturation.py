"""What saturation costs: signs and words."""

from __future__ import annotations

from decide_trials import goal

from autotune.decide import saturation, saturation_sentence
from autotune.outcome import Saturation


def test_a_positive_cost_is_worse_whichever_way_the_metric_goes() -> None:
    assert saturation(0.75, 1.0, 60, goal()) == Saturation(0.75, 1.0, 0.25, 60)
    assert saturation(1.5, 1.0, 60, goal(higher_is_better=False)).cost == 0.5


def test_the_sentence_says_what_is_lost() -> None:
    lost = saturation_sentence(saturation(0.75, 0.875, 60, goal()), goal())
    assert lost == (
        "Saturation of 8-bit sums costs 0.125: accuracy of the winner is 0.75 on the 60 search samples, 0.875 with the "
        "same int8 emulated in floats."
    )
    assert "costs nothing" in saturation_sentence(saturation(0.75, 0.75, 60, goal()), goal())
    assert "gains 0.25" in saturation_sentence(saturation(0.75, 0.5, 60, goal()), goal())
