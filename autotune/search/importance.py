"""Which choices mattered: functional ANOVA (Hutter, Hoos and Leyton-Brown, 2014), by Optuna, over the int8 trials."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import optuna

from autotune.configuration import Configuration, FormName
from autotune.findings import ChoiceImportance, Importances
from autotune.record import Measurement, Trial

# Random forests of fewer trials than this only repeat them.
FEWEST_TRIALS = 8
# Drops beyond so many tolerances are all the same: hopeless. Unclipped, they would be all that is explained.
WORST = 5.0
# Columns of random numbers beside the choices: what the forest finds in them it finds in nothing.
_NOISE = tuple(f"noise {number}" for number in range(3))
_SEED = 0


def importances(trials: Sequence[Trial], tolerance: float) -> Importances | None:
    """Return the share of the variance of speed and of drop that each choice explains; None for too few trials.

    Only choices that varied take part. Deterministic.
    """
    rows = [(t.configuration, m, m.latency.speedup.estimate) for t in trials if (m := _measured(t)) and m.latency]
    if len(rows) < FEWEST_TRIALS:
        return None
    draw = random.Random(_SEED)
    table = [{**_choices(c), **{name: draw.random() for name in _NOISE}} for c, _, _ in rows]
    varied = [name for name in table[0] if len({row[name] for row in table}) > 1]
    limit = WORST * tolerance if tolerance > 0 else math.inf
    speed = _explained(table, varied, [speed for _, _, speed in rows])
    drop = _explained(table, varied, [min(m.drop or 0.0, limit) for _, m, _ in rows])
    found = [ChoiceImportance(name, speed[name], drop[name]) for name in varied if name not in _NOISE]
    return Importances(
        len(rows),
        tuple(sorted(found, key=lambda i: -max(i.speed, i.drop))),
        max(speed[name] for name in _NOISE),
        max(drop[name] for name in _NOISE),
    )


def _measured(trial: Trial) -> Measurement | None:
    found = trial.measurement
    if trial.configuration.quantization is None or trial.state not in ("complete", "stopped") or found is None:
        return None
    return found if found.latency and found.drop is not None and math.isfinite(found.drop) else None


def _choices(configuration: Configuration) -> dict[str, str | float]:
    q = configuration.quantization
    assert q is not None
    forms = {form.name: len(form.groups) for form in configuration.forms}
    return {
        "placement": q.placement,
        "preset": q.preset,
        "range estimator": q.activation.estimator.name,
        "symmetry": q.activation.symmetry,
        "ranges of single quantisers": float(len(q.overrides)),
        "granularity of weights": q.weights,
        "bias correction": str(q.bias_correction),
        "overflow fix": q.overflow_fix,
        "operators kept float": float(len(q.float_operators)),
        "precision of the rest": configuration.precision,
        "threads": str(configuration.threads or "all"),
        "operators in bf16": float(len(configuration.bf16_operators)),
        "int8 weights": float(len(configuration.compression.operators) if configuration.compression else 0),
        **{f"form {name}": float(forms.get(name, 0)) for name in get_args(FormName)},
    }


def _explained(
    table: Sequence[Mapping[str, str | float]], names: Sequence[str], values: Sequence[float]
) -> dict[str, float]:
    """Return a share by name; zeros where nothing varied."""
    if len(set(values)) < 2:
        return dict.fromkeys(names, 0.0)
    kinds = {name: _distribution([row[name] for row in table]) for name in names}
    study = optuna.create_study()
    for row, value in zip(table, values, strict=True):
        parameters: dict[str, Any] = {name: row[name] for name in names}
        study.add_trial(optuna.trial.create_trial(params=parameters, distributions=kinds, value=value))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=_SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(found.get(name, 0.0)) for name in names}


def _distribution(values: Sequence[str | float]) -> optuna.distributions.BaseDistribution:
    numbers = [value for value in values if isinstance(value, float)]
    if numbers:
        return optuna.distributions.FloatDistribution(min(numbers), max(numbers))
    return optuna.distributions.CategoricalDistribution(sorted({str(value) for value in values}))
