"""Graphs whose inputs have an axis of no fixed extent: the tokens of a text."""

from __future__ import annotations

from typing import Any

import openvino as ov

# Where OpenVINO asks for some length and any will do.
_SOME = 64


def varying_axes(port: Any) -> tuple[int, ...]:
    """Return the axes of an input or output whose extent differs from sample to sample; none where the rank may too."""
    shape = port.get_partial_shape()
    return () if shape.rank.is_dynamic else tuple(axis for axis, extent in enumerate(shape) if extent.is_dynamic)


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
