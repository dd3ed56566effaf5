"""Groups of samples: errors and bounds worked out by hand, and how often bounds hold."""

import math

import numpy as np
import pytest
from scipy import stats as reference

from autotune.stats import Clusters, drop_error, drop_lower, drop_upper, samples_needed, t_errors


def clusters_of(groups) -> Clusters:
    found = Clusters.of(np.asarray(groups))
    assert found is not None
    return found


def value(scores, chosen):
    return float(scores[chosen].mean())


def upper(a, b, clusters, confidence=0.95, metric=None):
    return drop_upper(
        a,
        b,
        metric or value,
        is_mean=metric is None,
        higher_is_better=True,
        confidence=confidence,
        seed=0,
        clusters=clusters,
    )


def test_samples_that_stand_alone_are_no_clusters():
    assert Clusters.of(None) is None
    assert Clusters.of(np.array(["a", "b", "c"])) is None
    assert len(clusters_of(["a", "b", "a"])) == 2


def test_whole_groups():
    clusters = clusters_of([7, 7, 3, 3, 3, 9])
    assert clusters.cuts().tolist() == [2, 5, 6]
    assert clusters_of([7, 3, 7, 9]).cuts().tolist() == [3, 4], "groups may lie among each other"
    chunk = clusters.between(2, 6)
    assert chunk.sizes.tolist() == [3, 1]
    assert chunk.sums(np.array([1.0, 0, 1, 5])).tolist() == [2, 5]
    assert clusters.samples(np.array([2, 0, 0])).tolist() == [5, 0, 1, 0, 1]


