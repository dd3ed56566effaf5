"""What is said of files that are no model that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune.sources.formats import refusal, unreadable

M = Path("m.onnx")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("-- No conversion rule found for operations: ai.onnx.ml.Scaler", "export the network alone"),
        ("Unsupported value_info type: output_probability", "models-that-are-not-read"),
        ("No conversion rule found for operations: com.acme.Magic", "OpenVINO has no such operators"),
        ("Unexpected end of file", "it may be cut or damaged"),
    ],
)
def test_unreadable(said: str, told: str) -> None:
    sentence = unreadable(M, said)
    assert told in sentence and sentence.startswith("OpenVINO cannot read m.onnx: ")
    assert ("cut or damaged" in sentence) == ("cut or damaged" in told)


@pytest.mark.parametrize(
    ("name", "told"),
    [("m.pt", "FILE.py:function"), ("m.py", "as m.py:function"), ("m.h5", "TFLite"), ("m.pb", "convert it with 'ovc'")],
)
def test_refusal(name: str, told: str) -> None:
    assert told in refusal(Path(name))
