import numpy as np
import pytest

from autotune import stats
from autotune.decide import verdict


def judge(losses: int, gains: int, n: int, tolerance: float, finalists: int = 1):
    a, b = np.ones(n), np.ones(n)
    b[:losses] = 0
    a[losses : losses + gains] = 0
    return verdict(
        a, b, lambda s, i: float(s[i].mean()), is_mean=True, higher_is_better=True, float_score=float(a.mean()),
        score=float(b.mean()), tolerance=tolerance, confidence=0.95, finalists=finalists, seed=0,
    )  # fmt: skip


def test_three_states():
    upper = stats.paired_upper(6, 2, 800, 0.95)
    assert judge(6, 2, 800, upper).status == "proven"
    assert judge(6, 2, 800, upper - 1e-6).status == "expected"
    assert judge(6, 2, 800, 0.005).status == "expected"  # the estimate itself
    assert judge(6, 2, 800, 0.0049).status == "beyond"


def test_values():
    said = judge(6, 2, 800, 0.01)
    assert (said.drop, said.n, said.confidence, said.tolerance) == (0.005, 800, 0.95, 0.01)
    assert said.float_score == pytest.approx(1 - 2 / 800) and said.score == pytest.approx(1 - 6 / 800)
    assert said.drop_upper == stats.paired_upper(6, 2, 800, 0.95)


def test_more_finalists_need_more_evidence():
    one, four = judge(6, 2, 800, 0.02), judge(6, 2, 800, 0.02, finalists=4)
    assert four.drop_upper == stats.paired_upper(6, 2, 800, 1 - 0.05 / 4) > one.drop_upper
    assert four.confidence == 0.95 and "4 finalists" in four.method


def test_more_samples():
    said = judge(3, 1, 400, 0.01)
    assert said.status == "expected" and said.more_samples is not None
    factor = 1 + said.more_samples / 400
    assert judge(round(3 * factor), round(factor), round(400 * factor), 0.0105).status == "proven"
    assert judge(0, 0, 20_000, 0.01).more_samples is None  # proven already
    assert judge(5, 0, 100, 0.01).more_samples is None  # beyond: no number would


def test_equal_outputs_are_not_proof_on_few_samples():
    assert judge(0, 0, 200, 0.01).status == "expected"
    assert judge(0, 0, 400, 0.01).status == "proven"


def test_groups_are_counted_beside_samples():
    random = np.random.default_rng(0)
    loss = np.repeat(random.normal(0.004, 0.01, 12), 10)
    a = random.normal(0.9, 0.05, 120)
    said = verdict(
        a, a - loss, lambda s, i: float(s[i].mean()), is_mean=True, higher_is_better=True, float_score=float(a.mean()),
        score=float((a - loss).mean()), tolerance=0.008, confidence=0.95, finalists=1, seed=0,
        clusters=stats.Clusters.of(np.arange(120) // 10),
    )  # fmt: skip
    assert (said.status, said.n, said.groups) == ("expected", 120, 12)
    assert said.more_groups is not None and said.more_samples == 10 * said.more_groups
    factor = np.sqrt(1 + said.more_groups / 12)
    # A bit more than the normal bound asks for: with 12 groups it is Student's.
    assert 0.007 < said.drop + 1.645 * loss[::10].std(ddof=1) / np.sqrt(12) / factor <= 0.008
    assert judge(3, 1, 400, 0.01).groups is None
