"""What training makes smaller: the difference to the float's outputs, to the labels, or both."""

from __future__ import annotations

import torch
from torch.nn import functional

from autotune.errors import UserError

# Of a loss that is relative to the variance of the float's outputs: the least variance that counts.
_LEAST = 1e-12
_DISTILL = "write training.loss: distillation, which needs none"


def distance(
    given: tuple[torch.Tensor, ...], wanted: tuple[torch.Tensor, ...], mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the mean squared difference of outputs, each relative to its variance in the batch (distillation).

    Matching a teacher's outputs so is Ba and Caruana's way ("Do Deep Nets Really Need to be Deep?", 2014).

    Args:
        mask: (n, tokens), 0 where a text is padded: outputs of shape (n, tokens, ...) count without these places.
    """
    return torch.stack(
        [
            torch.mean((_seen(mine, mask) - _seen(theirs, mask)) ** 2)
            / torch.var(_seen(theirs, mask), correction=0).clamp(min=_LEAST)
            for mine, theirs in zip(given, wanted, strict=True)
        ]
    ).mean()


def _seen(output: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    if mask is None or output.ndim <= mask.ndim or output.shape[: mask.ndim] != mask.shape:
        return output
    return output[mask.bool()]


def of_labels(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of class numbers, or the squared difference of other labels relative to their variance.

    Args:
        output: logits of classes, (n, classes), (n, tokens, classes) or (n, classes, ...); for labels that are no class
            numbers, values of their shape.
        labels: (n, ...); negative class numbers are not asked, and not counted.

    Raises:
        UserError: they do not fit the output.
    """
    if labels.is_floating_point():
        if output.numel() != labels.numel():
            raise _misfit(output, labels)
        labels = labels.to(output.dtype)
        return torch.mean((output.reshape(labels.shape) - labels) ** 2) / torch.var(labels, correction=0).clamp(
            min=_LEAST
        )
    labels = labels.long()
    if output.numel() == labels.numel():  # one logit per answer, which is yes or no
        return functional.binary_cross_entropy_with_logits(output.reshape(labels.shape), labels.to(output.dtype))
    if output.ndim != labels.ndim + 1:
        raise _misfit(output, labels)
    if output.shape[1:-1] == labels.shape[1:]:
        output = output.movedim(-1, 1)
    if output.shape[2:] != labels.shape[1:] or int(labels.max()) >= output.shape[1]:
        raise _misfit(output, labels)
    return functional.cross_entropy(output, labels.masked_fill(labels < 0, -100))


def _misfit(output: torch.Tensor, labels: torch.Tensor) -> UserError:
    most = "" if labels.is_floating_point() else f" up to {int(labels.max())}"
    return UserError(
        f"training.loss: labels of shape {list(labels.shape)}{most} do not fit an output of shape "
        f"{list(output.shape)}; {_DISTILL}."
    )
