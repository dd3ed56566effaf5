"""Biases of a quantised module take back what its quantisers shift: training starts where the candidate stands.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.2, with means
of samples: a channel's mean is to be what it is in the float module. Steps of training, each a small share of a bias,
would take hundreds for that.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping

import torch
from torch import nn

from autotune.training.learning import outputs
from autotune.training.losses import distance

Batch = Mapping[str, torch.Tensor]

_PER_CHANNEL = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm)
_PER_FEATURE = (nn.Linear, nn.LayerNorm)
_MASK = "attention_mask"


def correct(student: nn.Module, teacher: nn.Module, seen: Batch, others: Batch) -> bool:
    """Correct the biases in place, in the order in which they are used; return whether that was an improvement.

    Each is corrected in one pass, with those before it corrected. Layers that run more than once keep theirs.

    Args:
        student, teacher: in evaluation mode; the parts of the teacher have the same names.
        seen: inputs by parameter that means are taken over.
        others: inputs that tell whether the outputs got closer to the teacher's. If not, all is left as it was.
    """
    before = copy.deepcopy(student.state_dict())
    with torch.no_grad():
        first = _apart(student, teacher, others)
        wanted = _means(teacher, seen)
        _shift(student, wanted, seen)
        if _apart(student, teacher, others) < first:
            return True
    student.load_state_dict(before)
    return False


def _apart(student: nn.Module, teacher: nn.Module, batch: Batch) -> float:
    return float(distance(outputs(student, batch), outputs(teacher, batch), batch.get(_MASK)))


def _biased(module: nn.Module) -> dict[str, nn.Module]:
    kinds = (*_PER_CHANNEL, *_PER_FEATURE)
    found = {n: m for n, m in module.named_modules() if isinstance(m, kinds) and m.bias is not None}
    uses = Counter(id(m.bias) for m in found.values())
    return {name: part for name, part in found.items() if uses[id(part.bias)] == 1}


def _mean(part: nn.Module, value: torch.Tensor) -> torch.Tensor:
    axis = 1 if isinstance(part, _PER_CHANNEL) else value.ndim - 1
    return value.mean([i for i in range(value.ndim) if i != axis])


def _means(teacher: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
    """Return the mean of each channel of what the layers with a bias give, of those that run once."""
    found: dict[str, torch.Tensor] = {}
    calls: Counter[str] = Counter()
    hooks = []
    for name, part in _biased(teacher).items():

        def look(part: nn.Module, _given: object, value: torch.Tensor, name: str = name) -> None:
            calls[name] += 1
            found[name] = _mean(part, value)

        hooks.append(part.register_forward_hook(look))
    outputs(teacher, batch)
    for hook in hooks:
        hook.remove()
    return {name: mean for name, mean in found.items() if calls[name] == 1}


def _shift(student: nn.Module, wanted: Mapping[str, torch.Tensor], batch: Batch) -> None:
    hooks = []
    for name, part in _biased(student).items():
        if name not in wanted:
            continue

        def look(part: nn.Module, _given: object, value: torch.Tensor, mean: torch.Tensor = wanted[name]) -> None:
            # NNCF counts the operators that a module calls, to find its quantisers' places: these are not the module's.
            with torch._C.DisableTorchFunction():
                shift = mean - _mean(part, value)
                part.bias += shift
                value += shift.reshape([-1, *[1] * (value.ndim - 2)]) if isinstance(part, _PER_CHANNEL) else shift

        hooks.append(part.register_forward_hook(look))
    outputs(student, batch)
    for hook in hooks:
        hook.remove()
