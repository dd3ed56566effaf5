"""A model exported with a fixed batch of several samples, made to take one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from autotune.data import Array

if TYPE_CHECKING:
    import openvino as ov

# Kernels of different batches add up in another order.
_RELATIVE = 1e-3


def fixed_batch(port: Any) -> int | None:
    """Return the first dimension of an input where it is fixed and not 1, else None."""
    partial = port.get_partial_shape()
    if partial.rank.is_dynamic or partial.rank.get_length() == 0 or partial[0].is_dynamic:
        return None
    length = int(partial[0].get_length())
    return None if length == 1 else length


def reduce_batch(model: ov.Model, shapes: Mapping[str, list[int]], rows: Mapping[str, Array], batch: int) -> str:
    """Give a model of a fixed batch the shapes of a single sample, in place, and see that samples come out the same.

    Constant target shapes that are fixed to the batch are adapted. Where a graph mixes the samples of a batch, or
    cannot be adapted in full, it may still run and give something else, so one batch is compared with its samples one
    by one.

    Args:
        shapes: by input name, with a batch of 1.
        rows: samples by input name, in the element types of the model, shape (at least 1, ...).
        batch: of the model's inputs, but for those that have a fixed 1.

    Returns:
        Why it cannot be done, as the rest of a sentence; empty when it is done.
    """
    several = {name: [_first(model.input(name), batch), *shape[1:]] for name, shape in shapes.items()}
    chosen = {
        name: values[np.arange(batch) % len(values) if several[name][0] == batch else np.zeros(batch, int)]
        for name, values in rows.items()
    }
    try:
        model.reshape(several)
        (together,) = _outputs(model, [{name: values[: several[name][0]] for name, values in chosen.items()}])
        _adapt(model, shapes, batch)
        alone = _outputs(model, [{name: values[i : i + 1] for name, values in chosen.items()} for i in range(batch)])
    except RuntimeError:
        return "it does not run with a batch of 1"
    for i, whole in enumerate(together):
        parts = [outputs[i] for outputs in alone]
        if whole.shape[:1] != (batch,) or any(part.shape != (1, *whole.shape[1:]) for part in parts):
            return "its outputs do not have one row per sample"
        if not _same(whole, np.concatenate(parts)):
            return "samples one by one give other outputs than in a batch"
    return ""


def _adapt(model: ov.Model, shapes: Mapping[str, list[int]], batch: int) -> None:
    """Give inputs their shapes, and let target shapes that begin with a multiple of the batch begin with the multiple.

    ``model.reshape`` adapts only reshapes to two dimensions, and stops at the others.
    """
    import openvino
    import openvino.opset13 as ops

    for node in model.get_ops():
        if node.get_type_name() != "Reshape" or node.input_value(1).get_node().get_type_name() != "Constant":
            continue
        target = np.array(node.input_value(1).get_node().get_data())
        before = node.input_value(0).get_partial_shape()
        spans = target.ndim == 1 and len(target) > 1 and target[0] > 0 and target[0] % batch == 0
        if spans and before.rank.get_length() > 0 and before[0].is_static and before[0].get_length() % batch == 0:
            target[0] //= batch
            node.input(1).replace_source_output(ops.constant(target).output(0))
    for name, shape in shapes.items():
        model.input(name).get_node().set_partial_shape(openvino.PartialShape(shape))
    model.validate_nodes_and_infer_types()


def _first(port: Any, batch: int) -> int:
    partial = port.get_partial_shape()
    return 1 if partial.rank.is_static and partial[0] == 1 else batch


def _outputs(model: ov.Model, batches: list[dict[str, Array]]) -> list[list[Array]]:
    import openvino

    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [[np.array(values) for values in compiled(batch).values()] for batch in batches]


def _same(one: Array, other: Array) -> bool:
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    return bool(np.allclose(one, other, rtol=0, atol=_RELATIVE * float(np.abs(one).max(initial=0.0)), equal_nan=True))
