"""The clipping that keeps the distribution closest in relative entropy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autotune.quantize.statistics import Doubles, Floats, TensorStatistics

_BINS = 2048
_STRIDE = 16
_NONE = 1e-4  # count of an empty bin, as ONNX Runtime's smoothing


def entropy(statistics: TensorStatistics, symmetric: bool, parameter: float | None) -> tuple[float, float]:
    """Return the clipping whose quantised distribution diverges least (Kullback-Leibler) from the clipped one.

    Migacz, 8-bit inference with TensorRT (GTC 2017): a histogram of the magnitudes in 2048 bins; for every candidate
    number of bins from 128 on (every 16th here), values beyond are counted in the last bin, the others merged into 128
    levels and spread again over the bins that hold values. Three details follow the implementations: exact zeros are
    not counted and the first bin takes the count of the second (NVIDIA's pytorch-quantization: else the spike at zero
    decides), empty bins are smoothed (ONNX Runtime's ``get_entropy_threshold``), non-negative data has 256 levels.
    A candidate keeps at least half of the values: one that ends where the values begin, far from zero, would fit
    perfectly. Affine ranges take the same clipping on both sides, where values reach that far (ONNX Runtime). Ignores
    the extremes of the samples, but for the sign.
    """
    del parameter
    elements = statistics.elements
    top = max(-float(elements[0]), float(elements[-1]))
    levels = 128 if statistics.lowest < 0 else 256
    high = top * _best_share(_histogram(elements, top), levels) if top > 0 else 0.0
    if symmetric:
        return statistics.lowest, high
    return max(float(elements[0]), -high), min(float(elements[-1]), high)


def _histogram(elements: Floats, top: float) -> Doubles:
    """Counts of the non-zero magnitudes in equal bins up to ``top``, float64 (2048,)."""
    edges = np.linspace(0, top, _BINS + 1).astype(np.float32)
    edges[-1] = np.inf  # rounding must not lose the largest
    below = np.searchsorted(elements, edges, side="right") - np.searchsorted(elements, -edges, side="left")
    counts: Doubles = np.diff(below).astype(np.float64)
    counts[0] = counts[1]
    return counts


def _best_share(counts: Doubles, levels: int) -> float:
    """Return the share of the bins kept by the candidate of least divergence (the widest of equals)."""
    candidates = np.arange(levels, len(counts) + 1, _STRIDE)
    inside = np.cumsum(counts)[candidates - 1]
    candidates = candidates[(inside >= counts.sum() / 2) & (inside > 0)]
    if not len(candidates):
        return 1.0
    errors = divergences(counts, candidates, levels)
    return float(candidates[len(errors) - 1 - np.argmin(errors[::-1])]) / len(counts)


def divergences(counts: Doubles, candidates: NDArray[np.int64], levels: int) -> Doubles:
    """Return the Kullback-Leibler divergence of each candidate number of bins, float64 (len(candidates),).

    All candidates at once: within a group of merged bins the quantised distribution is constant, so the sum over bins
    becomes one over groups, looked up in cumulated counts.
    """
    total = counts.sum()
    held = np.concatenate([[0], np.cumsum(counts > 0)])
    summed = np.concatenate([[0.0], np.cumsum(counts)])
    own = np.concatenate([[0.0], np.cumsum(_xlogx(counts))])

    edges = -(-candidates[:, None] * np.arange(levels + 1) // levels)
    sums = np.diff(summed[edges], axis=1)
    filled = np.diff(held[edges], axis=1)
    last, beyond = counts[candidates - 1], total - summed[candidates]
    filled[:, -1] += (last == 0) & (beyond > 0)  # values beyond are counted in the last bin: it is not empty then
    kept = np.maximum(summed[candidates], _NONE)

    reference = own[candidates - 1] + _xlogx(last + beyond)
    quantised = (_xlogx(sums) - sums * np.log(np.maximum(filled, 1))).sum(axis=1)
    level = np.maximum(sums[:, -1] / np.maximum(filled[:, -1], 1), _NONE)
    quantised += beyond * np.log(level)
    divergence: Doubles = (reference - quantised) / total - np.log(total) + np.log(kept)
    return divergence


def _xlogx(values: Doubles) -> Doubles:
    return values * np.log(np.where(values > 0, values, 1))
