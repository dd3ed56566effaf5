"""How long what comes after the search will take, from what trials took; so that ``--timeout`` holds for it all. Pure.

What is left over goes into timing the finalists, which can be short or long.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from autotune import stats
from autotune.configuration import Configuration
from autotune.outcome import SplitSizes
from autotune.protocol import Prepared
from autotune.record import Trial

# Timing finalists: rounds, and seconds with compiling them, where nothing else limits it.
RACE_ROUNDS = 100
RACE_SECONDS = 30.0
# The least: as many rounds as an interval needs.
SHORT_RACE_ROUNDS = 12
SHORT_RACE_SECONDS = 3.0
# What judging may take longer than estimated, as a share of it.
SLACK = 0.3
# How many of the last trials tell how long things take now.
RECENT = 8
# Writing model, record and report, what mattered worked out, starting the process that compares the model, and ending.
WRITING_SECONDS = 4.0
# A fresh process that loads and runs a written model, for its peak memory, apart from compiling it.
FOOTPRINT_SECONDS = 1.0
# An emulated inference takes at most so many times as long as one of float f32 (1.1 to 1.2 on magika and PP-LCNet).
EMULATED = 1.5


def scoring_seconds(prepared: Prepared, samples: int, trials: Sequence[Trial] = ()) -> float:
    """How long float f32 takes for so many samples; with ``trials``, at the pace of the last of them."""
    latency = prepared.baseline.latency
    recent = [pace for pace in map(_pace, trials) if pace][-RECENT:]
    pace = statistics.median(recent) if recent else latency.median_ms / 1000 if latency else 0.0
    return samples * prepared.members * pace * _overhead(trials, prepared.members)


def judging_seconds(
    prepared: Prepared, sizes: SplitSizes, finalists: Sequence[Trial], trials: Sequence[Trial]
) -> float:
    """How long the holdout takes: float f32, then each finalist built, compiled and scored, and its bound.

    What a finalist took is scaled to the pace of the last trials: on a shared machine that changes within a run.
    """
    one = scoring_seconds(prepared, 1, trials) / (_overhead(trials, prepared.members) * prepared.members)
    share = sizes.holdout / max(1, sizes.search)
    bound = 2 * stats.RESAMPLES_CORPUS * prepared.metric_seconds * share
    total = scoring_seconds(prepared, sizes.holdout, trials)
    for trial in finalists:
        if trial.configuration != Configuration():
            pace = _pace(trial)
            slower = one / pace if pace else 1.0
            total += bound + slower * (_making(trial) + _full_score(trial, sizes.search) * share)
    return total


def finishing_seconds(
    prepared: Prepared,
    sizes: SplitSizes,
    finalists: Sequence[Trial],
    trials: Sequence[Trial],
    slack: float = SLACK,
    *,
    weighed: bool = False,
) -> float:
    """How long all that comes after the search takes: at least the shortest timing, then judging and the rest.

    Args:
        slack: what judging may take longer than estimated, as a share of it.
        weighed: the peak memory of each finalist is measured, not only that of float f32 and the winner.
    """
    timing = SHORT_RACE_SECONDS + sum(_making(t) for t in finalists)
    return timing + after_timing_seconds(prepared, sizes, finalists, trials, slack, weighed=weighed)


def after_timing_seconds(
    prepared: Prepared,
    sizes: SplitSizes,
    finalists: Sequence[Trial],
    trials: Sequence[Trial],
    slack: float = SLACK,
    *,
    weighed: bool = False,
) -> float:
    """How long what comes after timing the finalists takes: judging, their memory, the rest; as for
    :func:`finishing_seconds`.
    """
    judging = judging_seconds(prepared, sizes, finalists, trials)
    others = sum(FOOTPRINT_SECONDS + _making(t) for t in finalists[2:]) if weighed else 0.0
    return (1 + slack) * judging + others + leaving_seconds(prepared, sizes, finalists)


def leaving_seconds(prepared: Prepared, sizes: SplitSizes, finalists: Sequence[Trial]) -> float:
    """How long comes after that: the winner written and loaded again, its peak memory and float f32's measured; where
    its sums can saturate, also emulated.
    """
    one = max((_making(t) for t in finalists), default=0.0)
    emulating = one + EMULATED * scoring_seconds(prepared, sizes.search) if prepared.model.can_saturate else 0.0
    return WRITING_SECONDS + one + 2 * (FOOTPRINT_SECONDS + one) + emulating


def trial_seconds(trial: Trial) -> float:
    """How long a trial took."""
    spent = trial.seconds
    return spent.observe + spent.inference + _making(trial) + spent.score + spent.latency


def _pace(trial: Trial) -> float:
    """Return the seconds of one inference of float f32 while this trial was timed; 0 where it was not."""
    latency = trial.measurement.latency if trial.measurement else None
    return statistics.median(latency.baseline_ms) / 1000 if latency else 0.0


def _overhead(trials: Sequence[Trial], members: int) -> float:
    """How many times as long as its inferences scoring takes: the median of the last trials."""
    known = []
    for trial in trials:
        found = trial.measurement
        if found and found.latency and found.samples and trial.state == "complete" and trial.seconds.score > 0:
            known.append(trial.seconds.score / (found.samples * members * found.latency.median_ms / 1000))
    return max(1.0, statistics.median(known[-RECENT:])) if known else 1.0


def _making(trial: Trial) -> float:
    return trial.seconds.build + trial.seconds.compile


def _full_score(trial: Trial, samples: int) -> float:
    """Seconds for so many samples; of a trial that was given up early, from those that it was scored on."""
    scored = trial.measurement.samples if trial.measurement else 0
    return trial.seconds.score * samples / scored if scored else 0.0
