"""Golden tests of the views behind time, pairs, operators, ranges and importances."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_runs import EVIL, FLOAT_WINS, IMPORTANCES, INT8_WINS, INTERRUPTED, NOTHING, QUANTIZERS, TRANSFORMER

from autotune.configuration import Configuration, Quantization
from autotune.findings import ChoiceImportance, FrameFindings
from autotune.outcome import RunRecord
from autotune.report.view import view


def test_the_best_so_far_over_time() -> None:
    anytime = view(INT8_WINS).anytime
    assert [(m.trial, m.within) for m in anytime.moments] == [
        (6, False),
        (0, True),
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]
    assert anytime.line == (
        (5.0, 1.0),
        (11.0, pytest.approx(3.125)),
        (13.0, pytest.approx(3.5211, rel=1e-4)),
        (13.0, pytest.approx(3.5211, rel=1e-4)),
    )
    assert anytime.moments[-1].details[2] == "after 13.0 s"
    assert view(NOTHING).anytime.moments == ()


def test_pairs_are_of_float_f32_and_the_winner() -> None:
    pairs = view(INT8_WINS).pairs
    assert pairs is not None
    assert pairs.names == ("float f32", "the winner (int8, trial 4)")
    assert pairs.roles == ("float", "winner")
    assert pairs.median == pytest.approx(3.5, rel=0.01)
    assert len(pairs.ratios) == 101
    assert pairs.lead.startswith(
        "The winner (int8, trial 4) was the faster one in 101 of 101 rounds; half of the rounds"
    )


def test_pairs_where_float_f32_won_are_of_the_fastest_other() -> None:
    pairs = view(FLOAT_WINS).pairs
    assert pairs is not None
    assert pairs.names == ("float f32", "float bf16")
    assert view(INTERRUPTED).pairs is None


def test_operators_tell_cost_gain_and_why_they_stayed_float() -> None:
    rows = {row.name: row for row in view(INT8_WINS).operators.rows}
    assert (rows["/conv/Conv"].cost, rows["/conv/Conv"].gain, rows["/conv/Conv"].why) == ("0.021 %", "310", "")
    assert rows[EVIL].why == "kept float: int8 would save 65.0 µs at a cost of 8.1 %"
    assert rows["/convert"].why == "moves or converts data between others"
    assert rows["/convert"].cost == "–"


def reasons(run: RunRecord) -> dict[str, str]:
    return {row.name: row.why for row in view(run).operators.rows}


def with_winner(quantization: Quantization) -> RunRecord:
    """The same run, as if trial 4 had been built of this."""
    trials = tuple(
        replace(t, configuration=replace(t.configuration, quantization=quantization)) if t.number == 4 else t
        for t in INT8_WINS.trials
    )
    finalists = tuple(
        replace(f, configuration=replace(f.configuration, quantization=quantization)) if f.trial == 4 else f
        for f in INT8_WINS.finalists
    )
    return replace(INT8_WINS, trials=trials, finalists=finalists)


def test_further_reasons() -> None:
    transformer = TRANSFORMER.quantization
    assert transformer is not None
    placed = "quantised, but OpenVINO has no int8 kernel for it in this place"
    assert reasons(with_winner(transformer))[EVIL] == placed
    plain = FrameFindings(Configuration(quantization=Quantization()), ("/conv/Conv",), ())
    assert (
        reasons(replace(with_winner(Quantization()), frames=(plain,)))[EVIL]
        == "NNCF's plain placement leaves it float here"
    )
    either = "left float by this placement, or OpenVINO has no int8 kernel for it here"
    assert reasons(replace(with_winner(transformer), frames=()))[EVIL] == either
    kept = reasons(replace(INT8_WINS, frames=()))
    assert kept[EVIL] == "kept float by the configuration"
    unknown = replace(with_winner(transformer), frames=(), model=replace(INT8_WINS.model, operators={}))
    assert reasons(unknown)[EVIL] == "NNCF does not quantise Convolution"


def test_without_frames_no_costs_are_claimed() -> None:
    operators = view(replace(INT8_WINS, frames=())).operators
    assert (operators.costed, operators.gained) == (False, False)
    assert "was not looked at" in operators.costs_note


def test_quantisers_show_each_estimators_range() -> None:
    first, second = view(INT8_WINS).calibration.quantizers
    assert [(r.estimator, r.chosen) for r in first.ranges] == [
        ("min-max", False),
        ("mse", False),
        ("percentile(0.9999)", True),
    ]
    assert first.facts == "values from −2 to 6; range −1.5 to 1.5; 9 % of the values outside"
    assert [r.estimator for r in second.ranges] == ["per channel"]
    assert view(INT8_WINS).calibration.of == "the winner"


def test_where_float_wins_the_quantisers_are_those_of_the_fastest_that_has_some() -> None:
    shown = view(replace(FLOAT_WINS, quantizers=QUANTIZERS, quantizers_of=4)).calibration
    assert shown.of.startswith("trial 4 (int8 transformer/performance")
    assert shown.note.startswith("The winner has none that calibration gave a range; these are of trial 4.")
    unknown = view(replace(FLOAT_WINS, quantizers=(), quantizers_of=None)).calibration
    assert unknown.note == "What quantisers saw was not recorded in this run."
    floats = tuple(t for t in FLOAT_WINS.trials if t.configuration.is_float)
    nothing = view(replace(FLOAT_WINS, trials=floats, front=(0,), quantizers=(), quantizers_of=None)).calibration
    assert nothing.note == "Nothing was calibrated: no candidate quantises activations in advance."


def test_importances_warn_where_the_data_cannot_say() -> None:
    importance = view(INT8_WINS).importance
    assert importance is not None
    assert [(r.choice, r.drop_text, r.clear) for r in importance.rows] == [
        ("placement", "70 %", True),
        ("preset", "10 %", False),
    ]
    assert importance.warning.startswith("12 trials are few for this")
    noise = replace(IMPORTANCES, choices=(ChoiceImportance("preset", 0.1, 0.1),))
    unclear = view(replace(INT8_WINS, importances=noise)).importance
    assert unclear is not None
    assert unclear.warning.startswith("These data cannot say which choices mattered")
    many = view(replace(INT8_WINS, importances=replace(IMPORTANCES, trials=200))).importance
    assert many is not None
    assert many.warning == ""
