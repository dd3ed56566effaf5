"""What the measurements mean: the front, the finalists, the verdict on each and the winner. Pure functions."""

from autotune.decide.choice import Decision, choose, finalists
from autotune.decide.digits import digits, drop_words
from autotune.decide.duel import has_changed, is_affordable, is_close, placed
from autotune.decide.front import Point, calibrated, fits, pareto_front, pick_finalists, points, without_one
from autotune.decide.holding import differences, still_holds
from autotune.decide.ladder import (
    ERRORS,
    dominant,
    fast_enough,
    is_served,
    ladder,
    rung_of,
    taught,
    to_train,
    trainable,
)
from autotune.decide.plausible import doubt
from autotune.decide.saturation import saturation, saturation_sentence
from autotune.decide.storage import (
    costs_nothing,
    halved,
    large_enough,
    saves,
    searched,
    storage,
    with_halved,
    worth_halving,
)
from autotune.decide.verdict import verdict

__all__ = [
    "ERRORS",
    "Decision",
    "Point",
    "calibrated",
    "choose",
    "costs_nothing",
    "differences",
    "digits",
    "dominant",
    "doubt",
    "drop_words",
    "fast_enough",
    "finalists",
    "fits",
    "halved",
    "has_changed",
    "is_affordable",
    "is_close",
    "is_served",
    "ladder",
    "large_enough",
    "pareto_front",
    "pick_finalists",
    "placed",
    "points",
    "rung_of",
    "saturation",
    "saturation_sentence",
    "saves",
    "searched",
    "still_holds",
    "storage",
    "taught",
    "to_train",
    "trainable",
    "verdict",
    "with_halved",
    "without_one",
    "worth_halving",
]
