"""What a quantiser of NNCF computes, and its gradients: with the fewest passes over a tensor, none of them compiled.

NNCF's own plain operations make some forty passes per step over each tensor, and most of a step's tensors are weights,
which no cache holds. Tensors with one range, as activations have, are gone through in parts that a cache does hold.
Gradients are those of NNCF: straight through within the range, and of the range as in learned step sizes (Esser et al.,
"Learned Step Size Quantization", 2020).
"""

from __future__ import annotations

import torch

_PART = 2**17  # elements


def forward(x: torch.Tensor, low: torch.Tensor, span: torch.Tensor, levels: int) -> torch.Tensor:
    """Return ``x`` held within ``low`` and ``low + span`` and rounded to ``levels`` values.

    Args:
        low, span: of one element, or one per channel with as many axes as ``x``; 0 is one of the levels.
    """
    found = torch.empty_like(x)
    if not _in_parts(x, low):
        return _rounded(x, low, span, levels, found)
    low, span = low.reshape(1), span.reshape(1)
    for part, out in zip(x.view(-1).split(_PART), found.view(-1).split(_PART), strict=True):
        _rounded(part, low, span, levels, out)
    return found


def _in_parts(x: torch.Tensor, low: torch.Tensor) -> bool:
    return bool(low.numel() == 1 and x.numel() > _PART and x.is_contiguous())


def _rounded(x: torch.Tensor, low: torch.Tensor, span: torch.Tensor, levels: int, out: torch.Tensor) -> torch.Tensor:
    scale = (levels - 1) / span
    torch.maximum(x, low, out=out)
    torch.minimum(out, low + span, out=out)
    return out.mul_(scale).round_().div_(scale)


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
    inside = torch.empty_like(x)
    if _in_parts(x, low) and grad.is_contiguous():
        parts = (values.view(-1).split(_PART) for values in (grad, x, inside))
        one, other = low.reshape(1), span.reshape(1)
        sums = [_gradients(g, part, one, other, levels, out) for g, part, out in zip(*parts, strict=True)]
        error, beyond, above = (torch.stack(each).sum(0).reshape(span.shape) for each in zip(*sums, strict=True))
    else:
        error, beyond, above = _gradients(grad, x, low, span, levels, inside)
    return [inside, beyond, error / span + above + (level_low / level_high) * (beyond - above)]


def _gradients(  # noqa: PLR0917 - as above
    grad: torch.Tensor, x: torch.Tensor, low: torch.Tensor, span: torch.Tensor, levels: int, inside: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Put the gradient of ``x`` into ``inside``; return sums: of rounding errors, beyond the range, and above it."""
    below = x < low
    inside.copy_(grad).masked_fill_(below | (x > low + span), 0)
    error = _rounded(x, low, span, levels, torch.empty_like(x)).sub_(x).mul_(inside)
    outside = grad - inside
    beyond = _summed(outside, span)
    return _summed(error, span), beyond, _summed(outside.masked_fill_(below, 0), span)


def _summed(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return the sum over all axes along which ``like`` has one element, in its shape."""
    if like.numel() == 1:
        return values.sum().reshape(like.shape)
    return values.sum([axis for axis, extent in enumerate(like.shape) if extent == 1], keepdim=True)
