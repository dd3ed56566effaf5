"""What the page shows: frozen values with every text formatted. The template and the charts only lay them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autotune.report.pictures import Anytime, Calibration, Front, Importance, Latencies, Pairs

Tone = Literal["good", "fair", "bad", "plain"]


@dataclass(frozen=True)
class Badge:
    """A word with a sign, so that colour is never the only carrier. ``hint`` explains the word."""

    text: str
    sign: str
    tone: Tone
    hint: str = ""


@dataclass(frozen=True)
class Headline:
    """The verdict.

    Attributes:
        title: what a reader asks first: how fast, how much worse.
        sentence: the verdict in full.
        asides: further sentences: why float won, the fastest proven beside the winner.
    """

    title: str
    sentence: str
    badges: tuple[Badge, ...]
    asides: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """One figure before and after; ``before`` is empty where the figure is itself a comparison."""

    title: str
    before: str
    after: str
    change: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class FinalistRow:
    trial: int
    label: str
    roles: tuple[str, ...]
    speedup: str
    speedup_interval: str
    speedup_best_float: str
    speedup_best_float_interval: str
    latency: str
    score: str
    drop: str
    drop_upper: str
    n: str
    verdict: Badge
    remark: str


@dataclass(frozen=True)
class Choice:
    """One choice of a configuration, as a term and its value."""

    term: str
    value: str


@dataclass(frozen=True)
class TrialRow:
    """Texts for reading, numbers (None where there is none) for sorting."""

    trial: int
    state: str
    remark: str
    origin: str
    label: str
    choices: tuple[Choice, ...]
    marks: tuple[str, ...]
    speedup: str
    speedup_value: float | None
    speedup_interval: str
    drop: str
    drop_value: float | None
    drop_error: str
    latency: str
    latency_value: float | None
    size: str
    size_value: int | None
    seconds: str
    seconds_value: float


@dataclass(frozen=True)
class StateCount:
    state: str
    count: int


@dataclass(frozen=True)
class OperatorRow:
    """An operator as it ran in the winner.

    Attributes:
        share: of the winner's time, 0 to 1, for the bar.
        cost: what int8 costs it in accuracy. ``back``: what float gives back while the rest is int8. ``gain``:
            microseconds that int8 saves; all as the search looked at them.
        why: it stayed float; empty where it did not.
    """

    name: str
    type: str
    scheme: str
    kernel: str
    precision: str
    microseconds: str
    microseconds_value: float
    share: float
    share_text: str
    baseline: str
    baseline_value: float | None
    speedup: str
    speedup_value: float | None
    cost: str
    cost_value: float | None
    back: str
    back_value: float | None
    gain: str
    gain_value: float | None
    why: str


@dataclass(frozen=True)
class OperatorGroup:
    """Operators of one scheme and precision together."""

    scheme: str
    precision: str
    count: str
    share: float
    share_text: str


@dataclass(frozen=True)
class Operators:
    """``costed``, ``returned``, ``gained``: whether it is known of any operator what int8 costs, float gives back, int8
    gains.
    """

    rows: tuple[OperatorRow, ...]
    groups: tuple[OperatorGroup, ...]
    total: str
    baseline_total: str
    note: str
    costs_note: str
    costed: bool
    returned: bool
    gained: bool


@dataclass(frozen=True)
class RungRow:
    """One step of the ladder; ``best`` is a trial's number, ``trials`` empty where it was not climbed."""

    name: str
    trials: str
    best: str
    found: str


@dataclass(frozen=True)
class LadderPart:
    """How the run climbed; without rungs nothing is shown."""

    rungs: tuple[RungRow, ...]
    stopped: str


@dataclass(frozen=True)
class ProblemRow:
    trial: int
    label: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Phase:
    """``share`` is of the wall time, 0 to 1. ``inner`` phases are parts of the one before them that is not."""

    name: str
    text: str
    share: float
    inner: bool = False


@dataclass(frozen=True)
class Reproduce:
    command: str
    apply: str
    verify: str
    load: str
    solved: str


@dataclass(frozen=True)
class Page:
    """The whole report."""

    name: str
    headline: Headline
    cards: tuple[Card, ...]
    front: Front
    anytime: Anytime
    latencies: Latencies
    pairs: Pairs | None
    duel: Pairs | None
    finalists: tuple[FinalistRow, ...]
    trials: tuple[TrialRow, ...]
    states: tuple[StateCount, ...]
    operators: Operators
    ladder: LadderPart
    calibration: Calibration
    importance: Importance | None
    failed: tuple[ProblemRow, ...]
    stopped: tuple[ProblemRow, ...]
    splits: tuple[Choice, ...]
    goal: tuple[Choice, ...]
    phases: tuple[Phase, ...]
    notes: tuple[str, ...]
    model: tuple[Choice, ...]
    machine: tuple[Choice, ...]
    versions: tuple[Choice, ...]
    reproduce: Reproduce
