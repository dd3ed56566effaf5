"""What of a configuration a PyTorch module can be given, and what is told of the rest."""

from __future__ import annotations

from autotune.configuration import ActivationChoice, Configuration, FormChoice, Quantization
from autotune.retraining import _trainable

INT8 = Quantization("transformer", "mixed", ("q",), weights="per-tensor")


def test_smoothing_goes_along() -> None:
    start = Configuration("bf16", INT8, (FormChoice("smoothing", ("a", "b"), 0.9),), threads=1)
    assert _trainable(start, ("b", "a")) == (start, [])


def test_what_is_left_out_is_told() -> None:
    single = Quantization("transformer", "mixed", ("q",), overrides=(("x", ActivationChoice()),), weights="per-tensor")
    forms = (FormChoice("smoothing", ("a",), 0.5), FormChoice("fused-activation", ("c",)))
    base, remarks = _trainable(Configuration("f32", single, forms, bf16_operators=("q",)), ("a", "b"))
    assert base == Configuration("f32", INT8, (FormChoice("smoothing", ("a", "b"), 0.5),))
    assert remarks == [
        "Training leaves out what a PyTorch module cannot be given: graph forms other than smoothing, operators in "
        "bf16, quantisers set singly.",
        "In training all linear layers are smoothed, not only those of the trial that it starts from.",
    ]
