"""Candidates of nearly the same speed are timed beside each other: ratios to float f32 differ from minute to minute."""

from __future__ import annotations

from autotune.record import Interval

# What the state of a shared machine was seen to change in one model's ratio to float f32 from one minute to another.
DRIFT = 1.15
# Float f32 itself taking so many times as long as before, or that much less, tells of another state of the machine. A
# busy core was seen to double it on two threads, and nothing that runs on one: "1 thread" was then 2.0x for 1.0x.
CHANGE = 1.25
# Of a run, what such pairs may take.
SHARE = 0.03


def is_affordable(spent: float, elapsed: float) -> bool:
    """Tell whether one more such comparison may be made, by the seconds that they took so far and those of the run."""
    return spent <= SHARE * elapsed


def has_changed(before_ms: float, now_ms: float) -> bool:
    """Tell whether speeds against float f32 of two times cannot be compared, by what float f32 took at each."""
    return max(before_ms, now_ms) > CHANGE * min(before_ms, now_ms)


def is_close(own: Interval, rival: Interval) -> bool:
    """Tell whether two speeds against float f32, measured at different times, may be in the wrong order."""
    return own.high * DRIFT >= rival.low and own.low <= rival.high * DRIFT


def placed(own: Interval, rival: Interval, ratio: Interval) -> Interval:
    """Return the speed against float f32 of a candidate that was timed in pairs with its rival.

    It is the rival's speed times their ratio. So its lower end is above the rival's, and it takes the rival's place,
    only if it is faster beyond doubt. If the pairs told less than is known without them (their interval is wider than
    the candidate's own, with the drift), its own speed stays.

    Args:
        own, rival: speeds against float f32, measured at different times.
        ratio: the rival's time over the candidate's.
    """
    if ratio.high / ratio.low > DRIFT * own.high / own.low:
        return own
    return Interval(rival.estimate * ratio.estimate, rival.low * ratio.low, rival.high * ratio.high)
