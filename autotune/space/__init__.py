"""From recipe to choices. ``offer``: what is left to choose; ``answers`` (``asking``, ``estimators``): proposals as
questions and answers; ``changes``, ``space``: neighbours; ``names``: whether the model has what a recipe names."""

from autotune.space.asking import Suggest
from autotune.space.names import WEIGHTED, Nameable, names_any, unknown_names
from autotune.space.space import KINDS, Kind, Space

__all__ = ["KINDS", "WEIGHTED", "Kind", "Nameable", "Space", "Suggest", "names_any", "unknown_names"]
