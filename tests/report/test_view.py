"""Golden tests of the data behind the page."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from report_runs import (
    CONSTRAINT_UNMET,
    EVIL,
    FLOAT_WINS,
    INT8_WINS,
    INTERRUPTED,
    NOTHING,
    OUTCOMES,
    TRIALS,
)

from autotune.outcome import RunRecord, Saturation
from autotune.record import Interval
from autotune.report.page import Badge, Card, Choice, OperatorGroup, Phase, ProblemRow, StateCount
from autotune.report.summary import summary
from autotune.report.view import view


def badges(run: RunRecord) -> list[tuple[str, str]]:
    return [(b.text, b.tone) for b in view(run).headline.badges]


def test_headline_of_an_int8_winner() -> None:
    headline = view(INT8_WINS).headline
    assert headline.title == "3.50× as fast as float f32 (3.43 to 3.57×); accuracy drop +0.0022, at most +0.0096."
    assert headline.sentence == INT8_WINS.sentence
    assert badges(INT8_WINS) == [("expected", "fair")]
    assert headline.asides == (
        "Fastest proven: int8 transformer/mixed, mean-min-max, rest f32 (trial 3) at 3.10×, drop at most +0.0067.",
    )
    assert headline.facts == (
        "standard_v3_3",
        "AMD EPYC 9R14",
        "2 threads",
        "8 trials in 1 min 20 s",
        "2026-11-24 13:05:00+00:00",
    )


def test_titles_of_other_outcomes() -> None:
    assert view(FLOAT_WINS).headline.title == "Float f32 is the fastest model within the tolerance on this CPU."
    assert view(INTERRUPTED).headline.title == "Nothing was judged: float f32 is kept."


def test_badges_tell_outcome_and_verdict() -> None:
    assert badges(FLOAT_WINS) == [("proven", "good")]
    assert badges(CONSTRAINT_UNMET) == [("constraint not met", "bad"), ("expected", "fair")]
    assert badges(INTERRUPTED) == [("interrupted", "plain"), ("no verdict", "plain")]


def test_float_winner_says_why() -> None:
    assert view(FLOAT_WINS).headline.asides == (FLOAT_WINS.why_float,)
    told = replace(FLOAT_WINS, sentence=f"float f32. {FLOAT_WINS.why_float}")
    assert view(told).headline.asides == ()


def test_what_saturation_costs_is_beside_the_verdict() -> None:
    saturating = replace(INT8_WINS, saturation=Saturation(0.85, 0.875, 0.025, 750))
    assert view(saturating).headline.asides[-1].startswith("Saturation of 8-bit sums costs 0.025: ")
    assert summary(saturating)["saturation"] == {"score": 0.85, "emulated_score": 0.875, "cost": 0.025, "n": 750}
    assert summary(INT8_WINS)["saturation"] is None


def test_cards_before_and_after() -> None:
    assert view(INT8_WINS).cards == (
        Card(
            "accuracy",
            "0.8951",
            "0.8929",
            "drop +0.0022",
            ("drop at most +0.0096 at 95 % confidence", "tolerance 0.00895 (1%)", "holdout of 1,800 samples"),
        ),
        Card("latency", "1.00 ms", "0.286 ms", "−71 %", ("median of 101 interleaved rounds",)),
        Card("size", "3.10 MB", "812 kB", "−74 %", ("the model's constants",)),
        Card(
            "speed",
            "",
            "3.50×",
            "against float f32 (3.43 to 3.57×)",
            (
                "3.50× (3.43 to 3.57×) against the best float within tolerance, float f32",
                "intervals at 95 % confidence",
            ),
        ),
        Card(
            "throughput",
            "1,000 /s",
            "3,500 /s",
            "+250 %",
            ("inferences one after the other, 2 threads at most: 1 s over the median latency",),
        ),
    )


def test_peak_memory_before_and_after() -> None:
    peaks = {INT8_WINS.winner: 60_000_000, 0: 110_000_000}
    finalists = tuple(replace(f, peak_memory_bytes=peaks.get(f.trial)) for f in INT8_WINS.finalists)
    card = next(c for c in view(replace(INT8_WINS, finalists=finalists)).cards if c.title == "peak memory")
    assert (card.before, card.after, len(card.details)) == ("110 MB", "60.0 MB", 1)
    run = replace(INT8_WINS, finalists=finalists, goal=replace(INT8_WINS.goal, max_memory_bytes=70_000_000))
    card = next(c for c in view(run).cards if c.title == "peak memory")
    assert card.details[-1] == "at most 70.0 MB asked: met"
    assert "peak memory 60.0 MB" in next(f.remark for f in view(run).finalists if f.trial == run.winner)


def test_cards_of_a_float_winner_and_of_no_winner() -> None:
    assert view(FLOAT_WINS).cards[3].details[0] == "the winner is the best float"
    assert [c.after for c in view(INTERRUPTED).cards] == ["0.8950", "1.00 ms", "3.12 MB"]
    assert [c.after for c in view(NOTHING).cards] == ["0.8950", "–", "3.12 MB"]


def test_an_unmet_latency_is_said_on_card_and_row() -> None:
    page = view(CONSTRAINT_UNMET)
    assert page.cards[1].details[-1] == "at most 0.100 ms asked: not met"
    assert all("slower than the allowed 0.100 ms" in row.remark for row in page.finalists)


def test_front_kinds_line_and_view() -> None:
    front = view(INT8_WINS).front
    assert [(p.trial, p.kind) for p in front.points] == [
        (0, "float"),
        (1, "float"),
        (2, "peer"),
        (3, "peer"),
        (4, "searched"),
        (6, "stopped"),
    ]
    assert front.line == ((1.0, 0.0), (pytest.approx(1 / 0.284), 0.0012), (4.0, 0.156))
    assert [(h.trial, h.name, h.winner) for h in front.holdout] == [
        (4, "winner: trial 4", True),
        (3, "", False),
        (0, "float f32", False),
        (1, "float bf16", False),
    ]
    assert front.tolerance_text == "tolerance 0.00895"
    assert front.y_range[0] < 0.0
    assert 0.038 < front.y_range[1] < 0.156
    assert front.x_range[0] < 1.0
    assert front.x_range[1] > 1.02 / 0.284
    assert front.note == "1 trial lies above this view (drop up to +0.1560)."


def test_front_hover_tells_configuration_and_reason() -> None:
    points = {p.trial: p for p in view(INT8_WINS).front.points}
    assert points[4].details == (
        "trial 4: int8 transformer/performance, mse, affine, 1 quantiser set singly (7aac), 2 kept float, rest f32",
        "speedup 3.52× (3.42 to 3.59×)",
        "drop +0.0012, accuracy 0.8938",
        "latency 0.284 ms, size 812 kB",
        "winner, finalist, front",
    )
    assert points[6].details[-1].startswith("stopped: drop 0.1000 after 125")


def test_the_standard_error_of_a_drop_is_told_where_it_is_known() -> None:
    measured = INT8_WINS.trials[4].measurement
    assert measured is not None
    known = replace(INT8_WINS.trials[4], measurement=replace(measured, drop_error=0.00213))
    page = view(replace(INT8_WINS, trials=(*TRIALS[:4], known)))
    assert page.trials[4].drop_error == "± 0.0021"
    assert page.front.points[4].details[2] == "drop +0.0012 (± 0.0021), accuracy 0.8938"


def test_unknown_interval_ends_draw_no_whisker() -> None:
    wild = tuple(replace(f, speedup=Interval(2.0, math.nan, math.inf)) for f in INT8_WINS.finalists)
    assert all((h.low, h.high) == (2.0, 2.0) for h in view(replace(INT8_WINS, finalists=wild)).front.holdout)


def test_latencies_slowest_first_without_stalls() -> None:
    latencies = view(CONSTRAINT_UNMET).latencies
    assert [(s.name, s.role, s.median) for s in latencies.series] == [
        ("float f32", "float", "1.00 ms"),
        ("float bf16", "float", "0.455 ms"),
        ("int8, trial 3", "finalist", "0.323 ms"),
        ("winner: int8, trial 4", "winner", "0.286 ms"),
    ]
    assert latencies.x_max < 1.2
    assert (latencies.rounds, latencies.max_latency_ms) == (101, 0.1)


def test_finalists_fastest_first() -> None:
    rows = view(INT8_WINS).finalists
    assert [(r.trial, r.verdict.text, r.roles) for r in rows] == [
        (4, "expected", ("winner",)),
        (3, "proven", ("fastest proven",)),
        (1, "beyond", ()),
        (0, "proven", ("best float", "baseline")),
    ]
    first = rows[0]
    assert (first.speedup, first.speedup_interval) == ("3.50×", "3.43 to 3.57×")
    assert (first.latency, first.score, first.drop, first.drop_upper) == ("0.286 ms", "0.8929", "+0.0022", "+0.0096")
    assert first.remark == "about 410 more labelled samples would settle it"


def test_expected_that_no_number_of_samples_would_prove() -> None:
    finalist = INT8_WINS.finalists[0]
    run = replace(INT8_WINS, finalists=(replace(finalist, verdict=replace(finalist.verdict, more_samples=None)),))
    assert view(run).finalists[0].remark == "no number of further samples would prove it at this estimate"


def test_trial_rows_have_texts_and_numbers() -> None:
    rows = view(INT8_WINS).trials
    assert [r.state for r in rows] == [t.state for t in TRIALS]
    winner = rows[4]
    assert (winner.speedup, winner.drop, winner.latency, winner.size) == ("3.52×", "+0.0012", "0.284 ms", "812 kB")
    assert (winner.drop_value, winner.latency_value, winner.size_value) == (0.0012, 0.284, 812_345)
    assert winner.seconds == "2.50 s"
    failed = rows[5]
    assert (failed.speedup, failed.speedup_value, failed.seconds) == ("–", None, "–")
    assert {r.drop_error for r in rows} == {""}
    assert rows[6].remark == "after 125 of 750 samples"
    assert rows[7].remark == "as trial 4"


def test_trial_rows_open_to_every_choice() -> None:
    rows = view(INT8_WINS).trials
    assert rows[0].choices == (Choice("precision", "f32"),)
    assert rows[4].choices == (
        Choice("placement", "transformer"),
        Choice("preset", "performance"),
        Choice("activation ranges", "mse, affine"),
        Choice(f"range of {EVIL}/fq_output_0", "percentile(0.9999), symmetric"),
        Choice("weights", "per-channel"),
        Choice("bias correction", "on"),
        Choice("overflow fix", "off"),
        Choice("precision of the rest", "f32"),
        Choice("operators kept float", f"/dense/MatMul, {EVIL}"),
    )


def test_states_that_occur_are_counted() -> None:
    assert view(INT8_WINS).states == (
        StateCount("complete", 5),
        StateCount("stopped", 1),
        StateCount("duplicate", 1),
        StateCount("failed", 1),
    )


def test_operators_beside_the_baseline() -> None:
    operators = view(INT8_WINS).operators
    assert [(o.name, o.scheme, o.share_text, o.baseline, o.speedup) for o in operators.rows] == [
        (EVIL, "float", "50 %", "200", "1.00×"),
        ("/conv/Conv", "int8-static", "25 %", "410", "4.10×"),
        ("/dense/MatMul", "int8-static", "15 %", "300", "5.00×"),
        ("/convert", "float", "10 %", "–", "–"),
    ]
    assert operators.groups == (
        OperatorGroup("float", "f32", "2 operators", 0.6, "60 %"),
        OperatorGroup("int8-static", "u8", "1 operator", 0.25, "25 %"),
        OperatorGroup("int8-static", "i8", "1 operator", 0.15, "15 %"),
    )
    assert (operators.total, operators.baseline_total) == ("400 µs", "1,000 µs")
    assert operators.note == "1 further operator of float f32 (90.0 µs) ran inside others or not at all here."


def test_no_profile_is_said() -> None:
    assert view(INTERRUPTED).operators.note == "No operator profile was recorded."


def test_failed_and_stopped_with_reasons() -> None:
    page = view(INT8_WINS)
    assert page.failed == (
        ProblemRow(
            5,
            "int8 plain/mixed, mean-min-max, rest bf16",
            "compile (error)",
            "RuntimeError: Arguments do not have the same element type <u8 & f32>",
        ),
    )
    assert [(r.trial, r.reason) for r in page.stopped] == [(6, TRIALS[6].reason)]


def test_phases_add_up_to_the_whole_run() -> None:
    phases = view(INT8_WINS).phases
    assert phases[0] == Phase("search", "20.0 s", 0.25)
    assert phases[2] == Phase("compile and infer for that", "5.00 s", 0.0625, inner=True)
    assert phases[3] == Phase("build", "0.40 s", 0.005, inner=True)
    rest = "data, baseline, first observation, finalists, export"
    assert phases[-2] == Phase(rest, "59.3 s", pytest.approx(59.3 / 80))
    assert phases[-1] == Phase("whole run", "1 min 20 s", 1.0)
    assert sum(p.share for p in phases[:-1] if not p.inner) == pytest.approx(1.0)


def test_run_facts() -> None:
    page = view(INT8_WINS)
    assert Choice("holdout", "1,800 samples, looked at once per finalist") in page.splits
    assert Choice("largest drop", "1%, 0.00895 in the metric's units") in page.goal
    assert Choice("8-bit sums", "do not saturate") in page.machine
    assert Choice("inputs", "bytes int32 [1, 2048]") in page.model
    assert [v.term for v in page.versions] == ["autotune", "nncf", "openvino", "optuna", "python"]
    assert page.notes == INT8_WINS.notes


def test_a_fallback_from_nncfs_solver_is_shown() -> None:
    run = replace(INT8_WINS, model=replace(INT8_WINS.model, nncf_path="names differ", can_saturate=True))
    assert Choice("placement of quantisers", "nncf.quantize: names differ") in view(run).model
    assert Choice("8-bit sums", "saturate on this instruction set") in view(run).machine


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_every_outcome_has_a_page(run: RunRecord) -> None:
    page = view(run)
    assert page == view(run)
    assert all(isinstance(b, Badge) for b in page.headline.badges)
