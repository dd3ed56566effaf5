"""What a quantiser of NNCF computes, and its gradients: with the fewest passes over a tensor, none of them compiled.

NNCF's own plain operations make some forty passes per step over each tensor, and most of a step's tensors are weights,
which no cache holds. Gradients are those of NNCF: straight through within the range, and of the range as in learned
step sizes (Esser et al., "Learned Step Size Quantization", 2020).
"""

from __future__ import annotations

import torch


def forward(x: torch.Tensor, low: torch.Tensor, span: torch.Tensor, levels: int) -> torch.Tensor:
    """Return ``x`` held within ``low`` and ``low + span`` and rounded to ``levels`` values.

    Args:
        low, span: of one element, or one per channel with as many axes as ``x``; 0 is one of the levels.
    """
    scale = (levels - 1) / span
    held = torch.maximum(x, low)
    torch.minimum(held, low + span, out=held)
    return held.mul_(scale).round_().div_(scale)


def backward(  # noqa: PLR0917 - called by NNCF, by position
    grad: torch.Tensor,
    x: torch.Tensor,
    low: torch.Tensor,
    span: torch.Tensor,
    levels: int,
    level_low: int,
    level_high: int,
    _asymmetric: bool = False,
) -> list[torch.Tensor]:
    """Return the gradients of ``x``, ``low`` and ``span``; arguments as NNCF gives them."""
    below = x < low
    inside = grad.masked_fill(below | (x > low + span), 0)
    error = forward(x, low, span, levels).sub_(x).mul_(inside)
    outside = grad - inside
    beyond = _summed(outside, span)
    above = _summed(outside.masked_fill_(below, 0), span)
    return [inside, beyond, _summed(error, span) / span + above + (level_low / level_high) * (beyond - above)]


def _summed(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return the sum over all axes along which ``like`` has one element, in its shape."""
    if like.numel() == 1:
        return values.sum().reshape(like.shape)
    return values.sum([axis for axis, extent in enumerate(like.shape) if extent == 1], keepdim=True)
