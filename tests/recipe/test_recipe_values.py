"""Drops, durations and latencies: what is read, what is refused, and that printing is the exact inverse."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.frozen import FrozenMap
from autotune.recipe import Drop, parse_drop, parse_duration, parse_latency
from autotune.recipe.values import duration_text, latency_text

positive = st.floats(min_value=1e-9, max_value=1e9)


@pytest.mark.parametrize(
    ("raw", "drop"),
    [
        ("1%", Drop(0.01, True)),
        (" 0.5 % ", Drop(0.005, True)),
        ("0%", Drop(0.0, True)),
        (0.01, Drop(0.01, False)),
        ("0.01", Drop(0.01, False)),
        (3, Drop(3.0, False)),
    ],
)
def test_drop(raw: object, drop: Drop) -> None:
    assert parse_drop(raw) == drop


@pytest.mark.parametrize(
    "raw", ["100%", "150%", "-1%", -0.1, math.nan, math.inf, "nan", "nan%", "one", "", "%", True, None]
)
def test_absurd_drop(raw: object) -> None:
    with pytest.raises(ValueError, match=r"drop|must be|whole score"):
        parse_drop(raw)


def test_tolerance_of_a_drop() -> None:
    assert parse_drop("1%").tolerance(0.9) == pytest.approx(0.009)
    assert parse_drop("10%").tolerance(-2.0) == pytest.approx(0.2)
    assert parse_drop(0.02).tolerance(0.9) == 0.02


@given(st.one_of(positive, st.just(0.0)).map(parse_drop) | st.floats(0, 99.99).map(lambda p: parse_drop(f"{p!r}%")))
def test_drop_round_trip(drop: Drop) -> None:
    assert parse_drop(str(drop)) == drop


@pytest.mark.parametrize(
    ("raw", "seconds"), [("10m", 600), ("90s", 90), (90, 90), ("1.5h", 5400), ("2 min", 120), ("30", 30)]
)
def test_duration(raw: object, seconds: float) -> None:
    assert parse_duration(raw) == seconds


@pytest.mark.parametrize(
    ("raw", "milliseconds"), [("5ms", 5), (5, 5), ("0.5 ms", 0.5), ("800us", 0.8), ("1s", 1000), ("5 MS", 5)]
)
def test_latency(raw: object, milliseconds: float) -> None:
    assert parse_latency(raw) == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    "raw", ["", "m", "10 minutes", "-3s", 0, "0s", math.nan, math.inf, True, None, [1], "1.2.3s", "5µs"]
)
def test_not_a_quantity(raw: object) -> None:
    for parse in (parse_duration, parse_latency):
        with pytest.raises(ValueError, match="write '"):
            parse(raw)


@given(positive)
def test_quantities_round_trip(value: float) -> None:
    assert parse_duration(duration_text(value)) == value
    assert parse_latency(latency_text(value)) == value


def test_short_durations() -> None:
    assert [duration_text(s) for s in (90, 180, 7200, 0.5)] == ["90s", "3m", "2h", "0.5s"]


def test_frozen_map() -> None:
    one, two = FrozenMap({"a": 1, "b": 2}), FrozenMap({"b": 2, "a": 1})
    assert one == two
    assert hash(one) == hash(two)
    assert list(one) == ["a", "b"]
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError):
        one["a"] = 3  # type: ignore[index]
