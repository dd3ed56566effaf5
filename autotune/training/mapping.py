"""Operators of the OpenVINO model, found again in the PyTorch graph: by kind and order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

_FAMILIES = {
    "convolution": (("Convolution", "GroupConvolution"), ("conv1d", "conv2d", "conv3d")),
    "transposed": (
        ("ConvolutionBackpropData", "GroupConvolutionBackpropData"),
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    ),
    "product": (("MatMul",), ("linear", "matmul", "__matmul__", "bmm", "addmm", "baddbmm")),
}


@dataclass(frozen=True)
class Mapped:
    """``names`` in the PyTorch graph; ``left``: operators that were not found there."""

    names: tuple[str, ...]
    left: tuple[str, ...]


def mapped(wanted: Collection[str], operators: Sequence[tuple[str, str]], nodes: Sequence[tuple[str, str]]) -> Mapped:
    """Return the PyTorch names of some operators.

    The n-th convolution of one graph is the n-th of the other, where both have as many; likewise transposed
    convolutions and products of matrices. Conversion keeps their order. Others are not looked for.

    Args:
        wanted: names in the OpenVINO model.
        operators: (name, OpenVINO's type), in the order of the graph.
        nodes: (name, PyTorch's function), in the order of execution.
    """
    known: dict[str, str] = {}
    for types, functions in _FAMILIES.values():
        ours = [name for name, kind in operators if kind in types]
        theirs = [name for name, kind in nodes if kind in functions]
        if len(ours) == len(theirs):
            known.update(zip(ours, theirs, strict=True))
    chosen = sorted(wanted)
    return Mapped(tuple(known[n] for n in chosen if n in known), tuple(n for n in chosen if n not in known))
