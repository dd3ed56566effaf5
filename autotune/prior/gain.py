"""How long a set of float operators will take: from profiles of a few models, corrected by what trials measured.

Times of operators do not simply add up (fusions, conversions at borders between float and int8), so the profiles give
a prior and every trial moves it: ridge regression of what is measured on what is profiled, which is the mean of a
Gaussian posterior (C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning, 2006, section 2.1),
only as far as it predicts trials that it was not told better than the profiles do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autotune.record import OperatorRun

Floats = NDArray[np.float64]

# Standard deviations of the prior. An operator's own saving is known to about a third of its time, and to a share of
# the whole model's for what a profile does not see; a border to all of its cost; the whole to a tenth.
_OWN = 0.35
_UNSEEN = 0.01
_WHOLE = 0.1
# What the model itself cannot explain, as a share of the reference's time.
_NOISE = 0.02
# Shares of the deviations of operators and borders that are tried, of equals the first: 0 leaves the profiles' word.
_SHARES = (1.0, 0.5, 0.25, 0.0)
# Microseconds per element of a conversion (0.1 to 0.3 ns were seen), and what small tensors cannot tell of it.
_CONVERSION = 2e-4
_LEAST_ELEMENTS = 10_000
# Microseconds that one more node takes whatever its size.
_NODE = 1.0
_CONVERSIONS = ("Subgraph", "FakeQuantize", "Convert")
# Width of a 95 % interval in standard deviations.
_WIDTHS = 3.92


@dataclass(frozen=True)
class Profile:
    """Microseconds per inference by operator, of one model. ``rest``: of nodes that belong to no operator."""

    operators: Mapping[str, float]
    rest: float = 0.0

    @property
    def total(self) -> float:
        return sum(self.operators.values()) + self.rest


@dataclass(frozen=True)
class Timed:
    """What was measured of a set: candidate time over reference time, and the width of its 95 % interval."""

    float_operators: frozenset[str]
    ratio: float
    width: float


def by_name(runs: Iterable[OperatorRun]) -> dict[str, float]:
    """Return microseconds per inference by name; several nodes of one name (a bias apart) have one sum."""
    spent: dict[str, float] = defaultdict(float)
    for run in runs:
        spent[run.name] += run.microseconds
    return dict(spent)


def attribute(runs: Iterable[OperatorRun], operators: Collection[str], near: Mapping[str, Sequence[str]]) -> Profile:
    """Return microseconds by operator: its own and its share of the nodes next to it.

    A run belongs to the operator or node it is named after; if OpenVINO made the name up, to the longest name that it
    begins with (``conv_f32_u8_next``, ``product/DequantizationMultiply``). A node that is no operator shares its time
    evenly among the operators next to it.

    Args:
        near: node name -> operators next to it, as ``graph.neighbours`` finds them.
    """
    chosen = set(operators)
    known = sorted({*chosen, *near}, key=len, reverse=True)
    spent: dict[str, float] = dict.fromkeys(operators, 0.0)
    rest = 0.0
    for run in runs:
        name = run.name if run.name in chosen or run.name in near else _prefix(run.name, known)
        owners = (name,) if name in chosen else near.get(name, ())
        for owner in owners:
            spent[owner] += run.microseconds / len(owners)
        if not owners:
            rest += run.microseconds
    return Profile(spent, rest)


def _prefix(name: str, known: Sequence[str]) -> str:
    """Return the longest known name that ``name`` begins with, up to a separator; empty if none."""
    return next((k for k in known if k and name.startswith(k) and name[len(k) : len(k) + 1] in ("_", "/", ".")), "")


@dataclass
class TimeModel:
    """Predicts the time of candidates of one placement and one precision of what stays float.

    Attributes:
        floats: profile of the float model in that precision. ``int8``: with everything quantised.
        reference: microseconds of the model that ratios are relative to (float f32), profiled alike.
        borders: (giver, taker) -> microseconds that a conversion there would take if one is float and the other int8;
            see :func:`border_costs`.
    """

    floats: Profile
    int8: Profile
    reference: float
    borders: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.reference > 0:
            raise ValueError(f"reference: {self.reference} is not a time")
        self._operators = tuple(self.int8.operators)
        self._places = {name: place for place, name in enumerate(self._operators)}
        own = np.array([self.floats.operators.get(name, 0.0) for name in self._operators])
        quantised = np.array([self.int8.operators[name] for name in self._operators])
        pairs = [pair for pair in self.borders if pair[0] in self._places and pair[1] in self._places]
        self._pairs = np.array([[self._places[name] for name in pair] for pair in pairs], dtype=np.intp).reshape(-1, 2)
        self._crossing = np.array([self.borders[pair] for pair in pairs]) / self.reference
        # Coefficients: of each operator being float, of all borders together, of one.
        borders = 1.0 if pairs else 0.0
        self._prior = np.concatenate([(own - quantised) / self.reference, [borders, 0.0]])
        typical = np.append(_OWN * np.maximum(own, quantised) / self.reference + _UNSEEN, borders)
        # The whole's always remains: it is one number, known from all trials.
        self._spreads = [np.append(share * typical, _WHOLE) for share in _SHARES]
        self._base = self.int8.total / self.reference
        self._rest = (self.floats.rest - self.int8.rest) / self.reference
        self.correct(())

    @property
    def operators(self) -> tuple[str, ...]:
        """Those that may be float or int8."""
        return self._operators

    def gains(self) -> dict[str, float]:
        """Return what quantising each operator saves, as a share of the reference's time; borders left out."""
        return dict(zip(self._operators, self._weights[: len(self._operators)].tolist(), strict=True))

    def predict(self, float_operators: Collection[str]) -> float:
        """Return candidate time over reference time; below 1 is faster. Names of no operator have no effect."""
        features = self._features(float_operators)
        return self._offset(features) + float(features @ self._weights)

    def correct(self, trials: Sequence[Timed]) -> None:
        """Replace what earlier trials taught by what these do; all of them, each time.

        A trial weighs by its interval: the noise of a ratio is its width over 3.92, and never less than 2 % for what
        no sum of operators explains. None brings the prior back.

        How far operators and borders may move from the prior is what predicts each trial best from the others: trials
        that are noisier than their intervals say would otherwise spoil a profile that is right.
        """
        self._weights = self._prior
        if not trials:
            return
        rows = np.array([self._features(trial.float_operators) for trial in trials])
        offsets = np.array([self._offset(row) for row in rows])
        residuals = np.array([trial.ratio for trial in trials]) - offsets - rows @ self._prior
        noise = np.hypot(_NOISE, np.array([trial.width for trial in trials]) / _WIDTHS)
        fits = [_posterior(rows, residuals, noise, spread) for spread in self._spreads]
        # Of one trial there are no others: equal but for rounding.
        moved, _ = min(fits, key=lambda fit: round(float((np.abs(fit[1]) / noise).mean()), 9))
        self._weights = self._prior + moved

    def _features(self, float_operators: Collection[str]) -> Floats:
        features = np.zeros(len(self._operators) + 2)
        features[[self._places[name] for name in set(float_operators) if name in self._places]] = 1.0
        giver, taker = features[self._pairs].T
        features[-2] = float((giver != taker) @ self._crossing)
        features[-1] = 1.0
        return features

    def _offset(self, features: Floats) -> float:
        """Return what is known of a set but for the coefficients: nodes of no operator go over with the operators."""
        count = max(1, len(self._operators))
        return self._base + self._rest * float(features[:-2].sum()) / count


