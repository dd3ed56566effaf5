"""From recipe to choices. ``offer``: what is left to choose; ``answers`` (``asking``, ``estimators``): proposals as
questions and answers; ``changes``, ``space``: neighbours."""

from autotune.space.asking import Suggest
from autotune.space.offer import WEIGHTED
from autotune.space.space import KINDS, Kind, Space

__all__ = ["KINDS", "WEIGHTED", "Kind", "Space", "Suggest"]
