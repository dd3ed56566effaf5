"""The factory: prepared and observed once, cached on disk, clear about what it cannot build."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from placement_models import attention, convolutions, elementwise, masked, samples

from autotune.configuration import ActivationChoice, Estimator, Quantization
from autotune.graph.inspect import candidate_digest
from autotune.graph.normalise import normalise
from autotune.quantize import nncf_private
from autotune.quantize.factory import BuildError, CandidateFactory


def factory(model: ov.Model, folder: Path, count: int = 12) -> CandidateFactory:
    folded, _ = normalise(model)
    made = CandidateFactory(folded, samples(folded, count), folder, threads=2)
    made.prepare()
    made.observe()
    return made


def test_a_candidate_holds_int8_weights_and_runs(tmp_path: Path) -> None:
    made = factory(convolutions(), tmp_path)
    candidate = made.build(Quantization())
    stored = [node.get_element_type() for node in candidate.get_ops() if node.get_type_name() == "Constant"]
    assert stored.count(ov.Type.i8) == 7
    left = {n.get_friendly_name() for n in candidate.get_ops() if n.get_type_name() == "FakeQuantize"}
    assert len(left) == 9, "the activations' alone"
    assert left < set(made.activation_quantizers), "those of the other placement count as well"
    outputs = ov.compile_model(candidate, "CPU")(samples(candidate, 1).row(0))[0]
    assert np.isfinite(outputs).all()
    assert made.nncf_path == "fast"
    assert made.operators["depthwise"] == "GroupConvolution"


def test_equal_choices_build_equal_candidates_and_others_do_not(tmp_path: Path) -> None:
    made = factory(convolutions(), tmp_path)
    default = Quantization()
    choices = [
        default,
        replace(default, placement="transformer"),
        replace(default, preset="mixed"),
        replace(default, float_operators=("merge",)),
        replace(default, activation=ActivationChoice(Estimator("percentile", 0.99))),
        replace(default, overrides=(("pointwise/bias/fq_output_0", ActivationChoice(symmetry="affine")),)),
        replace(default, weights="per-tensor"),
        replace(default, bias_correction=False),
        replace(default, overflow_fix="first-layer"),
        replace(default, overflow_fix="all"),
    ]
    digests = [candidate_digest(made.build(choice)) for choice in choices]
    assert len(set(digests)) == len(digests)
    assert digests == [candidate_digest(made.build(choice)) for choice in choices]


def test_what_was_observed_is_kept_by_content(tmp_path: Path) -> None:
    folded, _ = normalise(convolutions())
    first = CandidateFactory(folded, samples(folded), tmp_path, threads=2)
    first.prepare()
    first.observe()
    (kept,) = tmp_path.glob("observation-*.npz")
    written = kept.stat().st_mtime_ns
    again = CandidateFactory(normalise(convolutions())[0], samples(folded), tmp_path, threads=1)
    again.prepare()
    again.observe()
    assert kept.stat().st_mtime_ns == written
    assert candidate_digest(again.build(Quantization())) == candidate_digest(first.build(Quantization()))
    other = CandidateFactory(folded, samples(folded, 9), tmp_path, threads=2)
    other.prepare()
    other.observe()
    assert len(list(tmp_path.glob("observation-*.npz"))) == 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "a temporary file was left"


def test_a_cut_cache_file_is_made_again(tmp_path: Path) -> None:
    expected = candidate_digest(factory(convolutions(), tmp_path).build(Quantization()))
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert candidate_digest(factory(convolutions(), tmp_path).build(Quantization())) == expected


def test_a_passed_check_is_kept_but_not_trusted_when_the_internals_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = factory(attention(), tmp_path)
    expected = candidate_digest(fast.build(Quantization()))
    assert (fast.nncf_path, fast.note) == ("fast", "")
    (checked,) = tmp_path.glob("placement-*.json")
    assert json.loads(checked.read_text()) == {"path": "fast"}

    def gone(*_: object) -> None:
        raise ImportError("no such module")

    monkeypatch.setattr(nncf_private, "PrivateSolver", gone)
    slow = factory(attention(), tmp_path)
    assert "no such module" in slow.nncf_path
    assert "the slow, public way" in slow.note
    assert candidate_digest(slow.build(Quantization())) == expected


def test_every_operator_float_is_the_float_model(tmp_path: Path) -> None:
    folded, _ = normalise(convolutions())
    made = factory(convolutions(), tmp_path)
    candidate = made.build(Quantization(float_operators=tuple(made.operators)))
    assert candidate_digest(candidate) == candidate_digest(folded)


def test_nothing_to_quantise(tmp_path: Path) -> None:
    made = factory(elementwise(), tmp_path)
    assert made.operators == {}
    assert made.activation_quantizers == ()
    with pytest.raises(BuildError, match="Nothing in this model can be quantised"):
        made.build(Quantization())


def test_a_range_that_is_not_finite_is_refused_by_name(tmp_path: Path) -> None:
    made = factory(masked(-3.4e38), tmp_path)
    with pytest.raises(BuildError, match=r"'masked/fq_output_0'.*not finite"):
        made.build(Quantization())
    assert made.build(Quantization(float_operators=("blind",)))


def test_weights_stored_as_f16_are_quantised_like_any(tmp_path: Path) -> None:
    folded, _ = normalise(convolutions())
    ov.save_model(folded, tmp_path / "half.xml", compress_to_fp16=True)
    made = factory(ov.Core().read_model(tmp_path / "half.xml"), tmp_path / "cache")
    candidate = made.build(Quantization())
    stored = [node.get_element_type() for node in candidate.get_ops() if node.get_type_name() == "Constant"]
    assert stored.count(ov.Type.i8) == 7
    assert np.isfinite(ov.compile_model(candidate, "CPU")(samples(candidate, 1).row(0))[0]).all()
