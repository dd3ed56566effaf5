"""How the tests themselves are dealt out to the processes that run them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from conftest import dealt


@dataclass(frozen=True)
class Made:
    """As much of a test as is asked for."""

    file: str
    number: int
    slow: bool

    def get_closest_marker(self, name: str) -> object:
        return name if self.slow and name == "slow" else None


def files(sizes: dict[str, tuple[int, int]]) -> dict[str, list[Any]]:
    """Per file, how many tests are slow and how many are not."""
    return {name: [Made(name, i, i < slow) for i in range(slow + quick)] for name, (slow, quick) in sizes.items()}


def test_each_half_begins_with_its_share_of_the_long_ones_and_none_is_lost() -> None:
    given = files({"a": (0, 6), "b": (2, 1), "c": (0, 20), "d": (5, 0), "e": (2, 2), "f": (0, 2)})
    tests = cast("list[Made]", dealt(given, 2))
    assert sorted(tests, key=repr) == sorted((test for part in given.values() for test in part), key=repr)
    halves = tests[:20], tests[20:]
    assert [sum(test.slow for test in half) for half in halves] == [5, 4]
    for half in halves:
        files_of_slow = {test.file for test in half if test.slow}
        begin = [test.file for test in half if test.file in files_of_slow]
        assert [test.file for test in half][: len(begin)] == begin, "long ones come first"
    for file in "bdef":
        places = [i for i, test in enumerate(tests) if test.file == file]
        assert places == list(range(places[0], places[0] + len(places))), "a file stays whole"


def test_more_long_ones_than_a_part_holds() -> None:
    given = files({"a": (9, 0), "b": (0, 1), "c": (0, 2)})
    assert [test.file for test in cast("list[Made]", dealt(given, 2))] == [*"aaaaaaaaa", "b", "c", "c"]
