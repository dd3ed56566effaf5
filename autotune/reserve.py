"""How long what comes after the search will take, from what trials took; so that ``--timeout`` holds for it all. Pure.

What is left over in the end goes into timing the finalists, which comes last of what can be short or long.
"""

from __future__ import annotations

from collections.abc import Sequence

from autotune import stats
from autotune.protocol import Prepared
from autotune.record import SplitSizes, Trial

# Timing finalists: rounds, and seconds with compiling them, where nothing else limits it.
RACE_ROUNDS = 100
RACE_SECONDS = 30.0
# The least: as many rounds as an interval needs.
SHORT_RACE_ROUNDS = 12
SHORT_RACE_SECONDS = 3.0
# Writing model and report, and ending.
WRITING_SECONDS = 2.5
# An emulated inference takes at most so many times as long as one of float f32 (1.1 to 1.2 on magika and PP-LCNet).
EMULATED = 1.5


def scoring_seconds(prepared: Prepared, samples: int) -> float:
    """How long float f32 takes for so many samples."""
    latency = prepared.baseline.latency
    return samples * (latency.median_ms if latency else 0.0) / 1000


def judging_seconds(prepared: Prepared, sizes: SplitSizes, finalists: Sequence[Trial]) -> float:
    """How long the holdout takes: float f32, then each finalist built, compiled and scored, and its bound."""
    share = sizes.holdout / max(1, sizes.search)
    bound = 2 * stats.RESAMPLES_CORPUS * prepared.metric_seconds * share
    judged = [t for t in finalists if t.seconds.compile > 0]
    scoring = sum(_making(t) + bound + _full_score(t, sizes.search) * share for t in judged)
    return scoring_seconds(prepared, sizes.holdout) + scoring


def racing_seconds(finalists: Sequence[Trial]) -> float:
    """How long timing the finalists takes at least."""
    return SHORT_RACE_SECONDS + sum(_making(t) for t in finalists)


def leaving_seconds(prepared: Prepared, sizes: SplitSizes, finalists: Sequence[Trial]) -> float:
    """How long comes after that: the winner compiled and written; where its sums can saturate, also emulated."""
    one = max((_making(t) for t in finalists), default=0.0)
    emulating = one + EMULATED * scoring_seconds(prepared, sizes.search) if prepared.model.can_saturate else 0.0
    return WRITING_SECONDS + one + emulating


def trial_seconds(trial: Trial) -> float:
    """How long a trial took."""
    spent = trial.seconds
    return spent.observe + spent.inference + _making(trial) + spent.score + spent.latency


def _making(trial: Trial) -> float:
    return trial.seconds.build + trial.seconds.compile


def _full_score(trial: Trial, samples: int) -> float:
    """Seconds for so many samples; of a trial that was given up early, from those that it was scored on."""
    scored = trial.measurement.samples if trial.measurement else 0
    return trial.seconds.score * samples / scored if scored else 0.0