def _posterior(rows: Floats, residuals: Floats, noise: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return how far each coefficient moves, and what is left of each residual when the others alone move them.

    The latter in closed form (Rasmussen and Williams, section 5.4.2).
    """
    scaled = rows * spread
    # As many equations as trials: with few of them that is smaller than one per operator.
    inverse = np.linalg.inv(scaled @ scaled.T + np.diag(noise**2))
    explained = inverse @ residuals
    return spread * (scaled.T @ explained), explained / np.diag(inverse)


def border_costs(
    edges: Mapping[tuple[str, str], int], runs: Iterable[OperatorRun], sizes: Mapping[str, int]
) -> dict[tuple[str, str], float]:
    """Return microseconds that a conversion between float and int8 takes on each edge.

    The time per element is the median over the nodes that do nothing but quantise in the runs of an int8 model; 0.2 ns
    where there are none. To that comes a microsecond for one more node.

    Args:
        edges: (giver, taker) -> elements, as ``graph.neighbours.edges`` counts them. ``sizes``: by node, as there.
    """
    rates = [
        run.microseconds / sizes[node]
        for run, (node, found, _) in ((run, run.name.partition("/fq_")) for run in runs)
        if found and run.type in _CONVERSIONS and run.microseconds > 0 and sizes.get(node, 0) >= _LEAST_ELEMENTS
    ]
    rate = float(np.median(rates)) if rates else _CONVERSION
    return {pair: _NODE + count * rate for pair, count in edges.items()}


def rank_correlation(predicted: Sequence[float], measured: Sequence[float]) -> float:
    """Return Spearman's correlation, NaN where one of them does not vary or there are fewer than three."""
    from scipy.stats import spearmanr

    if len(predicted) < 3 or len(set(predicted)) < 2 or len(set(measured)) < 2:
        return float("nan")
    return float(spearmanr(predicted, measured).statistic)
