"""Scores of compiled models against the float baseline, with metrics that are slow or undefined."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray
from openvino import opset13 as ops

from autotune import scoring, stats
from autotune.configuration import Configuration, Quantization
from autotune.data import Dataset
from autotune.errors import UserError
from autotune.measure.compiled import Compiled, compile_model
from autotune.protocol import Judge
from autotune.scoring import Scorer
from autotune.stages import StageFailed
from autotune.tasks.classification import Accuracy, Auc

RNG = np.random.default_rng(0)
N = 240
LABELS = np.arange(N) % 3
FEATURES = (np.eye(3)[LABELS] + RNG.normal(0, 0.4, (N, 3))).astype(np.float32)
DATA = Dataset({"x": FEATURES}, LABELS)
JUDGE = Judge(Configuration(quantization=Quantization()), 0.02, True, 0.95, 1)


def scaled(*factors: float, first: float = 0.0) -> Compiled:
    """A model that multiplies its three inputs and adds to the first; (1, 1, 1) is the float baseline."""
    x = ops.parameter([1, 3], np.float32)
    x.output(0).set_names({"x"})
    y = ops.add(ops.multiply(x, np.array([factors], np.float32)), np.array([[first, 0, 0]], np.float32))
    y.output(0).set_names({"y"})
    return compile_model(ov.Model([y], [x], "m"), "f32", 1)


BASELINE = scaled(1, 1, 1)


def test_a_complete_score_by_hand() -> None:
    scorer = Scorer(Accuracy(), DATA, BASELINE)
    score = scorer.score(scaled(1, 1, 0.5), tolerance=None)
    right = (FEATURES.argmax(1) == LABELS).astype(float)
    worse = ((FEATURES * [1, 1, 0.5]).argmax(1) == LABELS).astype(float)
    assert score.value == pytest.approx(worse.mean())
    assert score.drop == pytest.approx(right.mean() - worse.mean())
    assert score.drop_error == pytest.approx((right - worse).std(ddof=1) / np.sqrt(N))
    assert (score.samples, score.stopped) == (N, "")


def test_a_hopeless_candidate_is_stopped_and_one_within_the_tolerance_is_not() -> None:
    scorer = Scorer(Accuracy(), DATA, BASELINE)
    hopeless = scorer.score(scaled(0, 1, 1), tolerance=0.02)
    assert hopeless.samples < N and f"of {N} samples" in hopeless.stopped
    assert scorer.score(scaled(1, 1, 0.98), tolerance=0.02).stopped == ""


class SlowAuc(Auc):
    """AUC that takes 20 ms, and counts how often it is asked."""

    calls = 0

    def value(self, per_sample: NDArray[np.float64], labels: NDArray[Any] | None) -> float:
        SlowAuc.calls += 1
        time.sleep(0.02)
        return super().value(per_sample, labels)


def test_a_slow_metric_is_computed_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(scoring, "VERDICT_SECONDS", 0.1)
    scorer = Scorer(SlowAuc(), DATA, BASELINE)
    assert scorer.metric_seconds >= 0.02
    assert not scorer.looks
    SlowAuc.calls = 0
    score = scorer.score(scaled(0, 1, 1), tolerance=0.001)
    assert score.stopped == ""
    assert SlowAuc.calls <= 2 * scoring.FEWEST_GROUPS + 4
    verdict = scorer.verdict(score, JUDGE, seed=0)
    assert f"{scoring.FEWEST_RESAMPLES} resamples" in verdict.method
    assert verdict.status == "beyond"


class Undefined(Accuracy):
    """A corpus metric that has no value where some class is never predicted."""

    name = "undefined"
    is_mean = False

    def per_sample(
        self, outputs: Mapping[str, Any], labels: NDArray[Any] | None, reference: Mapping[str, Any] | None
    ) -> NDArray[np.float64]:
        return outputs["y"].argmax(axis=1).astype(np.float64)

    def value(self, per_sample: NDArray[np.float64], labels: NDArray[Any] | None) -> float:
        if len(np.unique(per_sample)) < 3:
            return float("nan")
        return float((per_sample == labels).mean())


class Complaining(Undefined):
    """The same, but it raises."""

    def value(self, per_sample: NDArray[np.float64], labels: NDArray[Any] | None) -> float:
        value = super().value(per_sample, labels)
        if np.isnan(value):
            raise UserError("only one class")
        return value


@pytest.mark.parametrize("metric", [Undefined(), Complaining()])
def test_a_metric_that_is_undefined_for_a_candidate_fails_it_alone(metric: Undefined) -> None:
    scorer = Scorer(metric, DATA, BASELINE)
    with pytest.raises((StageFailed, UserError), match=r"undefined|only one class"):
        scorer.score(scaled(1, 1, 1, first=-99), tolerance=None)
    assert np.isfinite(scorer.score(scaled(1, 1, 0.9), tolerance=0.01).value)


@pytest.mark.parametrize("metric", [Undefined(), Complaining()])
def test_a_metric_that_is_undefined_for_the_first_samples_alone_fails_nothing(metric: Undefined) -> None:
    """The first looks see one class or two; the whole split has a value."""
    labels = np.sort(LABELS)
    scorer = Scorer(metric, Dataset({"x": np.eye(3, dtype=np.float32)[labels]}, labels), BASELINE)
    score = scorer.score(scaled(1, 1, 0.95), tolerance=0.05)
    assert (score.stopped, score.samples) == ("", N)
    assert np.isfinite(score.value)


def test_outputs_that_are_not_finite() -> None:
    scorer = Scorer(Accuracy(), DATA, BASELINE)
    with pytest.raises(StageFailed, match="NaN or infinite"):
        scorer.score(scaled(1, 1, float("inf")), tolerance=None)
    with pytest.raises(UserError, match="float model's outputs are not finite"):
        Scorer(Accuracy(), DATA, scaled(1, 1, float("inf")))


def test_the_reference_is_proven_by_itself() -> None:
    verdict = Scorer(Accuracy(), DATA, BASELINE).of_the_reference(JUDGE)
    assert (verdict.status, verdict.drop, verdict.drop_upper) == ("proven", 0.0, 0.0)
    assert verdict.tolerance == pytest.approx(0.02 * verdict.float_score)


def grouped(n: int, count: int, rate: float) -> Dataset:
    """Features of which whole groups are hard for a model that halves the third input."""
    random = np.random.default_rng(1)
    groups = np.sort(random.integers(0, count, n))
    hard = np.where(random.random(count) < rate, 0.9, 0.1)[groups]
    labels = np.full(n, 2)
    x = np.zeros((n, 3), np.float32)
    x[:, 2] = 1
    x[:, 0] = np.where(random.random(n) < hard, 0.7, 0.3)  # at 0.7 half of the third input is not enough
    return Dataset({"x": x}, labels, groups)


def test_five_groups_are_no_reason_to_give_up() -> None:
    groups = np.arange(N) // (N // 5)
    unsure = Scorer(Accuracy(), Dataset({"x": FEATURES}, LABELS, groups), BASELINE)
    score = unsure.score(scaled(0, 1, 1), tolerance=0.02)
    assert (score.stopped, score.samples, score.groups) == ("", N, 5)
    alone = Scorer(Accuracy(), DATA, BASELINE).score(scaled(0, 1, 1), tolerance=0.02)
    assert alone.samples < N and alone.groups is None


def test_many_groups_are_and_whole_ones_are_scored() -> None:
    groups = np.arange(N) // 3
    scorer = Scorer(Accuracy(), Dataset({"x": FEATURES}, LABELS, groups), BASELINE)
    score = scorer.score(scaled(0, 0, 1), tolerance=0.02)
    assert "drop beyond the tolerance" in score.stopped
    assert score.samples < N and score.samples % 3 == 0
    assert score.groups == score.samples // 3
    assert scorer.score(scaled(1, 1, 0.98), tolerance=0.02).stopped == ""


def test_candidates_at_the_tolerance_are_rarely_given_up_however_groups_fall() -> None:
    """The third of groups that is hard loses 0.9 of its samples; the true drop is the tolerance."""
    data = grouped(6000, 400, 0.3)
    random = np.random.default_rng(2)
    truth = Scorer(Accuracy(), data, BASELINE).score(scaled(1, 1, 0.5), None)
    lost = 1 - truth.per_sample
    given_up = 0
    for _ in range(60):
        chosen = random.choice(400, 40)
        rows = [np.flatnonzero(data.groups == g) for g in chosen]
        names = np.repeat(np.arange(40), [len(r) for r in rows])
        one = data.take(np.concatenate(rows))
        scorer = Scorer(Accuracy(), Dataset(one.inputs, one.labels, names), BASELINE)
        given_up += bool(scorer.score(scaled(1, 1, 0.5), tolerance=float(lost.mean())).stopped)
    assert given_up <= 2


def test_bounds_of_a_real_model_hold_over_groups() -> None:
    """Groups drawn from 400 whose scores a compiled model gave; the bound at 90 % against the drop of all of them."""
    data = grouped(6000, 400, 0.3)
    reference = Scorer(Accuracy(), data, BASELINE)
    scores = reference.score(scaled(1, 1, 0.5), None)
    members = [np.flatnonzero(data.groups == g) for g in range(400)]
    random = np.random.default_rng(3)
    by_groups = by_samples = 0
    for _ in range(200):
        rows = [members[g] for g in random.choice(400, 25)]
        chosen = np.concatenate(rows)
        clusters = stats.Clusters.of(np.repeat(np.arange(25), [len(r) for r in rows]))
        for kind in (clusters, None):
            upper = stats.drop_upper(
                reference.per_sample[chosen], scores.per_sample[chosen], lambda *_: 0.0, is_mean=True,
                higher_is_better=True, confidence=0.9, seed=0, clusters=kind,
            ).upper  # fmt: skip
            by_groups += kind is not None and upper >= scores.drop
            by_samples += kind is None and upper >= scores.drop
    assert by_groups / 200 > 0.85
    assert by_samples / 200 < 0.75, "as if samples were independent"


def test_the_verdict_counts_groups() -> None:
    data = grouped(600, 10, 0.3)
    scorer = Scorer(Accuracy(), data, BASELINE)
    verdict = scorer.verdict(scorer.score(scaled(1, 1, 0.5), None), JUDGE, seed=0)
    assert (verdict.n, verdict.groups) == (600, 10)
    assert "groups" in verdict.method
    assert scorer.of_the_reference(JUDGE).groups == 10
