"""What the activation quantisers of a candidate saw, and the range that each estimator makes of it: for the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from autotune.configuration import ActivationChoice, Estimator, Quantization
from autotune.findings import EstimatedRange, QuantizerRecord
from autotune.quantize.observe import Observation
from autotune.quantize.points import ActivationQuantizer, Placement
from autotune.quantize.ranges import ActivationRanges, Range
from autotune.quantize.statistics import TensorStatistics

BINS = 64
# A record of more would be megabytes: the first in the order of the graph.
MOST_QUANTIZERS = 400
_SHOWN = (
    Estimator("min-max"),
    Estimator("mean-min-max"),
    Estimator("moving-average", 0.1),
    Estimator("percentile", 0.999),
    Estimator("percentile", 0.9999),
    Estimator("mse"),
    Estimator("entropy"),
)


def quantizer_records(
    observation: Observation, ranges: ActivationRanges, placement: Placement, quantization: Quantization
) -> tuple[QuantizerRecord, ...]:
    """Return a record of each activation quantiser, at most ``MOST_QUANTIZERS``, in their order.

    Args:
        placement: of ``quantization``, whose ranges are finite.
    """
    chosen = {q.name: dict(quantization.overrides).get(q.name, quantization.activation) for q in placement.activations}
    built = _with(ranges, placement, chosen)
    others = {}
    for estimator in _SHOWN:
        alike = {name: replace(choice, estimator=estimator) for name, choice in chosen.items()}
        try:
            others[estimator] = _with(ranges, placement, alike)
        except ValueError:  # its range would not be finite somewhere: it could not have been built
            continue
    return tuple(
        _record(q, observation.tensors[q.tensor], chosen[q.name].estimator, built, others)
        for q in placement.activations[:MOST_QUANTIZERS]
    )


def _with(
    ranges: ActivationRanges, placement: Placement, choices: Mapping[str, ActivationChoice]
) -> Mapping[str, Range]:
    return ranges.of(placement, ActivationChoice(), choices)


def _record(
    quantizer: ActivationQuantizer,
    statistics: TensorStatistics,
    chosen: Estimator,
    built: Mapping[str, Range],
    others: Mapping[Estimator, Mapping[str, Range]],
) -> QuantizerRecord:
    values, counts = statistics.population
    lowest, highest = float(statistics.low.min()), float(statistics.high.max())
    ends = (lowest, highest) if highest > lowest else (lowest - 0.5, highest + 0.5)
    histogram, _ = np.histogram(values, BINS, ends, weights=counts)
    per_channel = quantizer.channel_axis is not None
    total = counts.sum()

    def estimated(estimator: Estimator, made: Range) -> EstimatedRange:
        low, high = float(made.low.min()), float(made.high.max())
        outside = float(counts[(values < low) | (values > high)].sum() / total)
        return EstimatedRange(estimator, _digits(low), _digits(high), _digits(outside))

    return QuantizerRecord(
        name=quantizer.name,
        tensor=quantizer.tensor,
        per_channel=per_channel,
        lowest=_digits(lowest),
        highest=_digits(highest),
        histogram=tuple(_digits(share, 3) for share in (histogram / total).tolist()),
        chosen=estimated(chosen, built[quantizer.name]),
        others=()
        if per_channel
        else tuple(estimated(e, found[quantizer.name]) for e, found in others.items() if e != chosen),
    )


def _digits(value: float, digits: int = 5) -> float:
    """Few digits keep the record small."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else value
