from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.prior.gain import Profile, Timed, TimeModel, attribute, border_costs, by_name, rank_correlation
from autotune.record import OperatorRun


def run(name: str, microseconds: float, kind: str = "Convolution") -> OperatorRun:
    return OperatorRun(name, kind, "float", "k", "f32", microseconds)


def test_time_goes_to_the_operator_or_its_neighbours():
    near = {"relu": ("a", "b"), "x": ("a",), "nowhere": (), "a": ("b",)}
    runs = [
        run("a", 10),
        run("relu", 4),  # 2 each
        run("x/fq_output_0_abcd_acdb_a", 1),  # x: a
        run("b/DequantizationMultiply", 7),
        run("a_f32_u8_b", 0.5),
        run("nowhere", 3),
        run("Multiply_123", 5),  # OpenVINO's own
        run("ab", 1),  # not "a": no separator
    ]
    found = attribute(runs, ("a", "b"), near)
    assert found == Profile({"a": 13.5, "b": 9.0}, 9)
    assert found.total == sum(r.microseconds for r in runs)


def test_an_operator_that_runs_as_two_nodes_has_the_time_of_both():
    """A bias that is not fused has the name of its layer."""
    assert by_name([run("fc", 90), run("relu", 4), run("fc", 2, "Subgraph")]) == {"fc": 92, "relu": 4}


def test_the_longest_name_wins():
    assert attribute([run("block/conv_1_abcd", 3)], ("block", "block/conv", "block/conv_1"), {}).operators == {
        "block": 0,
        "block/conv": 0,
        "block/conv_1": 3,
    }


FLOATS = Profile({"a": 60, "b": 20, "c": 10}, 10)
INT8 = Profile({"a": 20, "b": 15, "c": 12}, 10)


def test_predictions_by_hand():
    model = TimeModel(FLOATS, INT8, reference=100)
    assert model.predict(()) == pytest.approx(0.57)
    assert model.predict(("a",)) == pytest.approx(0.97)
    assert model.predict(("c", "unknown")) == pytest.approx(0.55)  # slower in int8
    assert model.predict(("a", "b", "c")) == pytest.approx(1.0)
    assert model.gains() == pytest.approx({"a": 0.4, "b": 0.05, "c": -0.02})


def test_a_float_model_in_another_precision():
    half = Profile({"a": 30, "b": 10, "c": 5}, 5)
    model = TimeModel(half, INT8, reference=100)
    assert model.predict(("a", "b", "c")) == pytest.approx(0.5)  # nodes of no operator go over with the operators


def test_borders_cost_where_float_meets_int8():
    model = TimeModel(FLOATS, INT8, 100, {("a", "b"): 3.0, ("b", "c"): 2.0, ("a", "gone"): 9.0})
    assert model.predict(()) == pytest.approx(0.57)
    assert model.predict(("b",)) == pytest.approx(0.57 + 0.05 + 0.05)
    assert model.predict(("a", "b")) == pytest.approx(0.57 + 0.45 + 0.02)


def test_border_costs_by_hand():
    runs = [run("x/fq_output_0", 20, "Subgraph"), run("y/fq_output_0", 90, "Subgraph"), run("conv", 50)]
    assert border_costs({("a", "b"): 1000}, runs, {"x": 100_000, "y": 10}) == {("a", "b"): pytest.approx(1.2)}
    assert border_costs({("a", "b"): 1000}, [], {}) == {("a", "b"): pytest.approx(1.2)}


def test_one_trial_moves_the_prediction_towards_it_and_no_further():
    model = TimeModel(FLOATS, INT8, 100)
    before = model.predict(("a",))
    model.correct([Timed(frozenset("a"), 1.2, 0.02)])
    assert before < model.predict(("a",)) < 1.2
    assert model.predict(("a",)) == pytest.approx(1.2, abs=0.02)
    model.correct([])
    assert model.predict(("a",)) == before


def test_a_vague_trial_moves_less():
    moved = []
    for width in (0.02, 2.0):
        model = TimeModel(FLOATS, INT8, 100)
        model.correct([Timed(frozenset("a"), 1.2, width)])
        moved.append(model.predict(("a",)))
    assert moved[0] > moved[1] > TimeModel(FLOATS, INT8, 100).predict(("a",))


def test_a_wrong_profile_is_corrected_by_trials():
    """True savings differ from the profiled ones: after 30 trials, sets never tried are predicted well."""
    random = np.random.default_rng(0)
    names = [f"n{i}" for i in range(12)]
    profiled, true = random.uniform(1, 10, 12), random.uniform(1, 10, 12)
    model = TimeModel(
        Profile(dict(zip(names, profiled * 2, strict=True))), Profile(dict(zip(names, profiled, strict=True))), 130
    )
    sets = [frozenset(n for n in names if random.random() < 0.5) for _ in range(60)]
    base = 0.6
    ratios = [base + sum(true[names.index(n)] for n in s) / 130 + random.normal(0, 0.005) for s in sets]
    tried, others = list(range(30)), list(range(30, 60))

    def errors() -> tuple[float, float]:
        predicted = [model.predict(sets[i]) for i in others]
        measured = [ratios[i] for i in others]
        return float(np.abs(np.subtract(predicted, measured)).mean()), rank_correlation(predicted, measured)

    off, rank = errors()
    model.correct([Timed(sets[i], ratios[i], 0.02) for i in tried])
    assert errors()[0] < off / 3
    assert errors()[1] > max(rank, 0.95)


def test_a_right_profile_is_not_spoilt_by_trials_noisier_than_they_say():
    """A machine under load: ratios are off by 15 %, and the intervals of their pairs say 4 %."""
    random = np.random.default_rng(0)
    names = [f"n{i}" for i in range(11)]
    saved = dict(zip(names, random.uniform(1, 10, 11), strict=True))
    model = TimeModel(Profile({n: 2 * t for n, t in saved.items()}), Profile(saved), 130)
    sets = [frozenset(n for n in names if random.random() < 0.5) for _ in range(50)]
    true = [model.predict(s) for s in sets]
    model.correct([Timed(s, t + random.normal(0, 0.15), 0.15) for s, t in zip(sets[:10], true[:10], strict=True)])
    assert rank_correlation([model.predict(s) for s in sets[10:]], true[10:]) > 0.99


@given(st.lists(st.sets(st.sampled_from("abc")), max_size=8), st.floats(0.2, 3))
def test_trials_that_agree_change_nothing(sets: list[set[str]], reference: float):
    model = TimeModel(FLOATS, INT8, 100 * reference)
    before = [model.predict(s) for s in sets]
    model.correct([Timed(frozenset(s), ratio, 0.03) for s, ratio in zip(sets, before, strict=True)])
    assert [model.predict(s) for s in sets] == pytest.approx(before)


def test_no_reference():
    with pytest.raises(ValueError, match="reference"):
        TimeModel(FLOATS, INT8, 0)


def test_rank_correlation():
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 1, 2]) == pytest.approx(-0.5)
    assert math.isnan(rank_correlation([1, 2], [1, 2]))
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]))
