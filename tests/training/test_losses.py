"""What the difference to labels is, by hand, and what does not fit."""

from __future__ import annotations

import importlib.util
import math

import pytest

from autotune.errors import UserError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)


def test_classes_tokens_pixels_marks_and_values() -> None:
    import torch

    from autotune.training.losses import of_labels

    sure = math.log(1 + math.exp(-2.0))  # logits 2 apart
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    assert float(of_labels(logits, torch.tensor([0, 1]))) == pytest.approx(sure)
    tokens = torch.stack([logits, logits])  # (n, tokens, classes); the second text's last token is not asked
    assert float(of_labels(tokens, torch.tensor([[0, 1], [0, -1]]))) == pytest.approx(sure)
    pixels = logits.T.reshape(1, 2, 1, 2)  # (n, classes, height, width)
    assert float(of_labels(pixels, torch.tensor([[[0, 1]]]))) == pytest.approx(sure)
    assert float(of_labels(torch.tensor([[2.0], [-2.0]]), torch.tensor([1, 0]))) == pytest.approx(sure)
    assert float(of_labels(torch.tensor([[1.0], [4.0]]), torch.tensor([0.0, 4.0]).double())) == pytest.approx(0.5 / 4)


def test_distillation_leaves_out_where_a_text_is_padded() -> None:
    import torch

    from autotune.training.losses import distance

    wanted = torch.tensor([[[0.0], [2.0]], [[2.0], [9.0]]])  # (n, tokens, 1)
    given = wanted + torch.tensor([[[1.0], [1.0]], [[1.0], [50.0]]])
    mask = torch.tensor([[1, 1], [1, 0]])
    of_three = 1 / float(torch.var(torch.tensor([0.0, 2.0, 2.0]), correction=0))
    assert float(distance((given,), (wanted,), mask)) == pytest.approx(of_three)
    pooled = wanted[:, :, 0]  # (n, 2): channels, as many as there are tokens
    assert float(distance((pooled + 1,), (pooled,), mask)) == pytest.approx(1 / float(pooled.var(correction=0)))


def test_what_does_not_fit_is_one_sentence() -> None:
    import torch

    from autotune.training.losses import of_labels

    wrong = r"training\.loss: labels of shape \[2\] up to 2 do not fit an output of shape \[2, 2\]"
    with pytest.raises(UserError, match=wrong):
        of_labels(torch.zeros(2, 2), torch.tensor([0, 2]))
    with pytest.raises(UserError, match=r"do not fit an output of shape \[2, 3\]; write training\.loss: distillation"):
        of_labels(torch.zeros(2, 3), torch.tensor([0.5, 1.0]))
