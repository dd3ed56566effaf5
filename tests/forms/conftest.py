"""Every test draws the same constants, whichever run before it."""

from __future__ import annotations

import form_graphs
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def same_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_graphs, "_RANDOM", np.random.default_rng(0))
