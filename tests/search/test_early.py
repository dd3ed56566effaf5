"""What is tried before the plain int8 configurations, so that something good is in hand early."""

from dataclasses import replace

from autotune.configuration import Compression, Configuration, FormChoice, Quantization
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.early import (
    fewer_threads,
    fewer_threads_in_less,
    in_other_kernels,
    longest,
    partly_bf16,
    partly_compressed,
    rewritten,
    threads_matter,
    typed_bf16,
)

MICROSECONDS = {"a": 600.0, "b": 200.0, "c": 100.0, "rest": 100.0}
BF16 = Configuration(precision="bf16")
F32 = Configuration()


def trial(configuration: Configuration, speed: float, drop: float) -> Trial:
    latency = Latency((1.0,), (1 / speed,), Interval(speed, speed * 0.99, speed * 1.01))
    measured = Measurement(latency=latency, score=0.9, drop=drop, samples=100, size_bytes=1, threads=1)
    return Trial(0, configuration, "complete", "plain", measurement=measured)


def proposed(*trials: Trial) -> Configuration | None:
    return partly_bf16((trial(F32, 1.0, 0.0), *trials), 0.01, BF16, ("c", "a", "b"), MICROSECONDS)


def test_the_longest_operators_that_take_a_share_of_the_time() -> None:
    assert longest(("c", "a", "b"), MICROSECONDS, 1.0) == ("c", "a", "b")
    assert longest(("c", "a", "b"), MICROSECONDS, 0.75) == ("a", "b")
    assert longest(("c", "a", "b"), MICROSECONDS, 0.5) == ("a",)
    assert longest((), MICROSECONDS, 0.5) == ()


def test_fewer_operators_are_typed_bf16_as_long_as_more_lose_too_much() -> None:
    whole = trial(BF16, 2.0, 0.05)
    first = proposed(whole)
    assert first == Configuration(bf16_operators=("a", "b", "c"))
    second = proposed(whole, trial(first, 1.8, 0.04))
    assert second == Configuration(bf16_operators=("a",))
    assert proposed(whole, trial(first, 1.8, 0.04), trial(second, 1.4, 0.005)) is None, "that is in hand"
    assert proposed(whole, trial(first, 0.9, 0.0)) is None, "fewer operators would not be faster either"


def test_nothing_is_typed_where_it_cannot_help() -> None:
    assert proposed() is None, "bf16 was not tried"
    assert proposed(trial(BF16, 2.0, 0.005)) is None, "bf16 is within the tolerance"
    assert proposed(trial(BF16, 1.04, 0.05)) is None, "too slow to be worth it"
    failed = replace(trial(BF16, 2.0, 0.0), state="failed", measurement=None)
    assert proposed(failed) is None


def test_fewer_layers_have_int8_weights_as_long_as_more_lose_too_much() -> None:
    whole = Configuration(compression=Compression(("a", "b", "c"), dynamic_group=128))
    plain = (F32, whole)

    def next_(*trials: Trial) -> Configuration | None:
        return partly_compressed(trials, 0.01, plain, MICROSECONDS)

    assert next_() is None, "not tried yet"
    assert next_(trial(whole, 2.0, 0.005)) is None, "within the tolerance"
    first = next_(trial(whole, 2.0, 0.05))
    assert first == Configuration(compression=Compression(("a",), dynamic_group=128)), "it takes half of the time"
    assert next_(trial(whole, 2.0, 0.05), trial(first, 1.5, 0.005)) is None
    assert next_(trial(whole, 2.0, 0.05), trial(first, 1.5, 0.04)) is None, "nothing smaller is left"


def test_threads_are_halved_as_long_as_float_gets_faster() -> None:
    counts = (4, 2, 1)
    assert fewer_threads([trial(F32, 1.0, 0.0)], counts) == Configuration(threads=4)
    four, two = trial(Configuration(threads=4), 1.3, 0.0), trial(Configuration(threads=2), 1.2, 0.0)
    assert fewer_threads([trial(F32, 1.0, 0.0), four], counts) == Configuration(threads=2)
    assert fewer_threads([trial(F32, 1.0, 0.0), four, two], counts) is None, "two are slower than four"
    assert fewer_threads([trial(F32, 1.0, 0.0), trial(Configuration(threads=4), 0.7, 0.0)], counts) is None
    assert fewer_threads([trial(F32, 1.0, 0.0)], ()) is None
    assert fewer_threads([], counts) is None
    failed = replace(trial(Configuration(threads=4), 1.0, 0.0), state="failed", measurement=None)
    assert fewer_threads([trial(F32, 1.0, 0.0), failed], counts) is None, "else it would be asked for without end"


def test_a_long_model_has_work_for_all_threads() -> None:
    reference = trial(F32, 1.0, 0.0)
    assert reference.measurement is not None
    slow = replace(reference.measurement, latency=Latency((50.0,), (50.0,), Interval(1.0, 0.99, 1.01)))
    assert fewer_threads([replace(reference, measurement=slow)], (1,)) is None


def test_an_int8_model_may_want_fewer_threads_than_float() -> None:
    assert not threads_matter([trial(F32, 1.0, 0.0)])
    assert threads_matter([trial(Configuration(threads=1), 0.9, 0.0)])
    assert not threads_matter([trial(Configuration(threads=1), 0.6, 0.0)])


