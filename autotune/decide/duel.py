"""Candidates of nearly the same speed are timed beside each other: ratios to float f32 differ from minute to minute."""

from __future__ import annotations

from autotune.record import Interval

# What the state of a shared machine was seen to change in one model's ratio to float f32 from one minute to another.
DRIFT = 1.15


def is_close(own: Interval, rival: Interval) -> bool:
    """Tell whether two speeds against float f32, measured at different times, may be in the wrong order."""
    return own.high * DRIFT >= rival.low and own.low <= rival.high * DRIFT


def placed(rival: Interval, ratio: Interval) -> Interval:
    """Return the speed against float f32 of a candidate that was timed in pairs with its rival.

    The lower end is above the rival's, so that the candidate takes its place, only if it is faster beyond doubt.

    Args:
        rival: its speed against float f32.
        ratio: the rival's time over the candidate's.
    """
    return Interval(rival.estimate * ratio.estimate, rival.low * ratio.low, rival.high * ratio.high)
