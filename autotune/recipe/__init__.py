"""Recipes: the YAML files that say what to tune, within which tolerance, and what may be tried.

``values`` (what is written in a recipe: drops, durations), ``estimators``, ``fields`` and ``schema`` (the pydantic
models), ``document`` (YAML and line numbers), ``problems`` (errors as sentences), ``paths``,
``recipe`` (the whole of it).
"""

from autotune.recipe.estimators import EstimatorChoice, Range
from autotune.recipe.recipe import Limits, Overrides, Recipe, dump, json_schema, load
from autotune.recipe.schema import (
    ActivationSpace,
    Bf16Space,
    Budget,
    Data,
    DataSource,
    Expect,
    Forms,
    FormSpace,
    MetricSpec,
    Model,
    QuantizerSpace,
    Shares,
    SmoothingSpace,
    Space,
    Tolerance,
    WeightSpace,
)
from autotune.recipe.values import Drop, parse_drop, parse_duration, parse_latency

__all__ = [
    "ActivationSpace",
    "Bf16Space",
    "Budget",
    "Data",
    "DataSource",
    "Drop",
    "EstimatorChoice",
    "Expect",
    "FormSpace",
    "Forms",
    "Limits",
    "MetricSpec",
    "Model",
    "Overrides",
    "QuantizerSpace",
    "Range",
    "Recipe",
    "Shares",
    "SmoothingSpace",
    "Space",
    "Tolerance",
    "WeightSpace",
    "dump",
    "json_schema",
    "load",
    "parse_drop",
    "parse_duration",
    "parse_latency",
]
