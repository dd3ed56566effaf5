"""Which finalists stay when the timeout leaves no time for all."""

from __future__ import annotations

from autotune.configuration import Configuration, Quantization
from autotune.finishing import _without_one
from autotune.record import Trial

F32 = Trial(0, Configuration(), "complete", "plain")
BF16 = Trial(1, Configuration(precision="bf16"), "complete", "plain")
FIRST, SECOND = (
    Trial(n, Configuration(quantization=Quantization(float_operators=(str(n),))), "complete", "guide") for n in (2, 3)
)


def test_float_f32_and_the_first_int8_one_stay_longest() -> None:
    finalists = [F32, BF16, FIRST, SECOND]
    left = [finalists := _without_one(finalists) for _ in range(2)]
    assert left == [[F32, BF16, FIRST], [F32, FIRST]]
    assert _without_one([F32, BF16]) == [F32], "nothing int8"
