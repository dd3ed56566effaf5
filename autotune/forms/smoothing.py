"""SmoothQuant: outliers of activations move into the weights that read them (Xiao et al. 2022, arXiv 2211.10438).

Channel j of an activation X is divided by ``s_j = max|X_j|^alpha / max|W_j|^(1-alpha)`` and the weights of every
matrix product that reads it are multiplied by the same. What is computed stays the same; one range per tensor then fits
all channels of X better. Scales are limited as NNCF limits them, so that its default (alpha 0.95) is one of these. But
for channels that the calibration samples did not move: of nothing follows no scale, and NNCF's (1e-5 to the alpha)
multiplies them, and weights that the division is folded into, by up to 50,000.

Where all that reads the activation is smoothed, the division is folded into the scale and shift of the normalisation
before it, or into whatever constants or weights make it. Elsewhere it is an operator of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import ArrayLike

from autotune.forms.base import chosen_groups
from autotune.forms.scaling import folding
from autotune.forms.weighted import Channels, Weighted, weighted
from autotune.graph.inspect import tensor_key

# As in nncf.quantization.algorithms.smooth_quant: maxima are at least this, scales at most that and not below their
# own lowest tenth.
_SMALLEST = 1e-5
_LARGEST_SCALE = 100.0
_LOWEST_SHARE = 0.1
# A channel with less than this share of the median (half a step of 8 bits) counts as not moved. Not of the largest:
# beside an outlier, which smoothing is for, all the others may be small.
_LEAST_SHARE = 1 / 512
_EPSILON = float(np.finfo(np.float32).eps)


def smoothable(model: ov.Model) -> dict[str, frozenset[int]]:
    """Return the activations that products with weights read, and the axis of their channels: what to observe."""
    layers = [layer for node in model.get_ordered_ops() if (layer := _linear(node)) is not None]
    return {tensor_key(layer.node.input_value(0)): frozenset({layer.channel_axis}) for layer in layers}


class Smoothing:
    """Smoothing with one strength, of the activations whose maxima are known.

    Attributes:
        alpha: how much of the difficulty moves to the weights, 0 to 1; 0.5 shares it. Worth trying: MiniLM in int8 has
            a cosine of .983 to float without smoothing, .93 with 0.5 and .997 with 0.8 to 0.9.
    """

    name = "smoothing"

    def __init__(self, alpha: float, maxima: Mapping[str, ArrayLike]) -> None:
        """Take what was observed of the model that is to be smoothed.

        Args:
            alpha: 0 to 1.
            maxima: tensor key (``graph.inspect.tensor_key``) -> largest magnitude of each channel over the calibration
                samples. Channels are on the last axis of what a MatMul reads and on axis 1 of what a convolution
                reads; any shape with so many elements will do. Activations without maxima are not smoothed.

        Raises:
            ValueError: alpha is not within 0 and 1.
        """
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha is {alpha}; it must be 0 to 1")
        self.alpha = alpha
        self._maxima = {key: np.abs(np.asarray(values, np.float64)).reshape(-1) for key, values in maxima.items()}

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return the operators with weights that read the same activation with known maxima."""
        return {readers[0].name: tuple(r.name for r in readers) for readers in self._readers(model).values()}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Smooth the activations that these groups read."""
        for readers, scales in self._chosen(model, groups):
            _smooth(readers, scales)
        model.validate_nodes_and_infer_types()

    def factors(self, model: ov.Model, groups: Collection[str]) -> dict[tuple[str, ...], Channels]:
        """Return the operators of each of these groups, and what the activation that they read is divided by."""
        return {tuple(r.name for r in readers): scales for readers, scales in self._chosen(model, groups)}

    def _chosen(self, model: ov.Model, groups: Collection[str]) -> list[tuple[list[Weighted], Channels]]:
        found = self._readers(model)
        chosen_groups(self.name, {readers[0].name: () for readers in found.values()}, groups)
        return [
            (readers, self._scales(self._maxima[key], readers))
            for key, readers in found.items()
            if readers[0].name in groups
        ]

    def _readers(self, model: ov.Model) -> dict[str, list[Weighted]]:
        found: dict[str, list[Weighted]] = {}
        for node in model.get_ordered_ops():
            layer = _linear(node)
            if layer is None:
                continue
            key = tensor_key(node.input_value(0))
            # One scale per channel: all readers must have their channels on the same axis.
            same = all(layer.channel_axis == other.channel_axis for other in found.get(key, ()))
            if same and len(self._maxima.get(key, ())) == layer.into:
                found.setdefault(key, []).append(layer)
        return found

    def _scales(self, active: Channels, readers: list[Weighted]) -> Channels:
        """Return the scales of the reader for which they are the most even, as NNCF does; 1 where nothing moved."""
        best, best_ratio = np.ones(len(active)), 0.0
        moved = active >= _SMALLEST
        if not moved.any():
            return best
        least = max(_SMALLEST, _LEAST_SHARE * float(np.median(active[moved])))
        moved = active >= least
        for layer in readers:
            weights = np.maximum(layer.largest_in().astype(np.float64), _SMALLEST)
            scales = np.maximum(active, least) ** self.alpha / (weights ** (1 - self.alpha) + _EPSILON)
            scales = np.clip(scales, np.quantile(scales[moved], _LOWEST_SHARE), _LARGEST_SCALE)
            ratio = scales.min() / (scales.max() + _EPSILON)
            if ratio > best_ratio:
                best, best_ratio = scales, ratio
        return best


def _linear(node: ov.Node) -> Weighted | None:
    return weighted(node, varying=True) if node.get_type_name() == "MatMul" else None


def _smooth(readers: list[Weighted], scales: Channels) -> None:
    source = readers[0].node.input_value(0)
    targets = [layer.node.input(0) for layer in readers]
    axis = readers[0].channel_axis
    for layer in readers:
        layer.scale_in(scales)
    between = folding(source, len(scales), axis, targets)
    if between is not None:
        between.multiply(1 / scales)
    else:
        shape = [1] * len(source.get_partial_shape())
        shape[axis] = len(scales)
        inverse = ops.constant((1 / scales).astype(np.float32).reshape(shape), source.get_element_type())
        name = f"{readers[0].name}/smoothed"
        inverse.set_friendly_name(f"{name}/by")
        smoothed = ops.multiply(source, inverse, name=name)
        for target in targets:
            target.replace_source_output(smoothed.output(0))
