"""Quantisers in few passes compute what NNCF's own plain operations do, and have their gradients."""

from __future__ import annotations

import importlib.util

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)

# Shape of the ranges, levels, the lowest and the highest level: symmetric per tensor and per channel, 7 bits, affine.
KINDS = [((1,), 255, -127, 127), ((1, 6, 1), 256, -128, 127), ((1,), 128, -64, 63), ((4, 1, 1), 256, 0, 255)]


@pytest.mark.parametrize("part", [50, 1000])
@pytest.mark.parametrize(("shape", "levels", "low", "high"), KINDS)
def test_values_and_gradients_are_nncf_s(
    shape: tuple[int, ...], levels: int, low: int, high: int, *, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from nncf.torch.quantization.reference import ReferenceBackendType, ReferenceQuantize

    from autotune.training import rounding

    monkeypatch.setattr(rounding, "_PART", part)  # of 120 elements
    generator = torch.Generator().manual_seed(0)
    x, grad = (torch.randn((4, 6, 5), generator=generator) for _ in range(2))
    # Affine ranges have 0 on a level, as NNCF's tuning leaves them.
    top = 0.5 + torch.rand(shape, generator=generator)
    bottom = top * low / high if low else -top * 51 / 204
    theirs = ReferenceQuantize(ReferenceBackendType.TORCH)
    given = x.clone()
    values = rounding.forward(given, bottom, top - bottom, levels)
    assert torch.equal(given, x), "what is given is not changed"
    torch.testing.assert_close(values, theirs.forward(x, bottom, top - bottom, levels))
    ours = rounding.backward(grad, given, bottom, top - bottom, levels, low, high, not low)
    expected = theirs.backward(grad, x, bottom, top - bottom, levels, low, high, not low)
    assert ours[1].shape == ours[2].shape == top.shape
    for mine, other in zip(ours, expected, strict=True):  # autograd sums what NNCF leaves unsummed
        torch.testing.assert_close(mine, other if other.shape == mine.shape else other.sum().reshape(mine.shape))