def test_bf16_within_the_tolerance_is_tried_on_the_threads_that_suit_f32() -> None:
    reference, one, half = trial(F32, 1.0, 0.0), trial(Configuration(threads=1), 0.9, 0.0), trial(BF16, 1.2, 0.0)
    assert fewer_threads_in_less([reference, one, half], 0.01) == replace(BF16, threads=1)
    assert fewer_threads_in_less([reference, one, trial(BF16, 1.2, 0.05)], 0.01) is None, "beyond the tolerance"
    assert fewer_threads_in_less([reference, one, trial(BF16, 0.9, 0.0)], 0.01) is None, "slower than f32"
    assert fewer_threads_in_less([reference, trial(Configuration(threads=1), 0.6, 0.0), half], 0.01) is None
    assert fewer_threads_in_less([reference, half], 0.01) is None
    both = trial(replace(BF16, threads=1), 1.4, 0.0)
    assert fewer_threads_in_less([reference, one, half, both], 0.01) is None, "tried"


def test_operators_are_typed_where_bf16_by_the_hint_loses_nothing() -> None:
    both = ("a", "b"), ("a", "b")
    reference, half = trial(Configuration(), 1.0, 0.0), trial(BF16, 1.1, 0.0)
    one = trial(Configuration(threads=1), 1.3, 0.0)
    typed = Configuration(bf16_operators=("a", "b"), threads=1)
    assert typed_bf16([reference, half, one], 0.01, *both) == typed
    assert typed_bf16([reference, half], 0.01, *both) == replace(typed, threads=None)
    assert typed_bf16([reference, half, one, trial(typed, 1.2, 0.0)], 0.01, *both) is None, "tried"
    assert typed_bf16([reference, half, trial(Configuration(threads=1), 1.6, 0.0)], 0.01, *both) == typed
    assert typed_bf16([reference, trial(BF16, 0.7, 0.0), one], 0.01, *both) is None, "slow"
    assert typed_bf16([reference, trial(BF16, 1.1, 0.05)], 0.01, *both) is None, "beyond the tolerance"
    assert typed_bf16([reference, half, one], 0.01, (), ()) is None


def test_operators_that_are_typed_alone_are_left_out_where_the_others_pay() -> None:
    plain = [trial(Configuration(), 1.0, 0.0), trial(BF16, 1.1, 0.0), trial(Configuration(threads=1), 1.3, 0.0)]
    typed = Configuration(bf16_operators=("a", "b", "c"), threads=1)
    fewer = replace(typed, bf16_operators=("a", "b"))

    def next_(*trials: Trial, together: tuple[str, ...] = ("a", "b")) -> Configuration | None:
        return typed_bf16([*plain, *trials], 0.01, ("a", "b", "c"), together)

    assert next_(trial(typed, 1.4, 0.0)) == next_(trial(typed, 1.28, 0.0)) == fewer
    assert next_(trial(typed, 1.2, 0.0)) is None, "typed operators do not pay"
    assert next_(trial(typed, 1.4, 0.0), trial(fewer, 1.5, 0.0)) is None, "tried"
    assert next_(trial(typed, 1.4, 0.0), together=("a", "b", "c")) is None, "none is alone"
    assert next_(trial(typed, 1.4, 0.0), together=()) is None, "all are"


def test_the_fastest_float_within_the_tolerance_is_rewritten_once() -> None:
    forms = (FormChoice("convolution-borders", ("a",)),)
    reference, half = trial(F32, 1.0, 0.0), trial(BF16, 1.5, 0.0)
    assert rewritten([reference], 0.01, ()) is None
    assert rewritten([reference], 0.01, forms) == Configuration(forms=forms)
    assert rewritten([reference, half], 0.01, forms) == replace(BF16, forms=forms)
    assert rewritten([reference, trial(BF16, 1.5, 0.05)], 0.01, forms) == Configuration(forms=forms)
    assert rewritten([reference, half, trial(replace(BF16, forms=forms), 1.2, 0.0)], 0.01, forms) is None


def test_static_int8_that_is_slower_than_float_is_tried_in_other_kernels_once() -> None:
    smoothing, linear = FormChoice("smoothing", ("a", "b"), 0.95), FormChoice("linear-as-convolution", ("a", "b"))
    int8 = Configuration(quantization=Quantization("transformer", "mixed"), forms=(smoothing,))
    plain, reference = Configuration(quantization=Quantization()), trial(F32, 1.0, 0.0)
    slow = trial(int8, 0.63, 0.002)
    quantization = Quantization("transformer", "mixed", ("product",))
    made = Configuration(quantization=quantization, forms=(smoothing, linear))

    def next_(*trials: Trial, forms: tuple[FormChoice, ...] = (linear,)) -> Configuration | None:
        return in_other_kernels([reference, *trials], forms, ("product",))

    assert next_(slow) == made
    assert next_(trial(plain, 0.7, 0.05), slow) == made, "it loses least"
    assert next_(slow, forms=()) is None, "there are no others"
    assert next_() is None, "nothing static yet"
    assert in_other_kernels([reference], (linear,), ("product",), int8) == made, "expected to be slow"
    failed = replace(trial(int8, 1.0, 0.0), state="failed", measurement=None)
    assert in_other_kernels([reference, failed], (linear,), ("product",), int8) is None
    assert next_(slow, trial(plain, 1.2, 0.05)) is None, "its kernels are fast here"
    assert next_(slow, replace(trial(made, 1.0, 0.0), state="failed", measurement=None)) is None, "tried"