def test_error_of_equal_groups_is_that_of_their_means():
    # Two losses of three in one group, one, none and none in the others: means 2/3, 1/3, 0, 0.
    changes = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0.0])
    means = np.array([2, 1, 0, 0]) / 3
    expected = means.std(ddof=1) / 2
    clusters = clusters_of(np.arange(12) // 3)
    assert clusters.mean_error(changes) == pytest.approx(expected)
    ones = np.ones(12)
    error = drop_error(ones, ones - changes, value, is_mean=True, higher_is_better=True, clusters=clusters)
    assert error == pytest.approx(expected)


def test_error_of_unequal_groups_by_hand():
    # Groups of 1 and 3 samples, changes (1) and (0, 0, 0): mean 1/4, residual sums 3/4 and -3/4, shares of the other
    # group 3/4 and 1/4: the variance is (9/16 / (3/4) + 9/16 / (1/4)) / 16 = 3/16.
    clusters = clusters_of(["a", "b", "b", "b"])
    assert clusters.mean_error(np.array([1.0, 0, 0, 0])) == pytest.approx(math.sqrt(3 / 16))


def test_one_group_says_nothing():
    clusters = clusters_of(np.zeros(50))
    a = np.ones(50)
    bound = upper(a, a, clusters)
    assert (bound.drop, bound.upper, bound.units) == (0, math.inf, 1)
    assert drop_error(a, a, value, is_mean=True, higher_is_better=True, clusters=clusters) == math.inf
    assert samples_needed(bound.drop, bound.sd, 0.01, 0.95, bound.excess) is None
    assert t_errors(1.0, 1) == math.inf


def test_errors_of_few_groups_count_less():
    # With one degree of freedom Student's distribution is Cauchy's.
    assert t_errors(1.0, 2) == pytest.approx(math.tan(math.pi * (reference.norm.cdf(1) - 0.5)))
    assert t_errors(2.0, 5) == pytest.approx(reference.t.ppf(reference.norm.cdf(2), 4))
    assert t_errors(2.0, 100_000) == pytest.approx(2, abs=1e-3)


def test_the_bound_is_students_with_few_alike_groups():
    random = np.random.default_rng(1)
    loss = np.repeat(random.normal(0.02, 0.01, 8), 25)
    a = random.normal(0.9, 0.05, 200)
    bound = upper(a, a - loss, clusters_of(np.arange(200) // 25))
    expected = loss.mean() + reference.t.ppf(0.95, 7) * loss[::25].std(ddof=1) / math.sqrt(8)
    assert bound.upper == pytest.approx(expected)
    assert (bound.method, bound.n, bound.units) == ("cluster-robust t of groups", 200, 8)
    assert bound.sd == pytest.approx(loss[::25].std(ddof=1))


def test_right_and_wrong_in_groups_are_not_bounded_as_if_independent():
    # All 30 losses of 600 crops are of one photo of ten: nine tell nothing of how many such photos there are.
    a, b = np.ones(600), np.ones(600)
    b[:30] = 0
    photos = clusters_of(np.arange(600) // 60)
    bound = upper(a, b, photos)
    assert bound.drop == 0.05
    assert bound.upper == pytest.approx(1 - 0.05 ** (1 / 10))
    assert bound.method == "rule of three, few groups differ"
    assert upper(a, b, None).upper < 0.07


def f1(labels):
    def of(predictions, chosen):
        p, y = predictions[chosen], labels[chosen]
        return float(2 * (p & y).sum() / max(1, p.sum() + y.sum()))

    return of


def test_corpus_metric_by_groups():
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, 800)
    hard = np.repeat(random.uniform(0, 0.3, 40), 20)
    a = np.where(random.random(800) < 0.05, 1 - labels, labels)
    b = np.where(random.random(800) < hard, 1 - labels, labels)
    clusters = clusters_of(np.arange(800) // 20)
    bound = upper(a, b, clusters, metric=f1(labels))
    error = drop_error(a, b, f1(labels), is_mean=False, higher_is_better=True, clusters=clusters)
    assert bound.units == 40 and "groups" in bound.method
    assert bound.sd == pytest.approx(error * math.sqrt(40))
    assert error > 1.3 * drop_error(a, b, f1(labels), is_mean=False, higher_is_better=True)
    assert bound.drop + 1.6 * error < bound.upper < bound.drop + 2.2 * error


def test_error_of_a_mean_is_the_jackknifes_over_equal_groups():
    random = np.random.default_rng(0)
    a = random.normal(size=120)
    b = a + np.repeat(random.normal(0.2, 0.3, 12), 10)
    clusters = clusters_of(np.arange(120) // 10)
    one, other = (
        drop_error(a, b, value, is_mean=is_mean, higher_is_better=True, clusters=clusters) for is_mean in (True, False)
    )
    assert one == pytest.approx(other)


def test_a_lower_bound_needs_ten_groups():
    random = np.random.default_rng(2)
    a = random.normal(0.9, 0.05, 100)
    b = a - 0.1 - random.normal(0, 0.01, 100)
    few, enough = clusters_of(np.arange(100) // 20), clusters_of(np.arange(100) // 10)
    lowers = [
        drop_lower(a, b, value, is_mean=True, higher_is_better=True, confidence=0.99, clusters=c) for c in (few, enough)
    ]
    assert lowers[0] == -math.inf and 0.05 < lowers[1] < 0.12


@pytest.mark.parametrize("kind", ["alike", "spread", "one in five"])
@pytest.mark.parametrize("count", [8, 30])
def test_the_bound_holds_as_often_as_it_says(kind: str, count: int):
    """0/1 scores of groups of unequal sizes whose rates of loss differ; at 90 % confidence, 250 times."""
    random = np.random.default_rng([count, len(kind)])
    held = 0
    for _ in range(250):
        sizes = random.integers(10, 50, count)
        rates = {
            "alike": np.full(count, 0.1),
            "spread": random.beta(0.5, 4.5, count),
            "one in five": np.where(random.random(count) < 0.2, 0.5, 0.0),
        }[kind]
        group = np.repeat(np.arange(count), sizes)
        a = np.ones(len(group))
        b = (random.random(len(group)) >= rates[group]).astype(float)
        held += upper(a, b, clusters_of(group), confidence=0.9).upper >= 0.1
    assert held / 250 > 0.9 - 0.06


def test_groups_that_happen_to_be_alike_are_no_evidence_of_less_error():
    """Each of five groups of ten loses one sample: the groups' means do not differ at all."""
    changes = np.tile([1.0] + 9 * [0.0], 5)
    clusters = clusters_of(np.arange(50) // 10)
    assert clusters.mean_error(changes) == 0
    error = drop_error(np.ones(50), 1 - changes, value, is_mean=True, higher_is_better=True, clusters=clusters)
    assert error == pytest.approx(np.std(changes, ddof=1) / np.sqrt(50))
