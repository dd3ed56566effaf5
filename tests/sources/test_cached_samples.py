"""Preprocessing happens once: what tables were turned into is kept, with what was said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotune.data import Dataset
from autotune.sources.samples import cached


def test_what_is_in_the_cache_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path))
    made = []

    def make(tell):
        made.append(None)
        tell("1 text is cut.")
        return {"search": Dataset({"x": np.arange(6.0).reshape(3, 2)}, np.array([0, 1, 0]))}

    said: list[str] = []
    first, again = cached("key", make, said.append), cached("key", make, said.append)
    assert len(made) == 1 and said == ["1 text is cut."] * 2
    np.testing.assert_array_equal(first["search"].inputs["x"], again["search"].inputs["x"])
    np.testing.assert_array_equal(first["search"].labels, again["search"].labels)
    cached("another", make, said.append)
    assert len(made) == 2
