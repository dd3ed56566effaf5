"""Whether a run's promise holds elsewhere: worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from decide_trials import FLOAT, REFERENCE, column, floating, goal, int8, judged

from autotune.decide import differences, still_holds
from autotune.outcome import Finalist, Fingerprint, Verification
from autotune.record import Interval

HERE = Fingerprint("Xeon A", ("avx2", "avx512_vnni"), "native", 2, 2, 24.0, "Linux", {"openvino": "2026.4.1"})
PROMISED = Finalist(
    3, int8("a"), Interval(3.0, 2.9, 3.1), Interval(2.0, 1.9, 2.1), (2.0, 2.0), judged("expected"), True
)


def look(
    deployed_ms: float, verdict: Any = None, bf16_ms: float = 4.0, promised: Finalist = PROMISED, **asked: Any
) -> Verification:
    """A run that promised 3x; float f32 takes 6 ms here, bf16 ``bf16_ms``."""
    slower = asked.pop("slower", 0.1)
    run: Any = SimpleNamespace(finalists=(promised,), winner=3, goal=goal(**asked), fingerprint=HERE)
    columns = [column(ms, seed=i) for i, ms in enumerate((deployed_ms, 6.0, bf16_ms))]
    verdicts = [verdict or judged("expected"), REFERENCE, judged("proven")]
    return still_holds(run, [FLOAT, floating("bf16")], columns, verdicts, here=HERE, slower=slower)


def test_what_was_promised_holds() -> None:
    found = look(2.0)
    assert found.holds
    assert found.reasons == found.differences == ()
    assert found.best_float == "float bf16"
    assert found.speedup.estimate == pytest.approx(3, rel=0.02)
    assert found.speedup_best_float.estimate == pytest.approx(2, rel=0.02)


def test_a_drop_beyond_the_tolerance_does_not() -> None:
    found = look(2.0, judged("beyond", 0.02))
    assert not found.holds
    assert found.reasons == ("its drop of 0.02 is beyond the tolerance of 0.009",)


def test_a_drop_must_be_proven_again_where_that_was_asked() -> None:
    found = look(2.0, assurance="proven")
    assert found.reasons == ("its drop is not proven to be within the tolerance: 0.004, at most 0.012 of 0.009",)


def test_slower_than_the_best_float_does_not() -> None:
    found = look(2.2, bf16_ms=1.5, slower=0.5)
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith("it is slower than float bf16: 0.68x as fast")


def test_a_float_that_won_is_not_slower_than_itself() -> None:
    won = replace(PROMISED, configuration=floating("bf16"))
    assert look(2.05, bf16_ms=2.0, promised=won).holds, "the same, compiled once more"
    assert not look(2.05, bf16_ms=2.0).holds


def test_slower_than_promised_does_not() -> None:
    # 6 / 2.5 = 2.4x; at 10 % less than 3x 2.7x is wanted, at 25 % less 2.25x.
    assert "3.00x was promised and at least 2.70x is wanted" in look(2.5).reasons[0]
    assert look(2.5, slower=0.25).holds


def test_a_tie_with_what_is_wanted_holds() -> None:
    assert look(6.0 / 2.7).holds


def test_latency_that_was_asked() -> None:
    assert look(2.0, max_latency_ms=2.5).holds
    assert "at most 1.5 ms were asked" in look(2.0, max_latency_ms=1.5).reasons[0]


def test_speedup_that_was_asked() -> None:
    assert look(2.0, min_speedup=2.5).holds  # 6 / 2 = 3x
    assert "at least 3.5x were asked" in look(2.0, min_speedup=3.5).reasons[0]


def test_differences_are_named() -> None:
    other = replace(HERE, cpu="Xeon B", isa=("amx_int8", "avx2"), threads=4, versions={"openvino": "2026.5.0"})
    assert differences(HERE, HERE) == ()
    assert differences(HERE, other) == (
        "CPU: Xeon A → Xeon B",
        "without avx512_vnni; with amx_int8",
        "threads: 2 → 4",
        "openvino: 2026.4.1 → 2026.5.0",
    )
    assert differences(HERE, replace(HERE, instruction_set="AVX512_CORE")) == (
        "instruction set: native → AVX512_CORE",
        "8-bit sums: exact → saturating, so int8 may give other outputs",
    )
