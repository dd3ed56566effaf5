"""Hypothesis strategies of choices in a recipe, for tests of recipes and of spaces."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from autotune.recipe import Range


def some(literal: Any) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(get_args(literal)), min_size=1, unique=True).map(tuple)


@st.composite
def parameters(draw: st.DrawFn, above: float) -> float | Range:
    legal = st.floats(min_value=above, max_value=1.0, exclude_min=True)
    low, high = sorted((draw(legal), draw(legal)))
    return Range(low, high) if low < high and draw(st.booleans()) else low
