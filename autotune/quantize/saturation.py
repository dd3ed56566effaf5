"""Which operators add up products of 8-bit numbers in 16 bits on a CPU without VNNI."""

from __future__ import annotations

import openvino as ov

_SUMMING = {
    "Convolution", "ConvolutionBackpropData", "GroupConvolution", "GroupConvolutionBackpropData", "MatMul",
}  # fmt: skip


def saturating(model: ov.Model) -> set[str]:
    """Return the operators whose sums of 8-bit products can saturate: as in NNCF, not depthwise convolutions."""
    return {
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() in _SUMMING and not _is_depthwise(node)
    }


def _is_depthwise(node: ov.Node) -> bool:
    """Tell whether every group of a GroupConvolution has one input channel; its weights are (groups, out, in, ...)."""
    if node.get_type_name() != "GroupConvolution":
        return False
    groups, _, channels, *_ = node.input(1).get_shape()
    return bool(groups > 1 and channels == 1)
