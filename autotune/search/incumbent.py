"""Which trials the search varies next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autotune.configuration import Configuration
from autotune.record import Trial, TrialState


def fastest_within(trials: Iterable[Trial], tolerance: float) -> float:
    """Return the speed (lower end of its interval) of the fastest within the tolerance, float or int8; 0 if none is."""
    return max((speed for _, speed, drop in _placed(trials, "complete") if drop <= tolerance), default=0.0)


def best_within(trials: Iterable[Trial], tolerance: float) -> Trial | None:
    """Return the trial that :func:`fastest_within` is about, of equals the first; None if none is within."""
    within = [(speed, -trial.number, trial) for trial, speed, drop in _placed(trials, "complete") if drop <= tolerance]
    return max(within, key=lambda entry: entry[:2])[2] if within else None


def to_beat(trials: Iterable[Trial], tolerance: float) -> Trial | None:
    """Return the fastest within the tolerance other than float f32, which all are timed beside anyway."""
    return best_within((t for t in trials if t.configuration != Configuration()), tolerance)


def challenger(trials: Iterable[Trial], tolerance: float, faster: float) -> Configuration | None:
    """Return the int8 configuration that loses least of those beyond the tolerance that are clearly faster.

    Args:
        faster: than the fastest within the tolerance, as a factor.
    """
    known = list(trials)
    to_beat = faster * max(1.0, fastest_within(known, tolerance))
    beyond = [
        (drop, trial.number, trial.configuration)
        for trial, speed, drop in _placed(known, "complete", "stopped")
        if not trial.configuration.is_float and drop > tolerance and speed > to_beat
    ]
    return min(beyond, key=lambda entry: entry[:2])[2] if beyond else None


def incumbent(trials: Iterable[Trial], tolerance: float) -> Configuration | None:
    """Return the fastest int8 configuration within the tolerance, else the one that lost least; None without any.

    Speed is the lower end of the interval: of many short measurements the best is a lucky one. What builds the model of
    an earlier trial is left out: that may be a float one, or one that was given up early.

    Where none within it is faster than float f32, static int8 comes first: in another form its kernels are others and
    may be fast, while int8 weights are computed with as floats in every form.
    """
    scored = [
        (trial.configuration, speed, drop)
        for trial, speed, drop in _placed(trials, "complete")
        if not trial.configuration.is_float
    ]
    if not scored:
        return None
    if all(speed <= 1 for _, speed, drop in scored if drop <= tolerance):
        scored = [entry for entry in scored if entry[0].quantization is not None] or scored
    within = [entry for entry in scored if entry[2] <= tolerance]
    if within:
        return max(within, key=lambda entry: entry[1])[0]
    return min(scored, key=lambda entry: entry[2])[0]


def _placed(trials: Iterable[Trial], *states: TrialState) -> Iterator[tuple[Trial, float, float]]:
    """Yield the trials in these states that have both, with their speed (lower end) and drop."""
    for trial in trials:
        measured = trial.measurement
        if trial.state not in states or measured is None or measured.latency is None or measured.drop is None:
            continue
        yield trial, measured.latency.speedup.low, measured.drop
