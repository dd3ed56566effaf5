import numpy as np
import pytest
from scipy import stats as reference

from autotune.errors import UserError
from autotune.stats import drop_error, drop_lower, drop_upper, paired_upper, samples_needed


def unused(_scores, _indices):
    raise AssertionError("a mean needs no callable")


def mean_upper(a, b, confidence=0.95, higher_is_better=True):
    a, b = np.asarray(a, float), np.asarray(b, float)
    return drop_upper(a, b, unused, is_mean=True, higher_is_better=higher_is_better, confidence=confidence, seed=0)


def corpus_upper(a, b, value, confidence=0.95, higher_is_better=True):
    return drop_upper(a, b, value, is_mean=False, higher_is_better=higher_is_better, confidence=confidence, seed=0)


def test_binary_scores_are_bounded_exactly():
    a = np.array([1] * 90 + [0] * 10)
    b = a.copy()
    b[:5] = 0
    b[-2:] = 1
    bound = mean_upper(a, b)
    assert bound.drop == pytest.approx(0.03)
    assert bound.upper == paired_upper(5, 2, 100, 0.95)
    assert bound.method == "exact paired bound"
    lower = drop_lower(a, b, unused, is_mean=True, higher_is_better=True, confidence=0.95)
    assert lower == -paired_upper(2, 5, 100, 0.95) < bound.drop


def test_direction():
    a, b = np.zeros(50), np.repeat([1.0, 0.0], 25)  # errors: the candidate is wrong on half
    bound = mean_upper(a, b, higher_is_better=False)
    assert bound.drop == 0.5 and 0.5 < bound.upper < 0.7


def test_mean_of_continuous_scores_agrees_with_scipy():
    random = np.random.default_rng(3)
    a = random.normal(0.9, 0.1, 300)
    b = a - random.exponential(0.02, 300)
    bound = mean_upper(a, b)
    expected = reference.bootstrap((a - b,), np.mean, confidence_level=0.9, method="BCa", rng=1).confidence_interval
    assert bound.drop == pytest.approx((a - b).mean())
    assert bound.upper == pytest.approx(expected.high, rel=0.02)
    assert bound.sd == pytest.approx((a - b).std(), rel=0.05)


def test_coverage_of_skewed_differences():
    random = np.random.default_rng(4)
    drops = [random.exponential(0.02, 80) for _ in range(60)]
    missed = [mean_upper(np.ones(80), 1 - d, confidence=0.9).upper < 0.02 for d in drops]
    assert np.mean(missed) < 0.1 + 0.1


def test_a_confidence_beyond_all_resamples_is_no_smaller_a_bound():
    """The largest of 5000 means of resamples is 3.7 errors away, whatever the confidence; 0.999999 are 4.75."""
    drops = np.random.default_rng(5).normal(0.02, 0.01, 400)
    bounds = [mean_upper(np.ones(400), 1 - drops, confidence=1 - alpha) for alpha in (1e-2, 1e-3, 1e-4, 1e-6)]
    errors = [(bound.upper - bound.drop) / (drops.std() / 20) for bound in bounds]
    assert errors == pytest.approx([2.33, 3.09, 3.72, 4.75], rel=0.08)


def test_no_difference_is_no_proof_of_none():
    scores = np.random.default_rng(0).random(200)
    bound = mean_upper(scores, scores)
    assert bound.drop == 0
    assert bound.upper == pytest.approx(np.ptp(scores) * (1 - 0.05 ** (1 / 200)))
    assert "rule of three" in bound.method
    equal = mean_upper(np.full(200, 0.7), np.full(200, 0.7))
    assert equal.upper == pytest.approx(0.7 * (1 - 0.05 ** (1 / 200)))


def test_few_differences_prove_no_more_than_none():
    a = np.random.default_rng(0).random(200)
    b = a.copy()
    b[0] += 0.2
    assert mean_upper(a, b).upper >= mean_upper(a, a).upper - 0.01
    assert mean_upper(a, b).drop < 0


def f1(labels):
    def value(predictions, chosen):
        p, y = predictions[chosen], labels[chosen]
        return float(2 * (p & y).sum() / max(1, p.sum() + y.sum()))

    return value


