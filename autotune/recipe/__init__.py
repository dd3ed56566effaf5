"""Recipes: the YAML files that say what to tune, within which tolerance, and what may be tried.

``values`` (what is written in a recipe: drops, durations), ``estimators``, ``fields``, ``sources``, ``task``,
``quantizers``, ``forms`` and ``schema`` (the pydantic models), ``options`` (of the command line), ``document`` (YAML
and line numbers), ``problems`` (errors as sentences), ``paths``, ``recipe`` (the whole of it).
"""

from autotune.recipe.estimators import EstimatorChoice, Range
from autotune.recipe.forms import Bf16Space, Forms, FormSpace, SmoothingSpace
from autotune.recipe.options import Limits, Overrides
from autotune.recipe.quantizers import ActivationSpace, CompressionSpace, QuantizerSpace, WeightSpace
from autotune.recipe.recipe import Recipe, dump, json_schema, load
from autotune.recipe.schema import (
    Budget,
    Expect,
    MetricSpec,
    Space,
    Tolerance,
)
from autotune.recipe.sources import ROLES, Data, DataSource, Model, Shares
from autotune.recipe.strategy import CandidateWay, SamplerName, Strategy
from autotune.recipe.task import TaskName, TaskSpec
from autotune.recipe.training import Trained, TrainingSpec
from autotune.recipe.values import Drop, parse_drop, parse_duration, parse_latency, parse_size

__all__ = [
    "ROLES",
    "ActivationSpace",
    "Bf16Space",
    "Budget",
    "CandidateWay",
    "CompressionSpace",
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
    "SamplerName",
    "Shares",
    "SmoothingSpace",
    "Space",
    "Strategy",
    "TaskName",
    "TaskSpec",
    "Tolerance",
    "Trained",
    "TrainingSpec",
    "WeightSpace",
    "dump",
    "json_schema",
    "load",
    "parse_drop",
    "parse_duration",
    "parse_latency",
    "parse_size",
]
