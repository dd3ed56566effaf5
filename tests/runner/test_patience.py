"""A child that spins is ended: limits worked out by hand, and a real metric that never ends on the holdout."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune.configuration import Configuration
from autotune.errors import AutotuneError
from autotune.protocol import Observe, Patience, Race, patience
from autotune.recipe import Recipe
from autotune.record import Trial
from autotune.tuner import Options, tune

# One score per sample; it never ends where its file has a neighbour named ``spin``.
_METRIC = """
from pathlib import Path

def score(outputs, labels):
    while Path(__file__).with_name("spin").exists():
        pass
    return (outputs["logits"].argmax(axis=1) == labels).astype(float)
"""


def test_limits_follow_from_what_the_set_up_took_and_from_what_is_asked_for() -> None:
    known = Patience(calibration=100, search=200, holdout=300, weights=50_000_000)
    least = 300 + 5
    assert known.preparing() == least + 1800 + 200 * (5 + 1)
    assert known.preparing(usual=2.0) == least + 40 * 2
    one = least + (1 + 400 / 200) * (40 * 2 + 1000 * 0.1)
    assert known.answering(Observe(), usual=2.0, metric_seconds=0.1) == one
    race = Race((Configuration(), Configuration("bf16")), rounds=100, max_seconds=30.0)
    assert known.answering(race, usual=2.0, metric_seconds=0.1) == 2 * one + 30


class _SpinningHoldout:
    """Lets the metric spin from the finalists on."""

    def __init__(self, spin: Path) -> None:
        self._spin = spin

    def stage(self, text: str) -> None:
        if text == "finalists":
            self._spin.touch()

    def note(self, text: str) -> None:
        pass

    def trial(self, trial: Trial, best: Trial | None, done: int, total: int) -> None:
        pass


@pytest.mark.slow
def test_a_metric_that_never_ends_on_the_holdout_ends_the_run_which_can_be_resumed(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LEAST_SECONDS", 3.0)
    monkeypatch.setattr(patience, "SLOWEST", 1)
    (tmp_path / "metric.py").write_text(_METRIC)
    asked = Recipe.quick(
        str(tiny / "model.xml"), str(tiny / "data.npz"), f"{tmp_path / 'metric.py'}:score",
        {"budget": {"trials": 1}, "space": {"precision": "f32"}},
    )  # fmt: skip
    output, spin = tmp_path / "run", tmp_path / "spin"
    with pytest.raises(AutotuneError, match=r"Float f32.*gave no answer within \d+ s; the search is kept, --resume"):
        tune(asked, Options(output, trust_code=True), _SpinningHoldout(spin))
    spin.unlink()
    run = tune(asked, Options(output, resume=True, trust_code=True), _SpinningHoldout(tmp_path / "idle"))
    assert run.outcome == "winner"
