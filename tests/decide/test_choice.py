from dataclasses import replace

import pytest
from decide_trials import FLOAT, REFERENCE, column, compressed, floating, goal, int8, judged, trial

from autotune.configuration import Configuration
from autotune.decide import choose, finalists


def decide(entries, asked=None, interrupted=False, sizes=None, *, unjudged=(), peaks=None):
    """Decide among (configuration, milliseconds, verdict) entries; trial numbers are their positions."""
    asked = asked or goal()
    sizes = sizes or [1000] * len(entries)
    trials = [
        trial(i, configuration, 1.0, 0.0, size=size)
        for i, ((configuration, _, _), size) in enumerate(zip(entries, sizes, strict=True))
    ]
    columns = [column(ms, seed=i) for i, (_, ms, _) in enumerate(entries)]
    judgements = finalists(trials, columns, [v for _, _, v in entries], asked, peaks=peaks)
    return choose(judgements, asked, interrupted, unjudged), judgements


F32 = (FLOAT, 6.0, REFERENCE)
BF16 = (floating("bf16"), 4.0, judged("proven"))


def test_fastest_expected_wins_and_the_fastest_proven_is_named():
    decision, found = decide(
        [F32, BF16, (int8("a"), 2.0, judged("expected")), (int8("b"), 1.5, judged("beyond", 0.02))]
    )
    assert (decision.winner, decision.best_float, decision.fastest_proven) == (2, 1, 1)
    assert (decision.outcome, decision.why_float) == ("winner", "")
    assert found[2].speedup.estimate == pytest.approx(3, rel=0.02)
    assert found[2].speedup_best_float.estimate == pytest.approx(2, rel=0.02)
    assert found[2].speedup_best_float.low < 2 < found[2].speedup_best_float.high
    for part in (
        "Trial 2", "x as fast as float f32 (95 % interval", "best float, trial 1 (float bf16)", "900 holdout samples",
        "worse by 0.004", "95 % confidence, worse by at most 0.012", "expected, but not proven", "1% (0.009)",
        "about 420 more labelled samples", "The fastest proven one is trial 1 (float bf16)",
    ):  # fmt: skip
        assert part in decision.sentence


def test_proven_asked():
    entries = [F32, BF16, (int8("a"), 2.0, judged("expected")), (int8("b"), 3.0, judged("proven"))]
    decision, _ = decide(entries, goal(assurance="proven"))
    assert (decision.winner, decision.fastest_proven) == (3, 3)
    assert "so it is proven to keep the tolerance" in decision.sentence
    assert "fastest proven one" not in decision.sentence


def test_best_float_must_have_the_asked_assurance():
    entries = [F32, (floating("bf16"), 4.0, judged("expected")), (int8("a"), 5.0, judged("proven"))]
    assert decide(entries)[0].winner == 1  # 5 ms against bf16's 4 ms
    decision, _ = decide(entries, goal(assurance="proven"))
    assert (decision.winner, decision.best_float) == (2, 0)


def complicated(name: str) -> Configuration:
    chosen = int8(name)
    assert chosen.quantization is not None
    return replace(chosen, quantization=replace(chosen.quantization, float_operators=("x", "y", "z")))


def test_of_int8_models_at_a_tie_the_proven_then_the_simplest_wins():
    lucky = (complicated("a"), 1.999, judged("expected"))
    entries = [F32, lucky, (int8("b"), 2.0, judged("expected")), (complicated("c"), 2.001, judged("expected"))]
    assert decide(entries)[0].winner == 2
    assert decide([*entries, (complicated("d"), 2.0, judged("proven"))])[0].winner == 4
    assert decide([F32, (complicated("a"), 1.9, judged("expected")), entries[2]])[0].winner == 1  # no tie


def test_a_faster_one_at_a_tie_is_named():
    near = decide([F32, (int8("a"), 2.0, judged("proven")), (int8("b"), 1.999, judged("expected"))])[0]
    assert near.winner == 1 and "Trial 2 (" in near.sentence and "is not clearly faster; of equals" in near.sentence
    better = decide([F32, (int8("a"), 2.0, replace(judged("proven", -0.02), drop_upper=-0.01))])[0]
    assert "better by at least 0.01" in better.sentence and "of equals" not in better.sentence


def test_float_wins_a_tie():
    decision, found = decide([F32, (int8("a"), 6.0 / 1.001, judged("proven"))])
    assert found[1].speedup_best_float.low < 1
    assert (decision.winner, decision.best_float) == (0, 0)
    assert "is not clearly faster" in decision.why_float
    assert decision.why_float in decision.sentence and decision.sentence.startswith("Trial 0 (float f32) wins")


def test_a_float_at_a_tie_with_f32_is_not_the_best_float():
    decision, _ = decide([F32, (floating("bf16"), 6.0 / 1.0005, judged("expected"))])
    assert (decision.winner, decision.best_float) == (0, 0)


INT8 = (int8("a"), 2.0, judged("expected"))