def test_corpus_metric():
    random = np.random.default_rng(5)
    labels = random.integers(0, 2, 400)
    a = np.where(random.random(400) < 0.05, 1 - labels, labels)
    b = np.where(random.random(400) < 0.10, 1 - labels, labels)
    bound = corpus_upper(a, b, f1(labels))
    assert bound.drop == pytest.approx(f1(labels)(a, np.arange(400)) - f1(labels)(b, np.arange(400)))
    assert bound.drop + bound.sd / 20 < bound.upper < bound.drop + 2.2 * bound.sd / 20
    lower = drop_lower(a, b, f1(labels), is_mean=False, higher_is_better=True, confidence=0.95)
    assert lower == pytest.approx(2 * bound.drop - bound.upper, abs=0.01)
    same = corpus_upper(a, a, f1(labels))
    assert same.upper == pytest.approx((1 - 0.05 ** (1 / 400)) * f1(labels)(a, np.arange(400)))


def test_corpus_metric_that_no_resample_changes():
    a = np.linspace(0, 1, 100)[:, None]
    ranks = lambda s, i: float(np.corrcoef(np.argsort(np.argsort(s[i, 0])), np.argsort(np.argsort(a[i, 0])))[0, 1])  # noqa: E731
    bound = corpus_upper(a, a * 0.9, ranks)
    assert bound.drop == 0 and bound.upper > 0.02


def test_metric_without_value_on_resamples():
    a = np.array([1] + [0] * 19)
    only_with_both = lambda s, i: float("nan") if s[i].sum() == 0 else 1.0  # noqa: E731
    with pytest.raises(UserError, match="of every class"):
        corpus_upper(a, a, only_with_both)


def test_same_seed_same_bound():
    random = np.random.default_rng(0)
    a, b = random.random(100), random.random(100)
    assert mean_upper(a, b) == mean_upper(a, b)


def test_samples_needed_by_hand():
    # 0.002 + 1.6449 * 0.2 / sqrt(n) = 0.01  =>  n = (1.6449 * 0.2 / 0.008)^2 = 1691.0
    assert samples_needed(0.002, 0.2, 0.01, 0.95) == 1691
    assert samples_needed(0.0, 0.0, 0.01, 0.95, excess=3.0) == 300
    assert samples_needed(0.02, 0.2, 0.01, 0.95) is None
    assert samples_needed(0.01, 0.2, 0.01, 0.95) is None
    assert samples_needed(0.0099999, 0.2, 0.01, 0.95) is None


@pytest.mark.parametrize(("losses", "gains", "n"), [(0, 0, 200), (3, 1, 400), (10, 6, 900)])
def test_as_many_samples_as_said_suffice(losses: int, gains: int, n: int):
    a, b = np.ones(n), np.ones(n)
    b[:losses] = 0
    a[losses : losses + gains] = 0
    bound = mean_upper(a, b)
    needed = samples_needed(bound.drop, bound.sd, 0.01, 0.95, bound.excess)
    assert needed is not None and needed > n
    upper = paired_upper(round(losses * needed / n), round(gains * needed / n), needed, 0.95)
    assert upper == pytest.approx(0.01, rel=0.12)


def value(scores, chosen):
    return float(scores[chosen].mean())


def test_error_of_a_mean_by_hand():
    # Differences 0.1, 0.3, 0.1, 0.3: their standard deviation is 0.1 * sqrt(4 / 3), that of the mean half of it.
    a, b = np.array([0.5, 0.8, 0.5, 0.8]), np.array([0.4, 0.5, 0.4, 0.5])
    error = drop_error(a, b, value, is_mean=True, higher_is_better=True)
    assert error == pytest.approx(0.1 * np.sqrt(4 / 3) / 2)


def test_error_of_right_and_wrong_is_at_least_one_sample():
    same = np.ones(50)
    assert drop_error(same, same, value, is_mean=True, higher_is_better=True) == 1 / 50


def test_error_of_a_corpus_metric_is_the_jackknifes():
    random = np.random.default_rng(0)
    a = random.normal(size=80)
    b = a + random.normal(0.2, 0.3, 80)
    exact = drop_error(a, b, value, is_mean=True, higher_is_better=True)
    assert drop_error(a, b, value, is_mean=False, higher_is_better=True) == pytest.approx(exact)
    assert drop_error(a, b, value, is_mean=False, higher_is_better=True, groups=20) == pytest.approx(exact, rel=0.4)
    undefined = drop_error(a, b, lambda *_: float("nan"), is_mean=False, higher_is_better=True)
    assert undefined == float("inf")


def test_fewer_resamples_are_said():
    random = np.random.default_rng(0)
    a = random.normal(size=200)
    b = a + random.normal(0.1, 0.3, 200)
    calls = []

    def counted(scores, chosen):
        calls.append(1)
        return value(scores, chosen)

    bound = drop_upper(
        a, b, counted, is_mean=False, higher_is_better=True, confidence=0.95, seed=0, resamples=200, groups=20
    )
    assert "200 resamples" in bound.method
    assert len(calls) <= 2 * (200 + 20) + 10
