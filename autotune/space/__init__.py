"""From recipe to choices. ``offer``: what is left to choose; ``answers``: proposals as questions and answers."""

from autotune.space.answers import Suggest
from autotune.space.space import KINDS, Kind, Space

__all__ = ["KINDS", "Kind", "Space", "Suggest"]
