"""Recipes: the YAML files that say what to tune, within which tolerance, and what may be tried.

``values`` (what is written in a recipe: drops, durations), ``estimators``, ``fields``, ``sources``, ``task``,
``shapes``, ``preprocess``, ``postprocess``, ``quantizers``, ``forms``, ``training`` and ``schema`` (the pydantic
models), ``options`` (of the command line), ``document`` (YAML and line numbers), ``problems`` (errors as sentences),
``paths``, ``include`` (recipes built on others), ``shipped`` (those that come with autotune), ``recipe`` (the whole of
it), ``editing`` (its JSON schema).
"""

from autotune.recipe.editing import json_schema
from autotune.recipe.estimators import EstimatorChoice, Range
from autotune.recipe.forms import Bf16Space, Forms, FormSpace, SmoothingSpace
from autotune.recipe.options import Limits, Overrides
from autotune.recipe.postprocess import OF_FOLDERS, BoxFormat, Postprocess, Reading
from autotune.recipe.preprocess import Preprocess
from autotune.recipe.problems import SchemaError
from autotune.recipe.quantizers import ActivationSpace, CompressionSpace, QuantizerSpace, WeightSpace
from autotune.recipe.recipe import Recipe, dump, load
from autotune.recipe.schema import (
    Budget,
    Expect,
    ExportSpec,
    MetricSpec,
    Space,
    Tolerance,
)
from autotune.recipe.shapes import Buckets
from autotune.recipe.shipped import PREFIX, located, shipped
from autotune.recipe.sources import BOX, ROLES, Data, DataSource, Model, Shares
from autotune.recipe.strategy import CandidateWay, SamplerName, Strategy
from autotune.recipe.task import MEDIA, TaskName, TaskSpec
from autotune.recipe.training import LossName, Trained, TrainingSpec
from autotune.recipe.values import Drop, parse_drop, parse_duration, parse_latency, parse_size

__all__ = [
    "BOX",
    "MEDIA",
    "ROLES",
    "ActivationSpace",
    "Bf16Space",
    "BoxFormat",
    "Buckets",
    "Budget",
    "CandidateWay",
    "CompressionSpace",
    "Data",
    "DataSource",
    "Drop",
    "EstimatorChoice",
    "Expect",
    "ExportSpec",
    "FormSpace",
    "Forms",
    "Limits",
    "LossName",
    "MetricSpec",
    "Model",
    "Overrides",
    "OF_FOLDERS",
    "PREFIX",
    "Postprocess",
    "Preprocess",
    "QuantizerSpace",
    "Range",
    "Reading",
    "Recipe",
    "SamplerName",
    "SchemaError",
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
    "located",
    "parse_drop",
    "parse_duration",
    "parse_latency",
    "parse_size",
    "shipped",
]
