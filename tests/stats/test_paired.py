import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, multinomial

from autotune.stats import paired_upper


def test_no_disagreement_is_nearly_the_rule_of_three():
    # Only "nobody lost anything" is as favourable as that, or gains: the bound must solve (1 - d)^n = alpha - gamma.
    upper = paired_upper(0, 0, 200, 0.95)
    assert upper == pytest.approx(1 - 0.049 ** (1 / 200), abs=1e-4)


def test_only_losses_is_nearly_clopper_pearson():
    # 40 losses of 200 and no gain: close to the exact bound of one binomial share.
    share = binom.cdf(40, 200, paired_upper(40, 0, 200, 0.95))
    assert 0.02 < share < 0.05


def test_many_disagreements_agree_with_the_normal_approximation():
    upper = paired_upper(1200, 1150, 5000, 0.95)
    assert upper == pytest.approx(0.01 + 1.6449 * np.sqrt((0.47 - 0.01**2) / 5000), rel=0.01)


def test_extremes():
    assert paired_upper(1, 0, 1, 0.95) == 1.0
    assert paired_upper(7, 0, 7, 0.95) == 1.0
    assert -1 < paired_upper(0, 50, 50, 0.95) < -0.85
    assert 0.9 < paired_upper(0, 0, 1, 0.95) < 1


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_bound_is_above_the_estimate_and_monotone(data: st.DataObject):
    n = data.draw(st.integers(2, 300))
    losses = data.draw(st.integers(0, n - 1))
    gains = data.draw(st.integers(0, n - 1 - losses))
    upper = paired_upper(losses, gains, n, 0.95)
    slack = 1e-3 / np.sqrt(n)
    assert (losses - gains) / n < upper <= 1
    assert paired_upper(losses, gains, n, 0.99) >= upper - slack
    assert paired_upper(losses + 1, gains, n, 0.95) >= upper - slack


@pytest.mark.parametrize(
    ("n", "disagreement", "drop", "confidence"),
    [
        (60, 0.1, 0.04, 0.95),
        (60, 0.05, 0.05, 0.95),
        (150, 0.04, 0.01, 0.9),
        (150, 0.04, 0.0, 0.9),
        (40, 0.2, -0.1, 0.9),
    ],
)
def test_true_drop_is_missed_at_most_as_often_as_allowed(n: int, disagreement: float, drop: float, confidence: float):
    """Coverage, exactly: the probabilities of all samples whose bound lies below the true drop."""
    shares = [(disagreement + drop) / 2, (disagreement - drop) / 2, 1 - disagreement]
    missed = seen = 0.0
    for losses in range(n + 1):
        for gains in range(n + 1 - losses):
            probability = multinomial.pmf([losses, gains, n - losses - gains], n, shares)
            if probability > 1e-5:
                seen += probability
                missed += probability * (paired_upper(losses, gains, n, confidence) < drop)
    assert seen > 0.999
    assert missed <= 1 - confidence
    assert missed > (1 - confidence) / 4 or drop >= disagreement  # not needlessly wide