@pytest.mark.parametrize(
    ("asked", "entries", "best", "said"),
    [
        ("expected", [F32, BF16, INT8], 1, "as fast as the best float, trial 1 (float bf16)"),
        ("expected", [F32, (floating("bf16"), 9.0, judged("proven")), INT8], 0, ", which is the best float here."),
        (
            "expected",
            [F32, (floating("bf16"), 4.0, judged("beyond", 0.02)), INT8],
            0,
            ", the best float that is expected to keep the tolerance. Trial 1 (float bf16), 1.50x as fast as float "
            "f32, is beyond the tolerance on the holdout.",
        ),
        (
            "proven",
            [F32, (floating("bf16"), 4.0, judged("expected")), (int8("a"), 2.0, judged("proven"))],
            0,
            ", the best float that is proven to keep the tolerance. Trial 1 (float bf16), 1.50x as fast as float f32, "
            "is not proven to keep the tolerance.",
        ),
    ],
    ids=["faster", "slower", "beyond", "unproven"],
)
def test_float_f32_is_called_the_best_float_only_if_it_is(asked, entries, best, said):
    decision, _ = decide(entries, goal(assurance=asked))
    assert (decision.winner, decision.best_float) == (2, best)
    assert said in decision.sentence


def test_a_float_that_is_not_clearly_faster_in_the_common_rounds_is_named():
    trials = [trial(i, c, 1.0, 0.0) for i, c in enumerate((FLOAT, floating("bf16"), int8("a")))]
    bf16 = [4.0, 6.5] * 6  # most often faster, not surely
    found = finalists(trials, [[6.0] * 12, bf16, [2.0] * 12], [REFERENCE, judged("proven"), judged("proven")], goal())
    decision = choose(found, goal())
    assert (decision.winner, decision.best_float) == (2, 0)
    assert ", which no other float clearly beats here. Trial 1 (float bf16), 1.21x" in decision.sentence
    assert "is not clearly faster: its interval is 0.923 to 1.5." in decision.sentence


def test_a_faster_float_that_was_not_judged_is_named():
    seen = trial(7, floating("bf16"), 1.47, 0.001)
    decision, _ = decide([F32, (int8("a"), 4.8, judged("expected"))], unjudged=[seen])
    assert decision.winner == 1
    assert ", the best float of those that were judged. Trial 7 (float bf16), 1.47x as fast" in decision.sentence
    alone, _ = decide([F32], unjudged=[seen])
    assert "keep the tolerance is clearly faster. Trial 7 (float bf16)" in alone.sentence
    assert "in the search, was not judged." in alone.sentence
    for other in (trial(7, floating("bf16"), 1.47, 0.1), trial(7, floating("bf16"), 0.9, 0.0), trial(7, int8(), 9, 0)):
        assert "Trial 7" not in decide([F32, INT8], unjudged=[other])[0].sentence
    assert "Trial 7" not in decide([F32, BF16, INT8], unjudged=[seen])[0].sentence, "bf16 was judged to be faster"


def test_why_float():
    assert "No int8 candidate was judged" in decide([F32, BF16])[0].why_float
    assert "slower" in decide([F32, (int8("a"), 9.0, judged("proven"))])[0].why_float
    beyond = decide([F32, (int8("a"), 2.0, judged("beyond", 0.03))])[0].why_float
    assert "No int8 candidate keeps the tolerance" in beyond and "worse by 0.03" in beyond
    entries = [F32, (int8("a"), 2.0, judged("expected"))]
    unproven = decide(entries, goal(assurance="proven"))[0].why_float
    assert "No int8 candidate is proven" in unproven and "420 more" in unproven


def test_only_float():
    decision, _ = decide([F32])
    assert (decision.winner, decision.fastest_proven, decision.outcome) == (0, 0, "winner")


def test_latency_asked():
    entries = [F32, BF16, (int8("a"), 2.0, judged("expected"))]
    met, found = decide(entries, goal(max_latency_ms=2.5))
    assert met.outcome == "winner" and [f.meets_latency for f in found] == [False, False, True]
    assert "2.5 ms were asked for" in met.sentence
    unmet, _ = decide(entries, goal(max_latency_ms=1.0))
    assert (unmet.outcome, unmet.winner) == ("constraint-unmet", 2)
    assert "asked latency of 1 ms is not met" in unmet.sentence
    beyond, _ = decide([F32, (int8("a"), 2.0, judged("beyond", 0.02))], goal(max_latency_ms=2.5))
    assert (beyond.outcome, beyond.winner) == ("constraint-unmet", 0)


def test_speedup_asked():
    entries = [F32, BF16, (int8("a"), 2.0, judged("expected"))]  # 3x
    met, found = decide(entries, goal(min_speedup=2.5))
    assert met.outcome == "winner" and [f.meets_speedup for f in found] == [False, False, True]
    assert "At least 2.5x float f32 was asked for." in met.sentence
    unmet, _ = decide(entries, goal(min_speedup=3.5))
    assert (unmet.outcome, unmet.winner) == ("constraint-unmet", 2), "the fastest is the best effort"
    assert "The asked speedup of 3.5x is not met" in unmet.sentence


