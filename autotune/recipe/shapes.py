"""Which lengths the samples of a task of texts have: one for all, their own, or a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import BeforeValidator, model_serializer

from autotune.recipe.fields import Frozen
from autotune.recipe.values import problem, shown

SHORTEST = 4
# Every bucket is a compilation of its own, of each candidate.
MOST_BUCKETS = 16
_KEY = "buckets"


def _checked(raw: object) -> int | tuple[int, ...]:
    """Return how many buckets are wanted, or their lengths in ascending order."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        if not 1 <= raw <= MOST_BUCKETS:
            raise problem(f"must be 1 to {MOST_BUCKETS}, or a list of lengths, not {raw}", _KEY)
        return raw
    if not isinstance(raw, list | tuple) or not raw:
        raise problem(f"must be how many there are, or a list of lengths, not {shown(raw)}", _KEY)
    for index, item in enumerate(raw):
        if not isinstance(item, int) or isinstance(item, bool) or item < SHORTEST:
            raise problem(f"{shown(item)} is no length; give whole numbers of at least {SHORTEST}", _KEY, index)
        if item in raw[:index]:
            raise problem(f"lists {item} twice", _KEY, index)
    if len(raw) > MOST_BUCKETS:
        raise problem(f"are at most {MOST_BUCKETS}, not {len(raw)}: a model is compiled for each", _KEY)
    return tuple(sorted(raw))


class Buckets(Frozen):
    """A few static lengths.

    Attributes:
        buckets: how many, chosen so that the least padding is needed; or the lengths themselves, in tokens.
    """

    buckets: Annotated[int, Ge(1), Le(MOST_BUCKETS)] | tuple[Annotated[int, Ge(SHORTEST)], ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Those that are given, ascending; empty where only their number is."""
        return self.buckets if isinstance(self.buckets, tuple) else ()

    @model_serializer
    def _plain(self) -> dict[str, int | list[int]]:
        return {"buckets": list(self.buckets) if isinstance(self.buckets, tuple) else self.buckets}


def _shapes(raw: object) -> object:
    """Checked here as a whole: of a union, pydantic would complain of each part."""
    if isinstance(raw, Buckets) or raw in ("static", "dynamic"):
        return raw
    if isinstance(raw, Mapping) and set(raw) == {_KEY}:
        return Buckets(buckets=_checked(raw[_KEY]))
    raise problem(f"must be static, dynamic, or a mapping of the one key {_KEY}, not {shown(raw)}")


Shapes = Annotated[Literal["static", "dynamic"] | Buckets, BeforeValidator(_shapes)]
