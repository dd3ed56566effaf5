"""Which trial the search varies next."""

from __future__ import annotations

from collections.abc import Iterable

from autotune.configuration import Configuration
from autotune.record import Trial


def fastest_within(trials: Iterable[Trial], tolerance: float) -> float:
    """Return the speed (lower end of its interval) of the fastest within the tolerance, float or int8; 0 if none is."""
    speeds = [
        t.measurement.latency.speedup.low
        for t in trials
        if t.state == "complete"
        and t.measurement is not None
        and t.measurement.latency is not None
        and t.measurement.drop is not None
        and t.measurement.drop <= tolerance
    ]
    return max(speeds, default=0.0)


def challenger(trials: Iterable[Trial], tolerance: float, faster: float) -> Configuration | None:
    """Return the int8 configuration that loses least of those beyond the tolerance that are clearly faster.

    Args:
        faster: than the fastest within the tolerance, as a factor.
    """
    known = list(trials)
    to_beat = faster * max(1.0, fastest_within(known, tolerance))
    beyond = [
        (t.measurement.drop, t.number, t.configuration)
        for t in known
        if t.state in ("complete", "stopped")
        and t.configuration.quantization is not None
        and t.measurement is not None
        and t.measurement.latency is not None
        and t.measurement.drop is not None
        and t.measurement.drop > tolerance
        and t.measurement.latency.speedup.low > to_beat
    ]
    return min(beyond)[2] if beyond else None


def incumbent(trials: Iterable[Trial], tolerance: float) -> Configuration | None:
    """Return the fastest int8 configuration within the tolerance, else the one that lost least; None without any.

    Speed is the lower end of the interval: of many short measurements the best is a lucky one.
    """
    scored = [
        (t.configuration, t.measurement.latency.speedup.low, t.measurement.drop)
        for t in trials
        if t.state in ("complete", "duplicate")
        and t.configuration.quantization is not None
        and t.measurement is not None
        and t.measurement.latency is not None
        and t.measurement.drop is not None
    ]
    if not scored:
        return None
    within = [entry for entry in scored if entry[2] <= tolerance]
    if within:
        return max(within, key=lambda entry: entry[1])[0]
    return min(scored, key=lambda entry: entry[2])[0]