def test_size_asked():
    entries = [F32, BF16, (int8("a"), 2.0, judged("expected")), (compressed(0), 7.0, judged("expected"))]
    sizes = [4000, 4000, 1_500, 1_000]
    met, found = decide(entries, goal(max_size_bytes=2000), sizes=sizes)
    assert (met.outcome, met.winner) == ("winner", 2)
    assert [f.meets_size for f in found] == [False, False, True, True]
    slow, _ = decide(entries, goal(max_size_bytes=1200), sizes=sizes)
    assert (slow.outcome, slow.winner) == ("winner", 3), "slower than float, which is too large"
    assert "Its constants take no more than the 0.0012 MB asked for." in slow.sentence
    unmet, _ = decide(entries, goal(max_size_bytes=500), sizes=sizes)
    assert (unmet.outcome, unmet.winner) == ("constraint-unmet", 3), "the smallest is the best effort"
    assert "The asked size of 0.0005 MB is not met: nothing that is expected to keep the tolerance" in unmet.sentence
    assert "this one, the nearest to that, takes 0.001 MB." in unmet.sentence
    proven = [*entries[:2], (int8("a"), 4.0, judged("proven"))]  # at a tie with the best float
    assert decide(proven, goal(max_size_bytes=500), sizes=sizes[:3])[0].fastest_proven == 2
    alike, _ = decide(entries, goal(max_size_bytes=500), sizes=[4000, 4000, 1_005, 1_000])
    assert alike.winner == 2, "of those of one size the fastest"
    both, _ = decide(entries, goal(max_size_bytes=1200, max_latency_ms=5.0), sizes=sizes)
    assert (both.outcome, both.winner) == ("constraint-unmet", 2), "1.25 times the size, not 1.4 times the latency"
    assert "meets all that was asked, and this one, the nearest to that, takes 0.0015 MB." in both.sentence
    beyond = [*entries[:3], (compressed(0), 7.0, judged("beyond", 0.02))]
    assert decide(beyond, goal(max_size_bytes=500), sizes=sizes)[0].winner == 2, "of those that keep the tolerance"


def test_memory_asked():
    entries = [F32, (int8("a"), 2.0, judged("expected")), (compressed(0), 7.0, judged("expected"))]
    peaks = [90_000_000, 60_000_000, 40_000_000]
    met, found = decide(entries, goal(max_memory_bytes=60_000_000), peaks=peaks)
    assert (met.outcome, met.winner) == ("winner", 1)
    assert [f.meets_memory for f in found] == [False, True, True]
    assert [f.peak_memory_bytes for f in found] == peaks
    assert "Its peak memory is 60 MB; 60 MB were asked for." in met.sentence
    slow, _ = decide(entries, goal(max_memory_bytes=50_000_000), peaks=peaks)
    assert (slow.outcome, slow.winner) == ("winner", 2), "slower than float, which takes too much"
    unmet, _ = decide(entries, goal(max_memory_bytes=30_000_000), peaks=peaks)
    assert (unmet.outcome, unmet.winner) == ("constraint-unmet", 2), "that of the least memory is the best effort"
    assert "The asked peak memory of 30 MB is not met" in unmet.sentence
    assert "that of this one, the nearest to it, is 40 MB." in unmet.sentence
    unknown, found = decide(entries, goal(max_memory_bytes=100_000_000), peaks=[None] * 3)
    assert unknown.outcome == "constraint-unmet" and "the nearest to it, could not be measured." in unknown.sentence
    assert decide(entries, peaks=[None] * 3)[0].outcome == "winner", "nothing was asked"


def test_compressed_layers_compete_with_static_int8_and_are_no_best_float():
    decision, _ = decide([F32, BF16, (compressed(), 2.0, judged("proven")), (int8("a"), 2.5, judged("proven"))])
    assert (decision.winner, decision.best_float) == (2, 1)
    assert "int8-dynamic (group 128) of 1 linear layer," in decision.sentence


def test_interrupted():
    assert decide([F32, BF16], interrupted=True)[0].outcome == "interrupted"


def test_a_finalist_that_could_not_be_judged_is_left_out():
    _, found = decide([F32, (int8("a"), 2.0, None), BF16])
    assert [f.trial for f in found] == [0, 2]
    with pytest.raises(ValueError, match="float f32"):
        decide([(FLOAT, 6.0, None), BF16])


def test_words_of_a_metric_where_lower_is_better():
    better = judged("proven", -0.25)
    decision, _ = decide([F32, (int8("a"), 2.0, better)], goal(metric="rmse", higher_is_better=False, max_drop="0.5"))
    assert "rmse is 1.15 against 0.9: better by 0.25" in decision.sentence
    assert "tolerance of 0.009." in decision.sentence
