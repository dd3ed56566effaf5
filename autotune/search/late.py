"""Whether the fastest int8 model is tried with its quantisers behind the transpositions of its attentions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autotune.configuration import LATE, Configuration, FormChoice
from autotune.record import Trial
from autotune.search.incumbent import best_within, fastest_within

# So often it is tried in vain: the gain depends on the CPU and on the attention, hardly on the rest of a model.
_IN_VAIN = 2


def with_late_quantizers(trials: Sequence[Trial], tolerance: float, attentions: Sequence[str]) -> Configuration | None:
    """Return the fastest within the tolerance, if it is static int8, with late quantisers, or None.

    Args:
        attentions: that may have late quantisers; without any there is nothing to try.
    """
    best = best_within(trials, tolerance)
    if best is None or not attentions or best.configuration.quantization is None or _is_late(best.configuration):
        return None
    # Smoothing may leave nothing to move: that builds the same model, and says nothing of late quantisers.
    late = [t for t in trials if _is_late(t.configuration) and t.state != "duplicate"]
    if sum(fastest_within([t], tolerance) <= _without(t, trials, tolerance) for t in late) >= _IN_VAIN:
        return None
    forms = (*best.configuration.forms, FormChoice(LATE, tuple(attentions)))
    found = replace(best.configuration, forms=forms)
    return None if any(t.configuration == found for t in trials) else found


def _is_late(configuration: Configuration) -> bool:
    return any(form.name == LATE for form in configuration.forms)


def _without(trial: Trial, trials: Sequence[Trial], tolerance: float) -> float:
    forms = tuple(form for form in trial.configuration.forms if form.name != LATE)
    plain = replace(trial.configuration, forms=forms)
    return fastest_within([t for t in trials if t.configuration == plain], tolerance)
