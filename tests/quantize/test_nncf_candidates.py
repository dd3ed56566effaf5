"""Candidates made by ``nncf.quantize`` itself: every choice of a configuration reaches it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openvino as ov
import pytest
from placement_models import attention, samples

from autotune.configuration import ActivationChoice, Configuration, Estimator, Quantization
from autotune.graph.inspect import candidate_digest, model_digest
from autotune.graph.normalise import normalise
from autotune.quantize.variants import Variants

DEFAULT = Quantization()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Variants, Variants, ov.Model]:
    model, _ = normalise(attention())
    data, folder = samples(model, 12), tmp_path_factory.mktemp("cache")
    return Variants(model, data, folder, 2), Variants(model, data, folder, 2, "nncf"), model


def test_every_choice_makes_another_candidate_and_the_same_one_again(
    made: tuple[Variants, Variants, ov.Model],
) -> None:
    ours, theirs, model = made
    before = model_digest(model)
    choices = [
        DEFAULT,
        replace(DEFAULT, placement="transformer", preset="mixed"),
        replace(DEFAULT, preset="mixed"),
        replace(DEFAULT, weights="per-tensor"),
        replace(DEFAULT, bias_correction=False),
        replace(DEFAULT, overflow_fix="all"),
        replace(DEFAULT, float_operators=tuple(ours.base.operators)[:2]),
        *(replace(DEFAULT, activation=ActivationChoice(e)) for e in (Estimator("mse"), Estimator("percentile", 0.999))),
        replace(DEFAULT, activation=ActivationChoice(Estimator("min-max"))),
    ]
    digests = [candidate_digest(theirs.build(Configuration(quantization=choice))) for choice in choices]
    assert len(set(digests)) == len(digests)
    assert digests == [candidate_digest(theirs.build(Configuration(quantization=choice))) for choice in choices]
    affine = replace(DEFAULT, activation=ActivationChoice(symmetry="affine"))
    assert candidate_digest(theirs.build(Configuration(quantization=affine))) == digests[2], "the mixed preset"
    assert model_digest(model) == before


def test_it_is_nearly_what_patching_builds(made: tuple[Variants, Variants, ov.Model]) -> None:
    ours, theirs, model = made
    row = samples(model, 1).row(0)
    one, other = (
        ov.compile_model(v.build(Configuration(quantization=DEFAULT)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(row)
        for v in (ours, theirs)
    )
    np.testing.assert_allclose(one[0], other[0], atol=0.02 * float(np.abs(one[0]).max()))


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (replace(DEFAULT, activation=ActivationChoice(Estimator("entropy"))), "no estimator like entropy"),
        (replace(DEFAULT, overrides=(("x", ActivationChoice()),)), "single quantisers"),
    ],
)
def test_what_nncf_cannot_do_is_refused(
    made: tuple[Variants, Variants, ov.Model], choice: Quantization, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        made[1].build(Configuration(quantization=choice))
