"""Graphs whose inputs have an axis of no fixed extent: the tokens of a text."""

from __future__ import annotations

from typing import Any

import openvino as ov

# Where OpenVINO asks for some length and any will do.
_SOME = 64


def is_varying(model: ov.Model) -> bool:
    """Tell whether an input has an axis whose extent differs from sample to sample."""
    return any(port.get_partial_shape().is_dynamic for port in model.inputs)


def at_length(model: ov.Model, length: int) -> ov.Model:
    """Return a copy whose inputs have this length on their varying axes: its shapes are static."""
    copy = model.clone()
    copy.reshape({port: ov.PartialShape(shape_at(port, length)) for port in copy.inputs})
    return copy


def shape_at(port: Any, length: int) -> list[int]:
    """Return the shape of an input or output with this length on its varying axes."""
    return [length if extent.is_dynamic else extent.get_length() for extent in port.get_partial_shape()]


def some_length(model: ov.Model) -> int:
    """Return a length that the inputs may have: 64, or the most where that is less."""
    varying = [extent for port in model.inputs for extent in port.get_partial_shape() if extent.is_dynamic]
    return min([_SOME, *(int(extent.get_max_length()) for extent in varying if extent.get_max_length() > 0)])


def shape_text(port: Any) -> tuple[int | str, ...]:
    """Return a port's shape; an axis without a fixed extent as a text, such as ``1..128``."""
    return tuple(str(extent) if extent.is_dynamic else extent.get_length() for extent in port.get_partial_shape())
