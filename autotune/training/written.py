"""A trained module as an OpenVINO model: its quantisers as FakeQuantize.

By ``torch.export`` first: while PyTorch traces, sizes are tensors, so that NNCF counts their sums as operators of the
module and puts quantisers into other places than it trained them in. Tracing is the second way, and what either gives
is compared with the module.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import openvino as ov
import torch

from autotune.errors import UserError
from autotune.sources.networks import reason
from autotune.training.quantizing import quantizers, replace_part
from autotune.training.waving import difference

Sample = Mapping[str, torch.Tensor]

# See ``waving.difference``. What is written right differs by 2e-6 (a BERT of two layers) to 4e-4 (an ALBERT of twelve);
# one lost quantiser makes 2e-2 or more, one range that is a tenth too wide 7e-3.
AGREES = 3e-3


def written(student: torch.nn.Module, samples: Sequence[Sample]) -> ov.Model:
    """Return the OpenVINO model of a module with NNCF's quantisers.

    Args:
        samples: inputs by parameter, batch 1; the first is what it is exported with, all are compared.

    Raises:
        UserError: it cannot be exported; names the operators.
    """
    plain = _with_plain_quantizers(student)
    ways: dict[str, Callable[[], ov.Model]] = {
        "torch.export": lambda: ov.convert_model(torch.export.export(plain, (), kwargs=dict(samples[0]), strict=False)),
        "tracing": lambda: ov.convert_model(plain, example_input=dict(samples[0])),
    }
    failures = []
    for way, made in ways.items():
        try:
            with torch.no_grad():
                model = made()
            apart = difference(model, student, samples)
        except Exception as error:  # noqa: BLE001 - the converters and what they call raise anything
            failures.append(f"{way}: {reason(error)}")
            continue
        if apart <= AGREES:
            return model
        failures.append(f"{way}: its outputs differ from PyTorch's by {apart:.1g} of their root mean square")
    raise UserError(f"training: the trained module cannot be exported ({'; '.join(failures)}).")


def _with_plain_quantizers(student: torch.nn.Module) -> torch.nn.Module:
    """Return a copy whose quantisers are operators of PyTorch, which both converters know."""
    plain = copy.deepcopy(student)
    for name, quantizer in quantizers(plain).items():  # those that are off, too: their tables are stored as int8
        replace_part(plain, name, _Plain(quantizer))
    return plain


class _Plain(torch.nn.Module):  # type: ignore[misc]
    """What a quantiser does, with its range fixed."""

    def __init__(self, quantizer: Any) -> None:
        super().__init__()
        self._low, self._high, scale, zero = quantizer.get_parameters_for_torch_fq()
        self._axis = int(np.argmax(quantizer.scale_shape)) if quantizer.per_channel else None
        self._clip: tuple[torch.Tensor, torch.Tensor] | None = None
        # The module clips to a narrow range (-127 to 127) or half of one (7 bits), PyTorch's operator to all 8 bits: a
        # weight that grew beyond its range would become another.
        if quantizer.is_half_range or quantizer.narrow_range:
            low, high = quantizer.get_input_low_input_high()
            self._clip = low.detach().clone(), high.detach().clone()
        self.register_buffer("scale", scale.detach().clone())
        self.register_buffer("zero", zero.detach().clone())
        self._single = (float(scale), int(zero)) if self._axis is None else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self._clip is not None:
            x = torch.minimum(torch.maximum(x, self._clip[0]), self._clip[1])
        if self._single is not None:
            return torch.fake_quantize_per_tensor_affine(x, *self._single, self._low, self._high)
        return torch.fake_quantize_per_channel_affine(x, self.scale, self.zero, self._axis, self._low, self._high)
