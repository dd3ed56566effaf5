"""What the plots show: frozen values with every text formatted. The charts only lay them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PointKind = Literal["float", "peer", "searched", "stopped"]
Role = Literal["winner", "float", "finalist"]


@dataclass(frozen=True)
class FrontPoint:
    """A trial on the search split.

    Attributes:
        drop_error: half the width of the interval of its drop.
        details: the lines shown on hover.
    """

    trial: int
    kind: PointKind
    name: str
    speedup: float
    low: float
    high: float
    drop: float
    drop_error: float
    details: tuple[str, ...]


@dataclass(frozen=True)
class HoldoutPoint:
    """A finalist, timed again, on the holdout. ``drop_upper`` is the one-sided bound, ``name`` labels some."""

    trial: int
    name: str
    speedup: float
    low: float
    high: float
    drop: float
    drop_upper: float
    winner: bool
    details: tuple[str, ...]


@dataclass(frozen=True)
class Front:
    """Speedup against drop.

    Attributes:
        line: (speedup, drop) of the front members, by speedup.
        x_range, y_range: what is shown at first; wild drops lie outside.
        note: says what lies outside; empty when nothing does.
    """

    metric: str
    tolerance: float
    tolerance_text: str
    points: tuple[FrontPoint, ...]
    line: tuple[tuple[float, float], ...]
    holdout: tuple[HoldoutPoint, ...]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    note: str
    summary: str


@dataclass(frozen=True)
class LatencySeries:
    """One finalist's milliseconds per round. ``role`` is winner, float or finalist."""

    trial: int
    name: str
    role: Role
    milliseconds: tuple[float, ...]
    median: str


@dataclass(frozen=True)
class Latencies:
    """Slowest first. ``x_max`` is where the axis ends at first, so that a few stalls do not flatten the rest."""

    series: tuple[LatencySeries, ...]
    x_max: float
    max_latency_ms: float | None
    rounds: int
    summary: str


@dataclass(frozen=True)
class Moment:
    """A trial as it ended. ``within``: complete and its drop on the search split within the tolerance."""

    trial: int
    seconds: float
    speedup: float
    within: bool
    details: tuple[str, ...]


@dataclass(frozen=True)
class Anytime:
    """The best so far over time.

    Attributes:
        line: (seconds, speedup) of the best within the tolerance; it holds until the next one, the last until the end.
        x_range, y_range: what is shown.
    """

    moments: tuple[Moment, ...]
    line: tuple[tuple[float, float], ...]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    summary: str


@dataclass(frozen=True)
class Pairs:
    """Two models round by round. ``ratios`` is the first's time over the second's, per round.

    Attributes:
        roles: of the two, for their colours.
        low, high: ends of the interval of the median; None where unknown.
        y_max, ratio_range: where axes end, so that a few stalls do not flatten the rest.
        noun: round or pair.
        lead: what is to be seen, in one sentence.
    """

    names: tuple[str, str]
    roles: tuple[Role, Role]
    milliseconds: tuple[tuple[float, ...], tuple[float, ...]]
    ratios: tuple[float, ...]
    median: float
    low: float | None
    high: float | None
    y_max: float
    ratio_range: tuple[float, float]
    noun: str
    lead: str
    summary: str


@dataclass(frozen=True)
class RangeLine:
    """The range that an estimator leads to; ``details`` are shown on hover."""

    estimator: str
    low: float
    high: float
    chosen: bool
    details: tuple[str, ...]


@dataclass(frozen=True)
class QuantizerView:
    """A quantiser of the winner: shares of values in bins of equal width from ``lowest`` to ``highest``."""

    name: str
    lowest: float
    highest: float
    histogram: tuple[float, ...]
    ranges: tuple[RangeLine, ...]
    facts: str


@dataclass(frozen=True)
class Calibration:
    """``of`` says whose quantisers these are, ``note`` why there is nothing, or what is left out."""

    of: str
    quantizers: tuple[QuantizerView, ...]
    note: str


@dataclass(frozen=True)
class ImportanceRow:
    """A choice and the shares of variance that it explains, 0 to 1; ``clear`` where either is beyond noise."""

    choice: str
    speed: float
    speed_text: str
    drop: float
    drop_text: str
    clear: bool


@dataclass(frozen=True)
class Importance:
    """``warning`` says why the shares are not to be trusted; empty where they may be."""

    rows: tuple[ImportanceRow, ...]
    noise_speed: float
    noise_drop: float
    lead: str
    warning: str
    summary: str
